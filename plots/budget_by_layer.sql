-- The shares of test inputs, in percent, that run k heads in a layer (from 0), all seeds together: a panel per
-- workload, a series per arm of a method with a budget. begin, until: where the share lies between 0 and 100; cost:
-- its cost weight where that was given and not tuned; n_seeds of the arm; cost_weight: what arms are sorted by.
WITH arms AS MATERIALIZED (
    SELECT workload, arm, cost_weight, n_tuning_trials, n_seeds
    FROM accuracy_vs_budget JOIN policy_declares USING (policy) WHERE has_budget
), stacked AS (
    SELECT *, sum(share) OVER (PARTITION BY workload, arm, layer ORDER BY k) AS until
    FROM budget_by_layer JOIN arms USING (workload, arm)
)
SELECT layer, k, 100 * (until - share) AS begin, 100 * until AS until,
       CASE WHEN n_tuning_trials = 1 AND cost_weight IS NOT NULL
            THEN printf('cost %g', cost_weight) ELSE '' END AS cost,
       n_seeds, workload, arm, arm AS series, workload AS panel, '' AS reason, cost_weight
FROM stacked
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'no method with a budget ran here', NULL
WHERE NOT EXISTS (SELECT 1 FROM arms)
ORDER BY workload, cost_weight, arm, layer, k;
