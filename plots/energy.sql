-- Energy of an input against the heads that run, where it was measured: a panel per workload, batch size and device,
-- a series per policy. energy: of the socket, or of the card, with what it takes at rest, in `unit`; added: without
-- that, as measured: below 0 where the noise at rest is larger. energy_low, energy_high: 95% t-interval over n_seeds
-- seeds, at least 0. n_left_out: of n_profiles whose energy was measured, those with a warning.
WITH spent AS MATERIALIZED (
    SELECT * FROM saving_by_batch WHERE quantity IN ('joules', 'added_joules') AND instr(policy, '/') = 0
), measured AS MATERIALIZED (
    SELECT workload, arm, policy, batch_size, device, max(mean_heads) AS heads,
           max(CASE quantity WHEN 'joules' THEN value END) AS joules,
           max(CASE quantity WHEN 'joules' THEN value_ci95_low END) AS low,
           max(CASE quantity WHEN 'joules' THEN value_ci95_high END) AS high,
           max(CASE quantity WHEN 'added_joules' THEN value END) AS added,
           max(CASE quantity WHEN 'joules' THEN n_seeds END) AS n_seeds
    FROM spent GROUP BY workload, arm, batch_size, device
), scale AS MATERIALIZED (
    SELECT workload, batch_size, device,
           CASE WHEN max(joules) < 0.01 THEN 1e6 WHEN max(joules) < 10 THEN 1e3 ELSE 1 END AS per_joule
    FROM measured GROUP BY workload, batch_size, device
), doubtful AS (
    SELECT total(p.warned) AS n_left_out, count(*) AS n_profiles
    FROM current_profile p JOIN energy e ON e.profile_id = p.id
    WHERE instr(p.policy, '/') = 0 AND e.domain = CASE p.device WHEN 'cpu' THEN 'package' ELSE 'card' END
      AND e.joules_per_input IS NOT NULL
)
SELECT heads, per_joule * joules AS energy, per_joule * max(0, coalesce(low, joules)) AS energy_low,
       per_joule * coalesce(high, joules) AS energy_high, per_joule * added AS added,
       CASE per_joule WHEN 1 THEN 'J' WHEN 1e3 THEN 'mJ' ELSE 'µJ' END AS unit, n_seeds, n_left_out, n_profiles,
       workload, arm, policy AS series,
       printf('%s, batch %d, %s', workload, batch_size, CASE device WHEN 'cpu' THEN 'socket' ELSE device END) AS panel,
       '' AS reason, batch_size, device
FROM measured JOIN scale USING (workload, batch_size, device) JOIN doubtful
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
       (SELECT CASE WHEN n_profiles > 0 AND n_left_out = n_profiles
                    THEN printf('all of %d profiles with energy have a warning', n_profiles)
                    ELSE coalesce('no energy was measured: '
                                  || (SELECT max(reason) FROM energy_by_batch WHERE joules_per_input IS NULL),
                                  'no data yet') END FROM doubtful), NULL, NULL
WHERE NOT EXISTS (SELECT 1 FROM measured)
ORDER BY workload, device, batch_size, series, heads, arm;
