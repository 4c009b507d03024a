-- Heads per layer against the known difficulty of test inputs: a panel per workload with several difficulties, a
-- series per arm of a method with a budget. heads_low, heads_high: 95% t-interval over n_seeds seeds, cut at 0 and at
-- all heads; seed_heads: of one of fewer than 10 seeds, in rows of their own behind those of the means, which then
-- are NULL. most_heads: of the model.
WITH arms AS MATERIALIZED (
    SELECT workload, arm, policy, min(cost_weight) AS cost_weight, count(*) AS n_seeds, max(base_heads) AS most_heads
    FROM accuracy_by_seed WHERE policy IN (SELECT policy FROM policy_declares WHERE has_budget)
    GROUP BY workload, arm
), graded AS (
    SELECT workload FROM budget_trend GROUP BY workload
), shown AS (
    SELECT workload, arm, difficulty, mean_heads AS heads, max(0, mean_heads_ci95_low) AS low,
           min(most_heads, mean_heads_ci95_high) AS high, NULL AS of_seed
    FROM budget_by_difficulty JOIN arms USING (workload, arm)
    UNION ALL
    SELECT s.workload, s.arm, s.difficulty, NULL, NULL, NULL, s.mean_heads
    FROM budget_by_difficulty_by_seed s JOIN arms a ON a.workload = s.workload AND a.arm = s.arm
    WHERE a.n_seeds BETWEEN 2 AND 9
)
SELECT difficulty, heads, low AS heads_low, high AS heads_high, of_seed AS seed_heads, n_seeds, most_heads,
       workload, arm, arm AS series, workload AS panel, '' AS reason
FROM shown JOIN arms USING (workload, arm) JOIN graded USING (workload)
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
       'no method with a budget ran on inputs of several known difficulties: run ./headroom sweep workloads/mixed.yaml'
WHERE NOT EXISTS (SELECT 1 FROM arms JOIN graded USING (workload))
ORDER BY workload, arm, seed_heads, difficulty;
