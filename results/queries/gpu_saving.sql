-- What do skipped heads save on a card? Each arm at each batch size: test accuracy in percent, heads per layer
-- that run, and what an input takes of FLOPs, time, energy and bytes between the card and its memory, as mean and
-- half of the 95% t-interval over seeds (alone: one seed). mJ is of the whole card, what it takes at rest included;
-- added_mj without that. The second table is the same over all heads. A column is empty where nothing was
-- measured; the last lines say why. Made by, for instance:
--     headroom sweep --tag evidence
.mode column
.headers on
WITH wide AS (
    SELECT workload, device, batch_size, arm, mean_heads, n_seeds, quantity,
           CASE quantity WHEN 'flops' THEN 1e-9 WHEN 'seconds' THEN 1e6 WHEN 'dram_bytes' THEN 1e-6
                         ELSE 1e3 END AS unit,
           value, value_ci95_high - value AS half
    FROM saving_by_batch WHERE device <> 'cpu'
), written AS (
    SELECT *, printf('%.4g', unit * value) || CASE WHEN half IS NULL THEN ''
                                                  ELSE printf(' ± %.2g', round(unit * half, 3)) END AS text
    FROM wide
)
SELECT w.workload, w.device, w.batch_size AS batch, w.arm, max(w.n_seeds) AS n,
       round(100 * a.accuracy_mean, 1)
           || coalesce(' ± ' || round(100 * (a.accuracy_ci95_high - a.accuracy_mean), 1), '') AS accuracy,
       round(max(w.mean_heads), 2) AS heads,
       max(CASE quantity WHEN 'flops' THEN text END) AS gflop, max(CASE quantity WHEN 'seconds' THEN text END) AS us,
       max(CASE quantity WHEN 'joules' THEN text END) AS mj,
       max(CASE quantity WHEN 'added_joules' THEN text END) AS added_mj,
       max(CASE quantity WHEN 'dram_bytes' THEN text END) AS dram_mb
FROM written w JOIN accuracy_vs_budget a ON a.workload = w.workload AND a.arm = w.arm
GROUP BY w.workload, w.device, w.batch_size, w.arm
ORDER BY w.workload, w.device, w.batch_size, max(w.mean_heads) DESC, w.arm;

WITH written AS (
    SELECT *, printf('%.3f', ratio) || CASE WHEN ratio_ci95_high IS NULL THEN ''
                                            ELSE printf(' ± %.3f', ratio_ci95_high - ratio) END AS text
    FROM saving_by_batch WHERE device <> 'cpu' AND ratio IS NOT NULL
)
SELECT workload, device, batch_size AS batch, arm, max(n_ratios) AS n, round(max(mean_heads), 2) AS heads,
       max(CASE quantity WHEN 'flops' THEN text END) AS flops,
       max(CASE quantity WHEN 'seconds' THEN text END) AS time,
       max(CASE quantity WHEN 'joules' THEN text END) AS energy,
       max(CASE quantity WHEN 'added_joules' THEN text END) AS added_energy,
       max(CASE quantity WHEN 'dram_bytes' THEN text END) AS dram_bytes
FROM written
GROUP BY workload, device, batch_size, arm
ORDER BY workload, device, batch_size, max(mean_heads) DESC, arm;

.mode list
.headers off
SELECT 'no model was profiled on a card: run ./headroom sweep --tag evidence, or any workload with --device cuda'
WHERE NOT EXISTS (SELECT 1 FROM saving_by_batch WHERE device <> 'cpu')
UNION ALL
SELECT 'no energy on ' || device || ': ' || max(reason) FROM energy_by_batch
WHERE device <> 'cpu' AND domain = 'card' AND joules_per_input IS NULL GROUP BY device
UNION ALL
SELECT 'no bytes of ' || device || ': ' || max(reason) FROM counter_by_batch
WHERE role IN ('gpu_dram_read_bytes', 'gpu_dram_write_bytes') AND value_per_input IS NULL GROUP BY device;
