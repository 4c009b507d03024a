-- Every phase that computes, by its arithmetic intensity below what its machine reaches there: a panel per
-- workload and batch size, a series per phase. dense: 1 for the arm that runs all heads; peak_gflops and
-- bandwidth_gb are per second, means over the machines; n_seeds per arm. Profiles on a card have no roof here and
-- are left out. n_left_out: of n_profiles, those with a warning; n_above: phases that are faster than the peak.
WITH doubtful AS MATERIALIZED (
    SELECT total(warned) AS n_left_out, count(*) AS n_profiles FROM current_profile
    WHERE device = 'cpu' AND instr(policy, '/') = 0
), known AS MATERIALIZED (
    SELECT * FROM roofline_by_phase WHERE instr(policy, '/') = 0 AND roof_flops_per_second IS NOT NULL
)
SELECT r.flops_per_byte, r.flops_per_second / 1e9 AS gflops, d.arm IS NOT NULL AS dense,
       avg(r.sgemm_flops_per_second) OVER here / 1e9 AS peak_gflops,
       avg(r.triad_bytes_per_second) OVER here / 1e9 AS bandwidth_gb,
       count(*) OVER (PARTITION BY r.workload, r.phase, r.arm) AS n_batches, r.n_seeds,
       sum(r.flops_per_second > r.sgemm_flops_per_second) OVER () AS n_above, count(r.phase) OVER () AS n_phases,
       n_left_out, n_profiles, r.workload, r.arm, r.phase AS series,
       CASE WHEN r.workload IS NULL AND n_left_out > 0 AND n_left_out = n_profiles
            THEN printf('all of %d profiles have a warning', n_left_out) END AS reason,
       r.workload || printf(', batch %d', r.batch_size) AS panel
FROM doubtful LEFT JOIN known r LEFT JOIN dense_arm d ON d.workload = r.workload AND d.arm = r.arm
WINDOW here AS (PARTITION BY r.workload, r.batch_size)
ORDER BY r.workload, r.batch_size, r.phase, dense, r.arm;
