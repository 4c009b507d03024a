-- Accuracy minus that of all heads, in points, against executed FLOPs in percent of those of all heads: a "panel" per
-- workload, which the figure draws all in one; a series for fixed heads and one for each method with a budget. Means
-- over n_seeds seeds; end_label: the number of the workload at the cheapest arm of a series.
WITH arms AS MATERIALIZED (
    SELECT a.* FROM accuracy_vs_budget a JOIN policy_declares USING (policy) WHERE policy = 'fixed' OR has_budget
), compared AS (
    SELECT a.workload, a.arm, a.policy, a.n_seeds, 100 * (a.accuracy_mean - b.accuracy_mean) AS points,
           100 * a.executed_flops_per_input / b.executed_flops_per_input AS flops_ratio
    FROM dense_arm d JOIN arms b ON b.workload = d.workload AND b.arm = d.arm
    JOIN arms a ON a.workload = d.workload
), numbered AS (
    SELECT *, dense_rank() OVER (ORDER BY workload) AS number,
           row_number() OVER (PARTITION BY workload, policy ORDER BY flops_ratio, arm) AS nth
    FROM compared
)
SELECT flops_ratio, points, CASE nth WHEN 1 THEN number ELSE '' END AS end_label, number, n_seeds,
       workload, arm, policy AS series, workload AS panel, 20 AS panels_per_page
FROM numbered
ORDER BY workload, policy <> 'fixed', policy, flops_ratio, arm;
