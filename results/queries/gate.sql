-- Do heads matter where they should, and only there? All heads against one head: at least 10 points
-- apart on offsets, with a 95% interval above 5; equal within 1 point on topic, which means that the
-- 90% interval lies inside -1 .. 1 (two one-sided tests at 5%). Paired by seed. And words alone say
-- nothing on offsets: the 95% interval of a bag of words' accuracy contains chance, 1 / classes.
-- All seeds share one test set, so the interval over seeds leaves out the luck of that set; the one
-- over inputs (binomial, normal approximation) is of that alone, and the verdict says which holds.
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

WITH words AS (
    SELECT a.*, 1.0 / n_classes AS chance,
           (SELECT min(n_inputs) FROM accuracy_by_seed s
            WHERE s.workload = a.workload AND s.arm = a.arm) AS n_inputs
    FROM accuracy_vs_budget a WHERE workload = 'offsets' AND policy = 'bag-of-words'
), luck AS (
    SELECT *, 1.96 * sqrt(accuracy_mean * (1 - accuracy_mean) / n_inputs) AS half FROM words
)
SELECT workload, arm, format('%.2f', 100 * accuracy_mean) AS accuracy_percent,
       format('%.2f', 100 * chance) AS chance_percent, n_seeds,
       iif(n_seeds < 2, '',
           format('%.2f .. %.2f', 100 * accuracy_ci95_low, 100 * accuracy_ci95_high))
           AS ci95_over_seeds,
       n_inputs,
       format('%.2f .. %.2f', 100 * (accuracy_mean - half), 100 * (accuracy_mean + half))
           AS ci95_over_inputs,
       CASE WHEN n_seeds < 2 THEN 'cannot test: one seed'
            WHEN chance BETWEEN accuracy_ci95_low AND accuracy_ci95_high THEN 'at chance'
            WHEN abs(accuracy_mean - chance) <= half THEN 'at chance over inputs, not over seeds'
            ELSE 'does not hold' END AS verdict
FROM luck;
