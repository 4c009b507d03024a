-- Does a trained network use what it decides per input? Each method against itself with the training
-- set's mean scores and mean executed heads for everybody (static) and with the decisions of other inputs
-- (shuffled: of any other, or of one that is as long or as difficult), in percentage points, paired by
-- seed and by test input. ci95_points holds for other seeds and for other test inputs, seeds_half and
-- inputs_half for one of them; an interval that contains 0 shows no difference. p_holm is corrected for the
-- n_claims answers that the database holds to the same question, of all workloads and costs.
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
            ELSE printf('%.2f .. %.2f', ci95_low_points, ci95_high_points) END AS ci95_points,
       round(seeds_half_points, 2) AS seeds_half, round(inputs_half_points, 2) AS inputs_half,
       CASE WHEN p_holm IS NOT NULL THEN printf('%.2g', p_holm) END AS p_holm, n_claims
FROM claim d
JOIN accuracy_vs_budget a ON a.workload = d.workload AND a.arm = d.arm_a
JOIN accuracy_vs_budget b ON b.workload = d.workload AND b.arm = d.arm_b
WHERE question IN ('everybody gets the mean decision', 'everybody gets another''s decision')
ORDER BY d.workload, arm_a, arm_b;
