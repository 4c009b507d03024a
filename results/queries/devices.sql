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

.mode list
.headers off
SELECT 'no arm was trained on a card and on the CPU: run ./headroom sweep --tag gpu, and again with --device cuda'
WHERE NOT EXISTS (SELECT 1 FROM accuracy_by_device);
