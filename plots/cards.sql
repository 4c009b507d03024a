-- Can these data sets test an attention method? A panel for what attention adds to the best model without it,
-- one for what more than one head adds to one head trained alone; a row per `headroom card`, in points with 95%
-- intervals for other seeds and test inputs. All panels have the same order of rows. sign: 1 or -1
-- where the interval lies on one side of 0.
WITH shown AS (
    SELECT *, substr(workload, 1, length(workload) - 5) AS name FROM data_card WHERE workload GLOB '*-card'
)
SELECT attention_points AS points, coalesce(attention_low_points, attention_points) AS low,
       coalesce(attention_high_points, attention_points) AS high, CASE
       WHEN attention_low_points > 0 THEN 1 WHEN attention_high_points < 0 THEN -1 ELSE 0 END AS sign, n_seeds, name, workload, 'all heads' AS arm, 'set' AS series,
       'attention adds' AS panel, NULL AS reason, 1 AS place, attention_points AS ordered, 2 AS panels_per_page
FROM shown
UNION ALL
SELECT heads_points, coalesce(heads_low_points, heads_points), coalesce(heads_high_points, heads_points),
       CASE WHEN heads_low_points > 0 THEN 1 WHEN heads_high_points < 0 THEN -1 ELSE 0 END, n_seeds,
       name, workload, 'all heads', 'set', 'more than one head adds', NULL, 2, attention_points, 2
FROM shown WHERE heads_points IS NOT NULL
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'no card here: ./headroom card FILE makes one', 3,
       NULL, 2
WHERE NOT EXISTS (SELECT 1 FROM shown)
ORDER BY place, ordered DESC, name;
