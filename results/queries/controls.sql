-- Does it matter that the budget is chosen per input? BudgetFormer against itself with the training
-- set's mean decision for everybody (static) and with the decisions of other inputs (shuffled: of any
-- other, or of one that is as long or as difficult), in percentage points, paired by seed. An interval
-- that contains 0 shows no difference.
.mode column
.headers on
SELECT workload, arm_a AS arm, arm_b AS control, n_pairs,
       round(difference_points, 2) AS lost_points,
       CASE WHEN n_pairs < 2 THEN 'one seed: no interval'
            ELSE printf('%.2f .. %.2f', ci95_low_points, ci95_high_points) END AS ci95_points
FROM paired_difference
WHERE arm_b IN (arm_a || ' (static)', arm_a || ' (shuffled)',
                arm_a || ' (shuffled-by-length)', arm_a || ' (shuffled-by-difficulty)')
ORDER BY workload, arm_a, arm_b;
