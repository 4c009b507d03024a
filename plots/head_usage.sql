-- Which heads run, for which classes, in percent: a panel per arm that decides by learned gates or under a budget.
-- Its series 'heads' has a row for each head (cell_x) of a layer of a trained model (cell_y, label): the share of
-- test inputs that compute it. A series for each class (title) has the same for its inputs alone: of more than
-- three classes, those with the most test inputs; none where every input runs the same heads, or where it is not
-- stored for which class a head ran (unknown = 1). Series 'classes' has a row for each layer (cell_x) and class
-- (cell_y, label): heads that are computed, of the layer's, mean over seeds; of more than 20 classes the 10 with the
-- most and the 10 with the fewest heads. cell_x and cell_y from 0.
WITH arms AS MATERIALIZED (
    SELECT workload, arm, max(base_heads) AS heads, count(*) AS n_seeds FROM accuracy_by_seed
    WHERE policy IN (SELECT policy FROM policy_declares WHERE has_budget OR learns_gates) AND layers > 0
    GROUP BY workload, arm
), used AS MATERIALIZED (
    SELECT u.*, a.n_seeds, dense_rank() OVER (PARTITION BY u.workload, u.arm ORDER BY u.seed, u.layer) - 1 AS y
    FROM head_usage_by_seed u JOIN arms a ON a.workload = u.workload AND a.arm = u.arm
), class_used AS MATERIALIZED (
    SELECT *, dense_rank() OVER (PARTITION BY workload, arm ORDER BY seed, layer) - 1 AS y
    FROM head_usage_by_class
), choosing AS MATERIALIZED ( -- arms of which inputs run different heads
    SELECT workload, arm, max(share IS NULL) AS unknown FROM class_used
    GROUP BY workload, arm HAVING max(share IS NULL OR share NOT IN (0, 1))
), frequent AS MATERIALIZED (
    SELECT workload, arm, class, coalesce(name, class) AS name, max(n_inputs) AS n_inputs,
           row_number() OVER (PARTITION BY workload, arm ORDER BY max(n_inputs) DESC, class) AS place
    FROM class_used JOIN choosing USING (workload, arm) WHERE NOT unknown
    GROUP BY workload, arm, class
), classes AS (
    SELECT h.workload, h.arm, h.class, coalesce(h.name, h.class) AS name,
           row_number() OVER (PARTITION BY h.workload, h.arm ORDER BY h.mean_heads DESC, h.class) AS rank,
           count(*) OVER (PARTITION BY h.workload, h.arm) AS n_classes
    FROM heads_by_class h JOIN arms a ON a.workload = h.workload AND a.arm = h.arm
), placed AS MATERIALIZED (
    SELECT *, row_number() OVER (PARTITION BY workload, arm ORDER BY rank) - 1 AS y
    FROM classes WHERE n_classes <= 20 OR rank <= 10 OR rank > n_classes - 10
), cells AS MATERIALIZED (
    SELECT u.workload, u.arm, 0 AS place, 'heads' AS what, 'all inputs' AS title, head AS x, y,
           100 * share AS percent, printf('seed %d, layer %d', seed, layer + 1) AS label, n_seeds, 0 AS n_classes,
           coalesce(c.unknown, 0) AS unknown
    FROM used u LEFT JOIN choosing c ON c.workload = u.workload AND c.arm = u.arm
    UNION ALL
    SELECT u.workload, u.arm, f.place, 'class ' || f.class, printf('%s (%d)', f.name, f.n_inputs), u.head, u.y,
           100 * u.share, '', a.n_seeds, 0, 0
    FROM frequent f JOIN class_used u ON u.workload = f.workload AND u.arm = f.arm AND u.class = f.class
    JOIN arms a ON a.workload = u.workload AND a.arm = u.arm
    WHERE f.place <= 3
    UNION ALL
    SELECT l.workload, l.arm, 4, 'classes', 'heads of a layer', l.layer, p.y, 100 * l.mean_heads / a.heads, p.name,
           l.n_seeds, p.n_classes, 0
    FROM layer_heads_by_class l JOIN placed p ON p.workload = l.workload AND p.arm = l.arm AND p.class = l.class
    JOIN arms a ON a.workload = l.workload AND a.arm = l.arm
    WHERE EXISTS (SELECT 1 FROM used u WHERE u.workload = l.workload AND u.arm = l.arm)
)
SELECT x AS cell_x, y AS cell_y, percent, place, title, label, n_seeds, n_classes, unknown, workload, arm,
       what AS series, workload || ', ' || arm AS panel, '' AS reason,
       max(1, min(6, 60 / (SELECT max(y) + 1 FROM cells))) AS panels_per_page
FROM cells
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
       'no arm here decides about heads by learned gates or under a budget', NULL
WHERE NOT EXISTS (SELECT 1 FROM cells)
ORDER BY workload, arm, place, cell_y, cell_x;
