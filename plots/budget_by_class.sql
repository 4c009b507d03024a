-- Heads per layer for the test inputs of each class: a panel per workload, a series per arm of a method with a
-- budget. heads_low, heads_high: 95% t-interval over n_seeds seeds, cut at 0 and at all heads; place: of the class
-- among those of the panel, from 0, by the mean over arms, most heads first; name: of the class, or its number. Of
-- more than 30 classes the 15 with the most and the 15 with the fewest heads are there. seed_heads: of one of fewer
-- than 10 seeds, in rows of their own, where the means are NULL. most_heads: of the model.
WITH arms AS MATERIALIZED (
    SELECT workload, arm, count(*) AS n_seeds, max(base_heads) AS most_heads
    FROM accuracy_by_seed WHERE policy IN (SELECT policy FROM policy_declares WHERE has_budget)
    GROUP BY workload, arm
), known AS MATERIALIZED (
    SELECT h.*, a.most_heads FROM heads_by_class h JOIN arms a ON a.workload = h.workload AND a.arm = h.arm
), ranked AS (
    SELECT workload, class, min(coalesce(name, class)) AS name,
           row_number() OVER (PARTITION BY workload ORDER BY avg(mean_heads) DESC, class) AS rank,
           count(*) OVER (PARTITION BY workload) AS n_classes
    FROM known GROUP BY workload, class
), placed AS MATERIALIZED (
    SELECT workload, class, name, n_classes,
           row_number() OVER (PARTITION BY workload ORDER BY rank) - 1 AS place
    FROM ranked WHERE n_classes <= 30 OR rank <= 15 OR rank > n_classes - 15
), shown AS (
    SELECT workload, arm, class, mean_heads AS heads, max(0, mean_heads_ci95_low) AS low,
           min(most_heads, mean_heads_ci95_high) AS high,
           NULL AS of_seed
    FROM known
    UNION ALL
    SELECT s.workload, s.arm, s.class, NULL, NULL, NULL, s.mean_heads
    FROM heads_by_class_by_seed s JOIN arms a ON a.workload = s.workload AND a.arm = s.arm
    WHERE a.n_seeds BETWEEN 2 AND 9
)
SELECT heads, low AS heads_low, high AS heads_high, of_seed AS seed_heads, place, name, n_classes, n_seeds, most_heads,
       workload, arm, arm AS series,
       workload || CASE WHEN n_classes > 30 THEN printf(': 30 of %d classes', n_classes) ELSE '' END AS panel,
       '' AS reason
FROM shown JOIN arms USING (workload, arm) JOIN placed USING (workload, class)
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
       'no method with a budget has predictions here'
WHERE NOT EXISTS (SELECT 1 FROM known)
ORDER BY workload, arm, seed_heads, place;
