-- Instructions in percent of all heads, and misses per 1,000 instructions: a panel per workload, batch size and
-- source ('simulated', 'multiplexed' or 'measured' counts, those of a 'card' or of its 'host', which never mix), a
-- series per policy, a point per arm. flops_ratio: executed FLOPs, in percent of those of all heads. why_...: what
-- kept a count from being there. place: 0 on the CPU, 1 in a simulator, 2 on a card.
WITH counted AS MATERIALIZED (
    SELECT workload, arm, policy, batch_size, device, source,
           CASE source WHEN 'simulated' THEN 1 WHEN 'card' THEN 2 ELSE 0 END AS place,
           avg(mean_heads) AS heads, count(*) AS n_seeds,
           avg(l1d_misses_per_1000_instructions) AS l1d_misses,
           avg(llc_misses_per_1000_instructions) AS llc_misses,
           avg(branch_misses_per_1000_instructions) AS branch_misses
    FROM counter_rates WHERE instructions_per_input IS NOT NULL AND instr(policy, '/') = 0
    GROUP BY workload, arm, policy, batch_size, device, source
), ratio AS MATERIALIZED (
    SELECT workload, arm, batch_size, device, source, avg(instructions_ratio) AS instructions_ratio,
           avg(flops_ratio) AS flops_ratio
    FROM instructions_vs_flops GROUP BY workload, arm, batch_size, device, source
), role AS MATERIALIZED (
    SELECT workload, batch_size, device, CASE scope WHEN 'gpu' THEN substr(role, 5) ELSE role END AS role, -- gpu_cycles
           CASE scope WHEN 'simulator' THEN 1 WHEN 'gpu' THEN 2 ELSE 0 END AS place,
           coalesce('not counted: ' || nullif(max(reason), ''),
                    'not counted: a count to compare with is missing') AS why, max(reason) AS reason
    FROM counter_by_batch GROUP BY 1, 2, 3, 4, 5
), why AS MATERIALIZED (
    SELECT workload, batch_size, device, place,
           max(CASE role WHEN 'instructions' THEN why END) AS why_instructions,
           max(CASE role WHEN 'l1d_misses' THEN why END) AS why_l1d,
           max(CASE role WHEN 'llc_misses' THEN why END) AS why_llc,
           max(CASE role WHEN 'branch_misses' THEN why END) AS why_branch
    FROM role GROUP BY workload, batch_size, device, place
)
SELECT heads, 100 * instructions_ratio AS instructions_ratio, 100 * flops_ratio AS flops_ratio, l1d_misses,
       llc_misses, branch_misses, n_seeds, why_instructions, why_l1d, why_llc,
       why_branch, workload, arm, policy AS series,
       printf('%s, batch %d%s, %s', workload, batch_size,
              CASE device WHEN 'cpu' THEN '' ELSE ', ' || device END, source) AS panel, '' AS reason,
       2 AS panels_per_page, source, batch_size, device <> 'cpu' AS has_card
FROM counted LEFT JOIN ratio USING (workload, arm, batch_size, device, source)
LEFT JOIN why USING (workload, batch_size, device, place)
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
       'no instructions were counted: ' || (SELECT max(reason) FROM role WHERE role = 'instructions'
                                            AND reason <> ''), NULL, NULL, NULL, NULL
ORDER BY workload, source, batch_size, panel, series, heads, arm;
