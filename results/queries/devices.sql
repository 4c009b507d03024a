-- Does a card find what the CPU finds? The same sweep on both, arm by arm: test accuracy in percent, mean over
-- seeds with half of its 95% t-interval, the difference in points within each seed with its interval, and how
-- long a training took. Made by, for instance:
--     headroom sweep --tag gpu && headroom sweep --tag gpu --device cuda
.mode column
.headers on
SELECT workload, arm, n_seeds AS n,
       round(100 * cpu_accuracy, 1)
           || coalesce(' ± ' || round(100 * (cpu_accuracy_ci95_high - cpu_accuracy), 1), '') AS cpu_accuracy,
       round(100 * accuracy, 1)
           || coalesce(' ± ' || round(100 * (accuracy_ci95_high - accuracy), 1), '') AS card_accuracy,
       round(difference_points, 2)
           || coalesce(' ± ' || round(ci95_high_points - difference_points, 2), '') AS difference_points,
       round(cpu_mean_heads, 2) AS cpu_heads, round(mean_heads, 2) AS card_heads,
       round(cpu_training_seconds, 1) AS cpu_seconds, round(training_seconds, 1) AS card_seconds
FROM accuracy_by_device
ORDER BY workload, arm;

-- The same training on a core: minutes of the card against hours of one core of the CPU at the rate, nominal FLOPs
-- a second, at which CPU trainings of the same arm, width, depth and file went in this database. A few steps of it
-- are enough: --device cpu --set data.train_limit=160 --set train.epochs=1 --set workload=NAME. measured_seconds: how
-- long they took. A card that ran several trainings at a time took longer for each.
WITH core AS (
    SELECT arm, dim, layers, json_extract(config, '$.data.train_file') AS file,
           sum(train_flops) / sum(train_seconds) AS rate, sum(train_seconds) AS seconds
    FROM current_training WHERE device = 'cpu' AND train_flops > 0 AND train_seconds > 0
    GROUP BY arm, dim, layers, file
)
SELECT t.workload, t.arm, count(*) AS n, round(avg(t.train_seconds) / 60, 2) AS card_minutes,
       round(avg(t.train_flops) / c.rate / 3600, 2) AS core_hours,
       round(avg(t.train_flops / c.rate / t.train_seconds)) AS times, round(c.seconds, 1) AS measured_seconds
FROM current_training t
JOIN core c ON c.arm = t.arm AND c.dim = t.dim AND c.layers = t.layers
           AND c.file = nullif(json_extract(t.config, '$.data.train_file'), '')
WHERE t.device <> 'cpu'
GROUP BY t.workload, t.arm
ORDER BY t.workload, core_hours DESC, t.arm;

.mode list
.headers off
SELECT 'no arm was trained on a card and on the CPU: run ./headroom sweep --tag gpu, and again with --device cuda'
WHERE NOT EXISTS (SELECT 1 FROM accuracy_by_device);
