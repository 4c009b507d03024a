-- Which phases a forward pass spends its time in: a panel per workload, batch size and device (the CPU unless
-- it says another), a series per arm, a row per phase in the order in which they run. begin_percent, end_percent:
-- where the phase lies in the time of a pass; least_marks_percent, most_marks_percent: the time that markers
-- between phases take; n_phases: that the legend has, `transfer` only where something ran on a card; n_left_out:
-- of n_profiles, those with a warning.
WITH place (phase, place) AS (VALUES
    ('embedding', 1), ('norm', 2), ('gate', 3), ('gather', 4), ('qkv', 5), ('map', 6), ('output', 7),
    ('ffn', 8), ('pool', 9), ('classifier', 10), ('transfer', 11)
), shares AS (
    SELECT p.*, coalesce(place, 12) AS place,
           max(mean_heads) OVER (PARTITION BY workload, batch_size, device, arm) AS heads
    FROM phase_by_budget p LEFT JOIN place USING (phase)
    WHERE instr(p.policy, '/') = 0
), stacked AS MATERIALIZED (
    SELECT *, sum(time_share) OVER (PARTITION BY workload, batch_size, device, arm ORDER BY place, phase) AS until,
           dense_rank() OVER (PARTITION BY workload, batch_size, device ORDER BY heads, arm) AS nth
    FROM shares
), doubtful AS MATERIALIZED (
    SELECT total(warned) AS n_left_out, count(*) AS n_profiles FROM current_profile WHERE instr(policy, '/') = 0
), marks AS MATERIALIZED (
    SELECT 100 * min(marks_share) AS low, 100 * max(marks_share) AS high FROM phase_cost
)
SELECT 100 * (until - time_share) AS begin_percent, 100 * until AS end_percent,
       100 * (until - time_share / 2) AS middle_percent, phase, heads AS mean_heads, n_seeds,
       (SELECT count(DISTINCT batch_size) FROM stacked) AS n_batches,
       10 + (SELECT max(phase = 'transfer') FROM stacked) AS n_phases,
       (SELECT low FROM marks) AS least_marks_percent, (SELECT high FROM marks) AS most_marks_percent,
       n_left_out, n_profiles, workload, arm, arm AS series,
       CASE WHEN workload IS NULL AND n_left_out > 0
            THEN printf('all of %d profiles have a warning', n_left_out) END AS reason,
       workload || printf(', batch %d', batch_size)
           || CASE device WHEN 'cpu' THEN '' ELSE ', ' || device END AS panel,
       max(2, min(6, 120 / (SELECT max(nth) FROM stacked))) AS panels_per_page
FROM doubtful LEFT JOIN stacked
ORDER BY workload, batch_size, device, nth, place, phase;
