-- Accuracy on the test split, in percent, against executed FLOPs of an input: a panel per workload, a series per
-- policy, without controls. accuracy_low, accuracy_high: 95% t-interval over n_seeds seeds, cut at 0 and 100;
-- seed_accuracy: of one of fewer than 10 of them, in rows of their own behind those of the means, which then are
-- NULL; flops: in `unit`. The last series of a panel, 'not beaten', is the Pareto front of the means: front_accuracy.
WITH mean AS MATERIALIZED (
    SELECT * FROM accuracy_vs_budget WHERE instr(policy, '/') = 0 AND accuracy_mean IS NOT NULL
), scale AS MATERIALIZED (
    SELECT workload, CASE WHEN max(executed_flops_per_input) < 1e6 THEN 1e3
                          WHEN max(executed_flops_per_input) < 1e9 THEN 1e6 ELSE 1e9 END AS one
    FROM mean GROUP BY workload
), shown AS (
    SELECT workload, arm, policy, mean_s IS NOT NULL AS place, executed_flops_per_input AS flops,
           100 * accuracy_mean AS accuracy, 100 * max(0, coalesce(accuracy_ci95_low, accuracy_mean)) AS low,
           100 * min(1, coalesce(accuracy_ci95_high, accuracy_mean)) AS high, NULL AS of_seed, NULL AS front, n_seeds,
           CASE WHEN n_tuning_trials = 1 AND cost_weight IS NOT NULL THEN printf('%g', cost_weight) ELSE '' END AS cost
    FROM mean
    UNION ALL
    SELECT m.workload, m.arm, m.policy, m.mean_s IS NOT NULL, r.executed_flops_per_input, NULL, NULL, NULL,
           100 * r.accuracy, NULL, m.n_seeds, ''
    FROM mean m JOIN accuracy_by_seed r ON r.workload = m.workload AND r.arm = m.arm
    WHERE m.n_seeds BETWEEN 2 AND 9 AND r.accuracy IS NOT NULL
    UNION ALL
    SELECT workload, arm, 'not beaten', 2, executed_flops_per_input, NULL, NULL, NULL, NULL, 100 * accuracy_mean,
           n_seeds, ''
    FROM pareto_front
)
SELECT flops / one AS flops, accuracy, low AS accuracy_low, high AS accuracy_high, of_seed AS seed_accuracy,
       front AS front_accuracy, n_seeds, cost,
       CASE one WHEN 1e3 THEN 'kFLOP' WHEN 1e6 THEN 'MFLOP' ELSE 'GFLOP' END AS unit,
       workload, arm, policy AS series, workload AS panel
FROM shown JOIN scale USING (workload)
ORDER BY workload, place, policy, of_seed IS NOT NULL, flops, arm, of_seed;
