-- Heads per layer needed to be as good as all heads, for k fixed heads and for every method with a budget: a panel
-- each, a series per set of texts; without those that are untestable. heads: the fewest that demonstrably are
-- (known 1), or whose mean is (known 0), or all of them because no arm is (known 2); heads_low to heads_high: what
-- is not ruled out; all_heads: of the model; beside_classes, beside_tokens: places from the middle among the workloads of as many
-- classes, and of about as many tokens.
WITH sets AS MATERIALIZED (
    SELECT workload, coalesce(corpus, workload) AS texts, n_classes, mean_length_tokens
    FROM data_set WHERE n_classes > 0 AND mean_length_tokens > 0
), needed AS MATERIALIZED (
    SELECT h.* FROM heads_needed h JOIN policy_declares USING (policy) WHERE (policy = 'fixed' OR has_budget)
      AND margin_points IS NOT NULL
)
SELECT coalesce(heads_needed, heads_estimate, heads) AS needed_heads, n_classes, mean_length_tokens AS tokens,
       coalesce(heads_low, heads) AS heads_low, coalesce(heads_high, heads) AS heads_high,
       CASE WHEN heads_low IS NULL THEN 2 ELSE heads_needed IS NOT NULL END AS known, heads AS all_heads,
       row_number() OVER as_many - (1 + count(*) OVER (PARTITION BY policy, n_classes)) / 2.0 AS beside_classes,
       row_number() OVER as_long - (1 + count(*) OVER (PARTITION BY policy, round(mean_length_tokens))) / 2.0
           AS beside_tokens,
       n_seeds, workload, texts AS series,
       CASE policy WHEN 'fixed' THEN 'k fixed heads' ELSE policy END AS panel,
       3 AS panels_per_page
FROM needed JOIN sets USING (workload)
WINDOW as_many AS (PARTITION BY policy, n_classes ORDER BY texts, workload),
       as_long AS (PARTITION BY policy, round(mean_length_tokens) ORDER BY texts, n_classes, workload)
ORDER BY policy <> 'fixed', policy, texts, n_classes, workload;
