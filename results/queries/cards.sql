-- Which data sets can test an attention method? A line for each `headroom card` whose results are in the
-- database: accuracy of the best model without attention (by validation), of one head and of all heads, in
-- percent; what attention adds, and what more than one head adds, in points with 95% intervals for other
-- seeds and other test inputs; the margin within which 'as good as all heads' means something, and what
-- these seeds and test inputs tell all heads from one head to. It can where the last is within the margin.
-- '-': not known: one seed has no interval, and there may be no arm of one head.
.mode markdown
.headers on
.nullvalue -
SELECT substr(workload, 1, length(workload) - 5) AS "data set", n_classes AS classes,
       printf('%,d', n_test) AS "test inputs",
       iif(majority_accuracy IS NULL, NULL, printf('%.1f', 100 * majority_accuracy)) AS majority,
       printf('%.1f (%s)', 100 * accuracy_without, arm_without) AS "no attention",
       iif(accuracy_one IS NULL, NULL, printf('%.1f', 100 * accuracy_one)) AS "one head",
       printf('%.1f', 100 * accuracy_all) AS "all heads",
       iif(attention_points IS NULL, NULL, printf('%+.1f', attention_points)
           || iif(attention_low_points IS NULL, '',
                  printf(' (%+.1f to %+.1f)', attention_low_points, attention_high_points))) AS "attention adds",
       iif(heads_points IS NULL, NULL, printf('%+.1f', heads_points)
           || iif(heads_low_points IS NULL, '',
                  printf(' (%+.1f to %+.1f)', heads_low_points, heads_high_points))) AS "more heads add",
       iif(margin_points IS NULL, 'none', printf('±%.2f', margin_points)) AS margin,
       iif(resolved_points IS NULL, NULL, printf('±%.2f', resolved_points)) AS resolved,
       CASE WHEN testable THEN 'yes' WHEN margin_points IS NULL AND testable = 0 THEN 'no'
            WHEN testable = 0 THEN 'not with ' || n_seeds || ' seeds' ELSE 'not known' END AS "can it?"
FROM data_card WHERE workload GLOB '*-card'
ORDER BY coalesce(margin_points, 0) DESC, attention_points DESC;
