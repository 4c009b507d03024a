-- Time and executed FLOPs in percent of the arm that runs all heads: a panel per workload, batch size and device
-- (the CPU unless it says another), a series per policy. time_low, time_high: median absolute deviation within the run of n_passes forward
-- passes of each of n_models models; noise: how far two profiles of one model lie apart; cost: the arm's cost
-- weight, where it was given and not tuned; n_left_out: of n_times, those that have no ratio, and why.
WITH every AS MATERIALIZED (
    SELECT * FROM latency_note
), doubtful AS MATERIALIZED (
    SELECT count(*) - count(time_ratio) AS n_left_out, count(*) AS n_times,
           coalesce(replace(group_concat(DISTINCT CASE WHEN time_ratio IS NULL THEN note END), ',', ', '), '') AS why
    FROM every
), timed AS MATERIALIZED (
    SELECT * FROM every WHERE time_ratio IS NOT NULL
), arms AS MATERIALIZED (
    SELECT workload, arm, policy, cost_weight, mean_s, n_tuning_trials FROM accuracy_vs_budget
), runs AS MATERIALIZED ( -- in no view
    SELECT count(DISTINCT p.trial_id) AS n_models, count(*) / count(DISTINCT p.trial_id) AS n_passes
    FROM current_profile p JOIN profile_sample s ON s.profile_id = p.id
    GROUP BY p.workload, p.arm, p.batch_size, p.device
), shown AS (
    SELECT *, min(latency_ns_median / time_ratio) OVER (PARTITION BY workload, batch_size, device) AS dense_ns
    FROM timed JOIN arms USING (workload, arm)
)
SELECT 100 * flops_ratio AS flops_ratio, 100 * time_ratio AS time_ratio,
       100 * time_ratio * (1 - latency_ns_mad / latency_ns_median) AS time_low,
       100 * time_ratio * (1 + latency_ns_mad / latency_ns_median) AS time_high, 100 * noise_floor AS noise,
       CASE WHEN n_tuning_trials = 1 AND cost_weight IS NOT NULL
            THEN printf('%g', cost_weight) ELSE '' END AS cost,
       (SELECT count(DISTINCT batch_size) FROM timed) AS n_batches,
       (SELECT min(n_passes) FROM runs) AS least_passes, (SELECT max(n_passes) FROM runs) AS most_passes,
       (SELECT min(n_models) FROM runs) AS least_models, (SELECT max(n_models) FROM runs) AS most_models,
       n_left_out, n_times, why, workload, arm, policy AS series,
       CASE WHEN workload IS NULL AND n_times > 0
            THEN printf('none of %d times has a ratio: %s', n_times, why) END AS reason,
       workload || printf(', batch %d%s: all heads take ', batch_size,
                          CASE device WHEN 'cpu' THEN '' ELSE ', ' || device END)
           || CASE WHEN dense_ns < 1e6 THEN printf('%.3g µs', dense_ns / 1e3)
              ELSE printf('%.3g ms', dense_ns / 1e6) END AS panel
FROM doubtful LEFT JOIN shown
ORDER BY workload, batch_size, device, mean_s IS NOT NULL, policy, flops_ratio, arm;
