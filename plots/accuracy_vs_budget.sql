-- Accuracy on the test split against executed heads, both in percent: a panel per workload, a series per policy,
-- without controls. accuracy_low, accuracy_high: 95% t-interval over n_seeds seeds, cut at 0 and 100; seed_accuracy:
-- of one of fewer than 10 of them, in rows of their own behind those of the means, which then are NULL; chance:
-- 100 / classes; majority: of always answering the class that most training inputs have, NULL where it is not known;
-- cost: the arm's cost weight, where it was given and not tuned.
WITH mean AS MATERIALIZED (
    SELECT * FROM accuracy_vs_budget WHERE instr(policy, '/') = 0
), shown AS (
    SELECT workload, arm, policy, cost_weight, mean_s, head_budget, accuracy_mean, accuracy_ci95_low,
           accuracy_ci95_high, n_seeds, n_tuning_trials, NULL AS seed_accuracy FROM mean
    UNION ALL
    SELECT m.workload, m.arm, m.policy, NULL, m.mean_s, m.head_budget, NULL, NULL, NULL, m.n_seeds,
           m.n_tuning_trials, r.accuracy
    FROM mean m JOIN accuracy_by_seed r ON r.workload = m.workload AND r.arm = m.arm
    WHERE m.n_seeds BETWEEN 2 AND 9 AND r.accuracy IS NOT NULL
)
SELECT 100 * a.head_budget AS head_budget, 100 * a.accuracy_mean AS accuracy,
       100 * max(0, coalesce(a.accuracy_ci95_low, a.accuracy_mean)) AS accuracy_low,
       100 * min(1, coalesce(a.accuracy_ci95_high, a.accuracy_mean)) AS accuracy_high,
       100 * a.seed_accuracy AS seed_accuracy, a.n_seeds, 100.0 / w.n_classes AS chance,
       100 * d.majority_accuracy AS majority,
       CASE WHEN a.n_tuning_trials = 1 AND a.cost_weight IS NOT NULL
            THEN printf('%g', a.cost_weight) ELSE '' END AS cost,
       w.workload, a.arm, a.policy AS series,
       w.workload || coalesce(' (' || nullif(ltrim(
           coalesce(nullif(w.granularity, '-'), '') || coalesce(', ' || w.n_classes || ' classes', ''),
           ', '), '') || ')', '') AS panel,
       CASE WHEN a.arm IS NOT NULL THEN '' WHEN w.n_skipped > 0 THEN 'skipped: ' || w.reason
            ELSE 'no data yet' END AS reason
FROM workload_status w LEFT JOIN shown a ON a.workload = w.workload
LEFT JOIN data_set d ON d.workload = w.workload
ORDER BY a.workload IS NULL, w.workload, a.mean_s IS NOT NULL, a.policy, a.seed_accuracy IS NOT NULL,
         a.head_budget, a.arm, a.seed_accuracy;
