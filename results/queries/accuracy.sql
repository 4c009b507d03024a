-- How accurate is each arm, and how many heads does it run for it? The controls are in controls.sql.
.mode column
.headers on
SELECT workload, arm, round(head_budget, 3) AS head_budget, round(accuracy_mean, 4) AS accuracy,
       CASE WHEN n_seeds < 2 THEN 'one seed: no interval'
            ELSE printf('%.4f .. %.4f', accuracy_ci95_low, accuracy_ci95_high) END AS ci95,
       n_seeds,
       round(executed_flops_per_input / 1e6, 3) AS executed_mflops_per_input
FROM accuracy_vs_budget
WHERE instr(policy, '/') = 0
ORDER BY workload, head_budget, arm;

-- Arms whose mean describes no seed: some found a solution and some did not.
SELECT workload, arm, round(solved_share, 2) AS solved_share, n_solved, n_seeds,
       accuracy_percent_by_seed
FROM split_outcome
WHERE instr(policy, '/') = 0
ORDER BY workload, arm;
