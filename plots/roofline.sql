-- Every phase that computes, by its arithmetic intensity below what its machine reaches there: a panel per
-- workload and batch size, a series per phase. dense: 1 for the arm that runs all heads; peak_gflops and
-- bandwidth_gb are per second, means over the machines; n_seeds per arm. Profiles on a card have no roof here and
-- are left out.
SELECT r.flops_per_byte, r.flops_per_second / 1e9 AS gflops, d.arm IS NOT NULL AS dense,
       avg(r.sgemm_flops_per_second) OVER here / 1e9 AS peak_gflops,
       avg(r.triad_bytes_per_second) OVER here / 1e9 AS bandwidth_gb,
       count(*) OVER (PARTITION BY r.workload, r.phase, r.arm) AS n_batches, r.n_seeds,
       r.workload, r.arm, r.phase AS series, printf('%s, batch %d', r.workload, r.batch_size) AS panel
FROM roofline_by_phase r LEFT JOIN dense_arm d ON d.workload = r.workload AND d.arm = r.arm
WHERE instr(r.policy, '/') = 0 AND r.roof_flops_per_second IS NOT NULL
WINDOW here AS (PARTITION BY r.workload, r.batch_size)
ORDER BY r.workload, r.batch_size, r.phase, dense, r.arm;
