-- Do harder inputs get more heads? On workloads whose difficulty is known (mixed: the number of
-- relations g), accuracy(k, g) of the fixed arms beside the mean heads k(g) of every method with a budget.
-- Then the trend in one number: heads at the largest difficulty minus heads at the smallest, paired by
-- seed.
.mode column
.headers on
WITH spread AS (
    SELECT *, min(difficulty) OVER same < max(difficulty) OVER same AS several
    FROM budget_by_difficulty WINDOW same AS (PARTITION BY workload)
)
SELECT workload, arm, difficulty, n_inputs, round(accuracy, 4) AS accuracy,
       round(mean_heads, 2) AS mean_heads_per_layer,
       CASE WHEN n_seeds < 2 THEN 'one seed: no interval'
            ELSE printf('%.2f .. %.2f', mean_heads_ci95_low, mean_heads_ci95_high) END AS ci95,
       n_seeds
FROM spread
WHERE several AND (workload, arm) IN (SELECT workload, arm FROM accuracy_by_seed
                                      WHERE policy = 'fixed' OR policy IN (SELECT policy FROM policy_declares
                                                                           WHERE has_budget))
ORDER BY workload, arm, difficulty;

SELECT workload, arm, difficulty_low || ' to ' || difficulty_high AS difficulty,
       printf('%+.2f', heads_difference_mean) AS more_heads_per_layer,
       CASE WHEN n_seeds < 2 THEN 'one seed: no interval'
            ELSE printf('%+.2f .. %+.2f', heads_difference_ci95_low, heads_difference_ci95_high)
            END AS ci95,
       n_seeds,
       CASE WHEN n_seeds < 2 THEN 'cannot test: one seed'
            WHEN heads_difference_ci95_low > 0 THEN 'harder inputs get more heads'
            WHEN heads_difference_ci95_high < 0 THEN 'harder inputs get fewer heads'
            ELSE 'no trend shown' END AS verdict
FROM budget_trend
WHERE (workload, arm) IN (SELECT workload, arm FROM accuracy_by_seed JOIN policy_declares USING (policy)
                          WHERE has_budget)
ORDER BY workload, arm;

.mode list
.headers off
SELECT 'no workload with several difficulties here: run ./headroom sweep workloads/mixed.yaml'
WHERE NOT EXISTS (SELECT 1 FROM budget_by_difficulty
                  GROUP BY workload HAVING min(difficulty) < max(difficulty));
