-- What accuracy does not say: macro-F1 and Matthews correlation (do small classes count?), calibration
-- (is a probability what it says?) and negative log-likelihood, beside the accuracy of always answering
-- the most frequent class. Means over seeds; '-': not stored yet, or undefined.
.mode column
.headers on
.nullvalue -
SELECT a.workload, arm, round(accuracy_mean, 4) AS accuracy, round(majority_accuracy, 4) AS majority,
       round(macro_f1, 4) AS macro_f1, round(matthews, 4) AS matthews,
       round(ece, 4) AS calibration_error, round(loss, 4) AS neg_log_likelihood, n_seeds
FROM accuracy_vs_budget a LEFT JOIN data_set d ON d.workload = a.workload
WHERE instr(policy, '/') = 0
ORDER BY a.workload, head_budget, arm;

-- The classes that are found least, of the arm with all heads and of those with a learned budget.
WITH ranked AS (
    SELECT h.*, row_number() OVER (PARTITION BY h.workload, h.arm ORDER BY h.accuracy, h.class) AS rank
    FROM heads_by_class h
    WHERE (h.workload, h.arm) IN (SELECT workload, arm FROM dense_arm UNION ALL
                                  SELECT workload, arm FROM accuracy_at_equal_flops)
)
SELECT workload, arm, coalesce(name, class) AS class, n_inputs, round(accuracy, 4) AS accuracy,
       round(mean_heads, 2) AS mean_heads_per_layer
FROM ranked WHERE rank <= 3
ORDER BY workload, arm, rank;
