-- Instructions and FLOPs per cycle, and counted FP operations in percent of the FLOPs of the formula: a panel per
-- workload, batch size and source ('multiplexed', 'measured', 'card' or its 'host': no simulator has cycles), a
-- series per policy, a point per arm. why_...: what kept a count from being there.
WITH counted AS MATERIALIZED (
    SELECT workload, arm, policy, batch_size, device, source, source = 'card' AS on_card,
           avg(mean_heads) AS heads, count(*) AS n_seeds,
           avg(fp_operations_per_flop) AS fp_per_flop, avg(instructions_per_cycle) AS instructions_per_cycle,
           avg(flops_per_cycle) AS flops_per_cycle
    FROM counter_rates
    WHERE source <> 'simulated' AND instr(policy, '/') = 0
      AND coalesce(fp_operations_per_flop, instructions_per_cycle, flops_per_cycle) IS NOT NULL
    GROUP BY workload, arm, policy, batch_size, device, source
), role AS MATERIALIZED (
    SELECT workload, batch_size, device, CASE scope WHEN 'gpu' THEN substr(role, 5) ELSE role END AS role, -- gpu_cycles
           scope = 'gpu' AS on_card,
           coalesce('not counted: ' || nullif(max(reason), ''),
                    'not counted: a count to compare with is missing') AS why, max(reason) AS reason
    FROM counter_by_batch WHERE scope <> 'simulator' GROUP BY 1, 2, 3, 4, 5
), why AS MATERIALIZED (
    SELECT workload, batch_size, device, on_card, max(CASE role WHEN 'fp_operations' THEN why END) AS why_fp,
           max(CASE role WHEN 'cycles' THEN why END) AS why_cycles
    FROM role GROUP BY workload, batch_size, device, on_card
)
SELECT heads, 100 * fp_per_flop AS fp_per_flop, instructions_per_cycle, flops_per_cycle, 100 AS formula, n_seeds,
       why_fp, why_cycles, workload, arm, policy AS series,
       printf('%s, batch %d%s, %s', workload, batch_size,
              CASE device WHEN 'cpu' THEN '' ELSE ', ' || device END, source) AS panel, '' AS reason,
       2 AS panels_per_page, source, batch_size, device <> 'cpu' AS has_card
FROM counted LEFT JOIN why USING (workload, batch_size, device, on_card)
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
       'no cycles were counted: ' || (SELECT max(reason) FROM role WHERE role = 'cycles' AND reason <> ''),
       NULL, NULL, NULL, NULL
ORDER BY workload, source, batch_size, panel, series, heads, arm;
