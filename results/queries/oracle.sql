-- Does an input get the heads that it needs? Of every input the fewest fixed heads that get it right in
-- most seeds (the oracle), against the heads that a learned budget gives it. If the budget followed the
-- need, chosen_heads would rise with oracle_heads. 'none': no fixed arm is right in most seeds. With few
-- seeds and few classes some inputs look easy by luck.
.mode column
.headers on
SELECT workload, arm, coalesce(round(oracle_heads, 1), 'none') AS oracle_heads, n_inputs,
       round(100 * input_share, 1) AS percent_of_inputs, round(chosen_heads, 2) AS chosen_heads,
       round(100 * covered_share, 1) AS percent_with_enough, round(100 * accuracy, 1) AS accuracy_percent,
       n_seeds
FROM oracle_heads
ORDER BY workload, arm, oracle_heads IS NULL, oracle_heads;

-- Does it pay? Accuracy over the curve of fixed heads at the FLOPs that the arm executes; the interval
-- is over seeds alone.
SELECT workload, arm, round(executed_flops_per_input / 1e6, 3) AS executed_mflops,
       CASE WHEN n_seeds > 0 THEN printf('%+.2f', difference_points) END AS points_over_fixed,
       CASE WHEN n_seeds = 0 THEN 'outside the fixed curve'
            WHEN ci95_low_points IS NULL THEN 'one seed: no interval'
            ELSE printf('%+.2f .. %+.2f', ci95_low_points, ci95_high_points) END AS ci95,
       n_seeds, n_outside
FROM accuracy_at_equal_flops
ORDER BY workload, executed_flops_per_input;
