-- Do instructions fall with the heads as the FLOP formula predicts? Both relative to the arm that runs
-- all heads; ratio is instructions over FLOPs, 1 = exactly as predicted. Simulated counts (valgrind)
-- and measured ones are rows of their own. Where neither exists:
--     make headroom-v3 && ./headroom sweep workloads/instructions.yaml
.mode column
.headers on
SELECT workload, device, source, batch_size AS batch, arm, round(avg(mean_heads), 2) AS heads,
       count(*) AS n_seeds, round(avg(executed_flops_per_input) / 1e6, 3) AS mflop_per_input,
       round(avg(instructions_per_input) / 1e6, 3) AS minstructions_per_input,
       round(avg(flops_ratio), 3) AS flops_ratio,
       round(avg(instructions_ratio), 3) AS instructions_ratio,
       round(avg(instructions_over_flops), 3) AS ratio
FROM instructions_vs_flops
WHERE instructions_per_input IS NOT NULL
GROUP BY workload, device, source, batch_size, arm
ORDER BY workload, device, source, batch_size, mflop_per_input DESC, arm;

.mode list
.headers off
SELECT 'no instructions were counted: ' || coalesce(
           (SELECT max(reason) FROM counter_vs_budget
            WHERE role = 'instructions' AND scope = 'simulator'),
           'run make headroom-v3 && ./headroom sweep workloads/instructions.yaml')
WHERE NOT EXISTS (SELECT 1 FROM counter_rates WHERE instructions_per_input IS NOT NULL);
