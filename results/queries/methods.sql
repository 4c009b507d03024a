-- Methods x {accuracy, heads, FLOPs, latency}, as mean and half of the 95% interval over seeds (empty
-- for one seed). FLOPs are per input, latency is that of a forward pass of a batch; active is what the
-- chosen heads would cost if an unchosen one cost nothing and the gate were free, dense what all heads
-- cost. training_gflop is what it took to get there: with all candidates that were tried, and the trial
-- that it started from.
.mode column
.headers on
SELECT workload, arm, n_seeds AS n, n_tuning_trials AS tried,
       round(100 * accuracy, 1) AS accuracy_percent,
       round(100 * (accuracy_ci95_high - accuracy), 1) AS "+-",
       round(100 * trained_accuracy, 1) AS as_trained_percent, round(score_entropy, 2) AS entropy,
       round(mean_heads, 2) AS heads, round(mean_heads_ci95_high - mean_heads, 2) AS "+-",
       round(executed_flops / 1e6, 4) AS executed_mflop,
       round((executed_flops_ci95_high - executed_flops) / 1e6, 4) AS "+-",
       round(active_flops / 1e6, 4) AS active_mflop, round(dense_flops / 1e6, 4) AS dense_mflop,
       round(latency_small_ns / 1e3, 1) AS latency_us,
       round((latency_small_ns_ci95_high - latency_small_ns) / 1e3, 1) AS "+-",
       batch_small AS at_batch,
       round(latency_large_ns / 1e3, 1) AS latency_us,
       round((latency_large_ns_ci95_high - latency_large_ns) / 1e3, 1) AS "+-",
       batch_large AS at_batch,
       latency_seeds, round(training_flops / 1e9, 1) AS training_gflop
FROM methods_by_arm
WHERE instr(policy, '/') = 0
ORDER BY workload, accuracy DESC, executed_flops;
