-- Does a trained network use what it decides per input? BudgetFormer against itself with the training
-- set's mean scores and mean executed heads for everybody (static) and with the decisions of other inputs
-- (shuffled: of any other, or of one that is as long or as difficult), in percentage points, paired by
-- seed. An interval that contains 0 shows no difference.
--
-- Static takes away how many heads an input runs and which, from a network that was trained with both.
-- A loss shows that this network uses its decisions. It does not show that a network trained without
-- them would be worse: compare with arms of fixed-matched, trained from scratch with as many heads
-- (methods.sql). Both columns of heads should agree for static, up to how training and test inputs differ.
.mode column
.headers on
SELECT d.workload, arm_a AS arm, arm_b AS control, n_pairs,
       round(a.mean_heads, 2) AS heads, round(b.mean_heads, 2) AS control_heads,
       round(difference_points, 2) AS lost_points,
       CASE WHEN n_pairs < 2 THEN 'one seed: no interval'
            ELSE printf('%.2f .. %.2f', ci95_low_points, ci95_high_points) END AS ci95_points
FROM paired_difference d
JOIN accuracy_vs_budget a ON a.workload = d.workload AND a.arm = d.arm_a
JOIN accuracy_vs_budget b ON b.workload = d.workload AND b.arm = d.arm_b
WHERE arm_b IN (arm_a || ' (static)', arm_a || ' (shuffled)',
                arm_a || ' (shuffled-by-length)', arm_a || ' (shuffled-by-difficulty)')
ORDER BY d.workload, arm_a, arm_b;
