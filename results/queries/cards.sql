-- Which data sets can test an attention method? A line for each `headroom card` whose results are in the
-- database: accuracy of the best model without attention (by validation), of one head and of all heads, in
-- percent; what attention adds, and what more than one head adds, in points with 95% intervals for other
-- seeds and other test inputs; the margin within which 'as good as all heads' means something, and what
-- these seeds and test inputs tell all heads from one head to. It can where the last is within the margin.
.mode markdown
.headers on
WITH one AS (
    SELECT p.workload, p.arm_b AS arm, p.difference_points AS points, p.ci95_low_points AS low,
           p.ci95_high_points AS high
    FROM paired_difference p JOIN dense_arm d ON d.workload = p.workload AND d.arm = p.arm_a
    JOIN accuracy_vs_budget b ON b.workload = p.workload AND b.arm = p.arm_b
    WHERE p.policy_b = 'fixed' AND abs(b.mean_heads - 1) < 1e-9
), percent AS (
    SELECT workload, arm, printf('%.1f', 100 * accuracy_mean) AS accuracy FROM accuracy_vs_budget
)
SELECT substr(g.workload, 1, length(g.workload) - 5) AS "data", s.n_classes AS classes,
       printf('%,d', s.n_test) AS "test inputs", printf('%.1f', 100 * s.majority_accuracy) AS majority,
       w.accuracy || ' (' || g.arm_without || ')' AS "without attention", h.accuracy AS "one head",
       a.accuracy AS "all heads",
       printf('%+.1f (%+.1f to %+.1f)', g.difference_points, g.ci95_low_points, g.ci95_high_points)
           AS "attention adds",
       printf('%+.1f (%+.1f to %+.1f)', one.points, one.low, one.high) AS "more heads add",
       CASE WHEN g.margin_points IS NULL THEN 'untestable' ELSE printf('±%.2f', g.margin_points) END AS margin,
       printf('±%.2f', (one.high - one.low) / 2) AS resolved,
       CASE WHEN g.margin_points IS NULL THEN 'no' WHEN (one.high - one.low) / 2 <= g.margin_points
            THEN 'yes' ELSE 'not with these seeds and inputs' END AS "can it?"
FROM attention_gain g JOIN data_set s ON s.workload = g.workload
LEFT JOIN one ON one.workload = g.workload
LEFT JOIN percent w ON w.workload = g.workload AND w.arm = g.arm_without
LEFT JOIN percent h ON h.workload = g.workload AND h.arm = one.arm
LEFT JOIN percent a ON a.workload = g.workload AND a.arm = g.arm
WHERE g.workload GLOB '*-card' AND g.arm_without IS NOT NULL
ORDER BY g.margin_points DESC, g.difference_points DESC;
