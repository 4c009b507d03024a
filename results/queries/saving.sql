-- Are saved FLOPs saved time? Both relative to the arm that runs all heads, at the same batch size.
-- realised_share is the part of the FLOP saving that shows as time: 1 = all of it, 0 = none. Above 1,
-- what goes with a head (softmax, copies, calls) costs more time than its FLOPs say. Below 0, the arm
-- is slower than all heads: choosing heads costs more than it saves.
-- Where less than a tenth of the FLOPs is saved it is left out: noise divided by almost nothing.
-- low and high: 95% t-interval of the time ratio over n seeds; noise_floor: a ratio nearer to 1 than that is none.
.mode column
.headers on
SELECT workload, arm, batch_size, device, round(latency_ns_median / 1e3, 1) AS latency_us_median,
       round(latency_ns_mad / 1e3, 1) AS latency_us_mad, round(flops_ratio, 3) AS flops_ratio,
       round(time_ratio, 3) AS time_ratio, round(time_ratio_ci95_low, 3) AS low,
       round(time_ratio_ci95_high, 3) AS high, n_ratios AS n, round(noise_floor, 3) AS noise_floor,
       CASE WHEN flops_ratio < 0.9
            THEN round((1 - time_ratio) / (1 - flops_ratio), 2) END AS realised_share,
       note
FROM latency_note
ORDER BY workload, batch_size, device, flops_ratio DESC, arm;
