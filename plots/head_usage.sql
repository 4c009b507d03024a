-- Which heads run and how many by class, in percent: a panel per arm that decides by learned gates or under a budget.
-- Its series 'heads' has a row for each head (cell_x) of a layer of a trained model (cell_y, label): the share of
-- test inputs that compute it. Its series 'classes' has one for each layer (cell_x) and class (cell_y, label): heads
-- that are computed, of the layer's, mean over seeds; which of them is not stored by class. cell_x and cell_y from 0;
-- of more than 20 classes the 10 with the most and the 10 with the fewest heads are there.
WITH arms AS MATERIALIZED (
    SELECT workload, arm, max(base_heads) AS heads, count(*) AS n_seeds FROM accuracy_by_seed
    WHERE policy IN (SELECT policy FROM policy_declares WHERE has_budget OR learns_gates) AND layers > 0
    GROUP BY workload, arm
), used AS MATERIALIZED (
    SELECT u.*, a.n_seeds, dense_rank() OVER (PARTITION BY u.workload, u.arm ORDER BY u.seed, u.layer) - 1 AS y
    FROM head_usage_by_seed u JOIN arms a ON a.workload = u.workload AND a.arm = u.arm
), classes AS (
    SELECT h.workload, h.arm, h.class, coalesce(h.name, h.class) AS name,
           row_number() OVER (PARTITION BY h.workload, h.arm ORDER BY h.mean_heads DESC, h.class) AS rank,
           count(*) OVER (PARTITION BY h.workload, h.arm) AS n_classes
    FROM heads_by_class h JOIN arms a ON a.workload = h.workload AND a.arm = h.arm
), placed AS MATERIALIZED (
    SELECT *, row_number() OVER (PARTITION BY workload, arm ORDER BY rank) - 1 AS y
    FROM classes WHERE n_classes <= 20 OR rank <= 10 OR rank > n_classes - 10
), cells AS MATERIALIZED (
    SELECT workload, arm, 'heads' AS what, head AS x, y, 100 * share AS percent,
           printf('seed %d, layer %d', seed, layer + 1) AS label, n_seeds, 0 AS n_classes
    FROM used
    UNION ALL
    SELECT l.workload, l.arm, 'classes', l.layer, p.y, 100 * l.mean_heads / a.heads, p.name, l.n_seeds, p.n_classes
    FROM layer_heads_by_class l JOIN placed p ON p.workload = l.workload AND p.arm = l.arm AND p.class = l.class
    JOIN arms a ON a.workload = l.workload AND a.arm = l.arm
    WHERE EXISTS (SELECT 1 FROM used u WHERE u.workload = l.workload AND u.arm = l.arm)
)
SELECT x AS cell_x, y AS cell_y, percent, label, n_seeds, n_classes, workload, arm, what AS series,
       workload || ', ' || arm AS panel, '' AS reason,
       max(1, min(6, 60 / (SELECT max(y) + 1 FROM cells))) AS panels_per_page
FROM cells
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
       'no arm here decides about heads by learned gates or under a budget', NULL
WHERE NOT EXISTS (SELECT 1 FROM cells)
ORDER BY workload, arm, series DESC, cell_y, cell_x;
