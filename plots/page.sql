-- What every figure says of the workloads that are drawn as a whole: one row, each column a variable that holds
-- text.
-- budgeted: the policies of the database that declare a budget, in the order of their names; weighted: those of which an arm has
-- a cost weight that was given and not tuned. The machine that is named first has a card if trials ran on one.
WITH place AS (
    SELECT machine, card, CASE WHEN instr(machine, card || ' in ') = 1
                               THEN substr(machine, length(card || ' in ') + 1) ELSE machine END AS host
    FROM machine_by_kind
), budgeted AS (
    SELECT policy FROM policy_declares WHERE has_budget ORDER BY policy
), weighted AS (
    SELECT DISTINCT policy FROM accuracy_by_seed WHERE cost_weight IS NOT NULL AND n_tuning_trials = 1
)
SELECT coalesce((SELECT machine FROM place ORDER BY card IS NULL, machine LIMIT 1)
                    || CASE count(DISTINCT host) WHEN 1 THEN ''
                            ELSE printf(' and %d more', count(DISTINCT host) - 1) END,
                'not recorded') AS machine,
       (SELECT coalesce(group_concat(policy, ' '), '') FROM budgeted) AS budgeted,
       (SELECT coalesce(group_concat(policy, ' '), '') FROM weighted) AS weighted
FROM place;
