-- What is saved, by whose rules? Percent of the FLOPs that the same model executes with all heads. The
-- rules are described in the view flop_convention (results/views.sql).
.mode column
.headers on
SELECT workload, arm,
       round(max(CASE convention WHEN 'BFC-1' THEN 100 * saved_share END), 1) AS bfc_1,
       round(max(CASE convention WHEN 'GEMM only' THEN 100 * saved_share END), 1) AS gemm_only,
       round(max(CASE convention WHEN 'fvcore' THEN 100 * saved_share END), 1) AS fvcore,
       round(max(CASE convention WHEN 'fvcore, fused attention' THEN 100 * saved_share END), 1) AS fused,
       round(max(CASE convention WHEN 'DeepSpeed' THEN 100 * saved_share END), 1) AS deepspeed,
       round(max(CASE convention WHEN 'ELECTRA' THEN 100 * saved_share END), 1) AS electra,
       round(max(CASE convention WHEN 'ELECTRA, look-up' THEN 100 * saved_share END), 1) AS look_up,
       round(max(CASE convention WHEN 'paper (inferred)' THEN 100 * saved_share END), 1) AS paper,
       n_seeds
FROM flops_by_convention
WHERE instr(policy, '/') = 0
GROUP BY workload, arm
ORDER BY workload, bfc_1 DESC, arm;
