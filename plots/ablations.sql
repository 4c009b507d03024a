-- What each part of a method does, in points of test accuracy: a panel per workload and arm that is compared with, a
-- row per part that is changed (view ablation). points: with the part changed, minus without; low, high: 95% interval
-- for other seeds and other test inputs; sign: 1 or -1 where it lies on one side of 0; heads, reference_heads: that
-- run per layer; place: from 0, what costs most first.
WITH shown AS MATERIALIZED (
    SELECT *, row_number() OVER same - 1 AS place, count(*) OVER (PARTITION BY workload, reference) AS n
    FROM ablation WINDOW same AS (PARTITION BY workload, reference ORDER BY difference_points, changed, arm)
)
SELECT place, difference_points AS points, coalesce(ci95_low_points, difference_points) AS low,
       coalesce(ci95_high_points, difference_points) AS high,
       CASE WHEN ci95_low_points > 0 THEN 1 WHEN ci95_high_points < 0 THEN -1 ELSE 0 END AS sign,
       mean_heads AS heads, reference_heads, coalesce(nullif(changed, ''), arm) AS changed, n_pairs AS n_seeds,
       workload, arm, reference AS series, workload || ', ' || reference AS panel, '' AS reason,
       max(1, min(6, 60 / (SELECT max(n) FROM shown))) AS panels_per_page
FROM shown
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
       'no arm here is another with a part changed', NULL
WHERE NOT EXISTS (SELECT 1 FROM shown)
ORDER BY workload, series, place;
