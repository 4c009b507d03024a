-- How many heads per layer does a workload need to be as good as all heads, as many for every input or by a
-- method with a budget? Within margin_points: 1, or half of what attention is shown to add, if that is less; a
-- margin that no arm without attention was trained for says so. Then the differences
-- behind the answer, from the most heads down, in points of test accuracy: ci95_points holds for other seeds
-- and other test inputs, seeds_half and inputs_half for one of them.
.mode column
.headers on
.nullvalue -
SELECT workload, policy, round(heads_needed, 1) AS heads_needed,
       CASE WHEN heads_low IS NULL THEN '' ELSE printf('%g .. %g', round(heads_low, 1), round(heads_high, 1)) END
           AS possible, heads, round(margin_points, 2) AS margin_points,
       margin_note, reason
FROM heads_needed JOIN policy_declares USING (policy)
WHERE policy = 'fixed' OR has_budget
ORDER BY workload, policy <> 'fixed', policy;

SELECT workload, arm, round(mean_heads, 1) AS heads, n_seeds, n_inputs,
       round(difference_points, 2) AS difference_points,
       CASE WHEN ci95_low_points IS NULL THEN ''
            ELSE printf('%.2f .. %.2f', ci95_low_points, ci95_high_points) END AS ci95_points,
       round(seeds_half_points, 2) AS seeds_half, round(inputs_half_points, 2) AS inputs_half
FROM difference_to_all_heads JOIN policy_declares USING (policy)
WHERE policy = 'fixed' OR has_budget
ORDER BY workload, policy <> 'fixed', policy, mean_heads DESC;
