-- Every method beside every other: a panel per workload, a row per arm, best first; of the workloads that
-- tune their arms, if there are any. accuracy_low, accuracy_high: 95% t-interval over n_seeds seeds, cut at
-- 0 and 1; flops_share: executed FLOPs over those of all heads; chance: 1 / classes.
WITH arms AS MATERIALIZED (
    SELECT *, max(n_tuning_trials) OVER (PARTITION BY workload) AS tried,
           max(n_tuning_trials) OVER () AS most_tried
    FROM methods_by_arm
), shown AS (
    SELECT *, count(*) OVER (PARTITION BY workload) AS n_arms
    FROM arms WHERE instr(policy, '/') = 0 AND (tried > 1 OR most_tried = 1)
)
SELECT a.accuracy, max(0, coalesce(a.accuracy_ci95_low, a.accuracy)) AS accuracy_low,
       min(1, coalesce(a.accuracy_ci95_high, a.accuracy)) AS accuracy_high,
       a.executed_flops / a.dense_flops AS flops_share, a.mean_heads, a.n_seeds,
       1.0 / w.n_classes AS chance, a.policy, a.workload, a.arm, 'arm' AS series, a.workload AS panel,
       max(1, min(6, 96 / (SELECT max(n_arms) FROM shown))) AS panels_per_page
FROM shown a JOIN workload_status w ON w.workload = a.workload
ORDER BY a.workload, a.accuracy DESC, a.executed_flops, a.arm;
