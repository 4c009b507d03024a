-- Do heads matter where they should, and only there? All heads against one head: at least 10 points
-- apart on offsets, with a 95% interval above 5; equal within 1 point on topic, which means that the
-- 90% interval lies inside -1 .. 1 (two one-sided tests at 5%). Paired by seed.
.mode column
.headers on
SELECT workload, arm_a, arm_b, n_pairs,
       round(difference_points, 2) AS difference_points,
       iif(n_pairs < 2, '', format('%.2f .. %.2f', ci95_low_points, ci95_high_points)) AS ci95_points,
       iif(n_pairs < 2, '', format('%.2f .. %.2f', ci90_low_points, ci90_high_points)) AS ci90_points,
       CASE WHEN n_pairs < 2 THEN 'cannot test: one seed'
            WHEN workload = 'offsets' AND difference_points >= 10 AND ci95_low_points > 5
            THEN 'heads matter'
            WHEN workload = 'topic' AND ci90_low_points > -1 AND ci90_high_points < 1
            THEN 'equal within 1 point'
            ELSE 'does not hold' END AS verdict
FROM paired_difference
WHERE workload IN ('offsets', 'topic') AND arm_a = 'fixed-8' AND arm_b = 'fixed-1'
ORDER BY workload;
