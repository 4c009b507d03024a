-- What an arm takes on a card in percent of what all heads take, against the heads that run: a panel per workload,
-- batch size and device, a series per quantity, a point per arm. ratio_low, ratio_high: 95% t-interval over seeds
-- (NULL: one seed); kind: 0 fixed heads, 1 a learned budget, 2 others; why_...: what kept energy or bytes from being
-- there. n_left_out: of n_profiles on a card, those with a warning.
WITH model AS MATERIALIZED (
    SELECT DISTINCT workload, arm, policy IN (SELECT policy FROM policy_declares WHERE has_budget) AS budgeted
    FROM accuracy_by_seed WHERE layers > 0
), saved AS MATERIALIZED (
    SELECT s.*, m.budgeted FROM saving_by_batch s JOIN model m ON m.workload = s.workload AND m.arm = s.arm
    WHERE s.device <> 'cpu'
), whole AS MATERIALIZED (
    SELECT workload, batch_size, device, max(CASE quantity WHEN 'seconds' THEN value END) AS seconds,
           max(CASE quantity WHEN 'joules' THEN value END) AS joules
    FROM saved JOIN dense_arm USING (workload, arm) GROUP BY workload, batch_size, device
), why AS (
    SELECT (SELECT max(reason) FROM energy_by_batch
            WHERE device <> 'cpu' AND domain = 'card' AND joules_per_input IS NULL) AS energy,
           (SELECT max(reason) FROM counter_by_batch
            WHERE role IN ('gpu_dram_read_bytes', 'gpu_dram_write_bytes') AND value_per_input IS NULL) AS bytes,
           (SELECT total(warned) FROM current_profile WHERE device <> 'cpu') AS n_left_out,
           (SELECT count(*) FROM current_profile WHERE device <> 'cpu') AS n_profiles
)
SELECT mean_heads AS heads, 100 * ratio AS ratio, 100 * ratio_ci95_low AS ratio_low,
       100 * ratio_ci95_high AS ratio_high,
       CASE WHEN policy = 'fixed' THEN 0 WHEN budgeted THEN 1 ELSE 2 END AS kind, n_ratios AS n_seeds,
       coalesce(why.energy, '') AS why_energy, coalesce(why.bytes, '') AS why_bytes,
       (SELECT count(DISTINCT batch_size) FROM saved) AS n_batches, n_left_out, n_profiles,
       workload, arm,
       CASE quantity WHEN 'flops' THEN 'FLOPs' WHEN 'seconds' THEN 'time' WHEN 'joules' THEN 'energy'
                     ELSE 'bytes' END AS series,
       printf('%s, batch %d%s', workload, batch_size,
              CASE WHEN substr(workload, -length(device) - 1) = '.' || device THEN '' ELSE ', ' || device END)
           || CASE WHEN seconds IS NULL THEN ''
                   WHEN seconds < 1e-3 THEN printf(': %.3g µs', 1e6 * seconds)
                   ELSE printf(': %.3g ms', 1e3 * seconds) END
           || CASE WHEN joules IS NULL THEN '' WHEN joules < 10 THEN printf(', %.4g mJ', 1e3 * joules)
                   ELSE printf(', %.4g J', joules) END AS panel,
       '' AS reason, device, batch_size,
       CASE quantity WHEN 'flops' THEN 1 WHEN 'seconds' THEN 2 WHEN 'joules' THEN 3 ELSE 4 END AS place
FROM saved JOIN whole USING (workload, batch_size, device) JOIN why
WHERE ratio IS NOT NULL AND quantity <> 'added_joules'
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
       CASE WHEN EXISTS (SELECT 1 FROM saved) THEN 'all heads were not profiled on the card of the others'
            ELSE 'no model was profiled on a card: run ./headroom sweep --tag evidence' END, NULL, NULL, NULL
ORDER BY workload, device, batch_size, place, kind, heads, arm;
