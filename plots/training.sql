-- How training goes, epoch by epoch: a panel per workload, a series per arm: the one with all heads, and those of
-- methods that decide by learned gates or under a budget. Means over the n_seeds seeds that were trained for so long;
-- step: optimiser steps done at the end of the epoch; accuracy (on the validation slice), s (share of heads that is
-- asked for) and entropy (of the scores over the most that is possible) are in percent, temperature is what the
-- options set.
WITH arms AS MATERIALIZED (
    SELECT workload, arm, min(cost_weight) AS cost_weight, max(mean_s IS NOT NULL) AS has_budget FROM accuracy_by_seed
    WHERE instr(policy, '/') = 0
      AND ((workload, arm) IN (SELECT workload, arm FROM dense_arm)
           OR policy IN (SELECT policy FROM policy_declares WHERE has_budget OR learns_gates))
    GROUP BY workload, arm
)
SELECT avg(e.step) AS step, avg(e.train_loss) AS train_loss, avg(e.validation_loss) AS validation_loss,
       100 * avg(e.validation_accuracy) AS accuracy, 100 * avg(e.train_mean_s) AS s,
       100 * avg(e.train_score_entropy) AS entropy, avg(e.temperature) AS temperature,
       max(e.epoch) OVER (PARTITION BY e.workload) AS n_epochs, count(*) AS n_seeds, e.workload, e.arm, e.arm AS series,
       e.workload AS panel, 3 AS panels_per_page
FROM training_by_epoch e JOIN arms a ON a.workload = e.workload AND a.arm = e.arm
GROUP BY e.workload, e.arm, e.epoch
ORDER BY e.workload, a.has_budget, a.cost_weight, e.arm, e.epoch;
