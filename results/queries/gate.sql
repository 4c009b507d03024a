-- Do heads matter where they should, and only there? All heads against one head: at least 10 points
-- apart on offsets, with a 95% interval above 5; equal within 1 point on topic, which means that the
-- 90% interval lies inside -1 .. 1 (two one-sided tests at 5%). Paired by seed and by test input, and
-- both intervals hold for other seeds and other inputs. And words alone say nothing on offsets: a bag of
-- words' accuracy does not differ from chance, 1 / classes. All seeds share one test set, so this
-- interval adds the luck of that set (binomial) to that of the seeds. Last, seed by seed, the arms of
-- which some seeds found a solution and others did not.
.mode column
.headers on
SELECT workload, arm_a, arm_b, n_pairs,
       round(difference_points, 2) AS difference_points,
       iif(n_pairs < 2, '', printf('%.2f .. %.2f', ci95_low_points, ci95_high_points)) AS ci95_points,
       iif(n_pairs < 2, '', printf('%.2f .. %.2f', ci90_low_points, ci90_high_points)) AS ci90_points,
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
), both AS (
    SELECT *, sqrt(pow(coalesce(accuracy_ci95_high - accuracy_mean, 0), 2)
                   + pow(1.96, 2) * accuracy_mean * (1 - accuracy_mean) / n_inputs) AS half
    FROM words
)
SELECT workload, arm, n_seeds, n_inputs, printf('%.2f', 100 * accuracy_mean) AS accuracy_percent,
       printf('%.2f .. %.2f', 100 * (accuracy_mean - half), 100 * (accuracy_mean + half))
           AS ci95_percent,
       printf('%.2f', 100 * chance) AS chance_percent,
       CASE WHEN n_seeds < 2 THEN 'cannot test: one seed'
            WHEN abs(accuracy_mean - chance) <= half THEN 'at chance'
            ELSE 'does not hold' END AS verdict
FROM both;

SELECT workload, arm, n_solved, n_seeds, accuracy_percent_by_seed
FROM split_outcome
WHERE workload IN ('offsets', 'topic') AND instr(policy, '/') = 0
ORDER BY workload, arm;
