-- Every method beside every other: a panel per workload, a row per arm, best first; of the workloads that
-- tune their arms, if there are any. Numbers are in percent. accuracy_low, accuracy_high: 95% t-interval over n_seeds
-- seeds, cut at 0 and 100; flops_share: executed FLOPs over those of all heads; chance: 100 / classes; place: of the
-- arm, from 0; seed_accuracy: of one of fewer than 10 seeds, in rows of their own, where the rest is NULL.
WITH arms AS MATERIALIZED (
    SELECT *, max(n_tuning_trials) OVER (PARTITION BY workload) AS tried,
           max(n_tuning_trials) OVER () AS most_tried
    FROM methods_by_arm
), shown AS MATERIALIZED (
    SELECT *, count(*) OVER (PARTITION BY workload) AS n_arms,
           row_number() OVER (PARTITION BY workload ORDER BY accuracy DESC, executed_flops, arm) - 1 AS place
    FROM arms WHERE instr(policy, '/') = 0 AND (tried > 1 OR most_tried = 1)
)
SELECT * FROM (
SELECT 100 * a.accuracy AS accuracy, 100 * max(0, coalesce(a.accuracy_ci95_low, a.accuracy)) AS accuracy_low,
       100 * min(1, coalesce(a.accuracy_ci95_high, a.accuracy)) AS accuracy_high, NULL AS seed_accuracy, a.place,
       100 * a.executed_flops / a.dense_flops AS flops_share, a.mean_heads, a.n_seeds,
       100.0 / w.n_classes AS chance, a.policy, a.workload, a.arm, 'arm' AS series, a.workload AS panel,
       max(1, min(6, 96 / (SELECT max(n_arms) FROM shown))) AS panels_per_page
FROM shown a JOIN workload_status w ON w.workload = a.workload
UNION ALL
SELECT NULL, NULL, NULL, 100 * r.accuracy, a.place, NULL, NULL, NULL, NULL, a.policy, a.workload, a.arm, 'arm',
       a.workload, NULL
FROM shown a JOIN accuracy_by_seed r ON r.workload = a.workload AND r.arm = a.arm
WHERE a.n_seeds BETWEEN 2 AND 9 AND r.accuracy IS NOT NULL
)
ORDER BY workload, seed_accuracy IS NOT NULL, place, seed_accuracy;
