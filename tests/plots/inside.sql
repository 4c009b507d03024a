-- Made-up insides of the made-up models of fixture.sql, for figures that look into them: TEST DATA, measured nowhere.
-- Which heads run, how training went, what memory and energy it took. Load after fixture.sql.

-- Head h of 8 runs for 100, 90, ... 30 of 100 inputs in the first layer, for 10 fewer in the second; seed s starts
-- with head s instead.
INSERT INTO head_usage
SELECT e.id, layer.column1, (h + t.seed) % 8, 100 - 10 * h - 10 * layer.column1
FROM evaluation e JOIN trial t ON t.id = e.trial_id JOIN layer JOIN head WHERE t.policy = 'budgetformer';

-- Of the inputs that run a head the first 50 are those of class 0: of 60 all 50 of class 0 and 10 of the other.
INSERT INTO class_head_usage
SELECT evaluation_id, c.column1, layer, head, CASE c.column1 WHEN 0 THEN min(50, n_inputs) ELSE max(0, n_inputs - 50) END
FROM head_usage JOIN (VALUES (0), (1)) c WHERE n_inputs < 100;

-- Four epochs of 25 steps. Losses halve with each, from 0.8 in training and 1 on the validation slice; s and entropy
-- fall by 0.2 from 0.9 and 1. The temperature falls from 2 to 0.2 over the first half of the steps.
UPDATE trial SET config = '{"policy_options": {"tau_start": 2.0, "tau_end": 0.2, "tau_until": 0.5}}'
WHERE policy = 'budgetformer' AND kind = 'train';
INSERT INTO epoch (trial_id, epoch, step, train_loss, train_mean_s, validation_loss, validation_accuracy,
                   validation_mean_heads, learning_rate, train_score_entropy)
SELECT t.id, n.column1, 25 * n.column1, 1.6 / n.column2 + t.seed / 100.0,
       CASE t.policy WHEN 'budgetformer' THEN 1.1 - 0.2 * n.column1 END, 2.0 / n.column2, 0.5 + 0.1 * n.column1, 8, 1e-3,
       CASE t.policy WHEN 'budgetformer' THEN 1.2 - 0.2 * n.column1 END
FROM trial t JOIN (VALUES (1, 2), (2, 4), (3, 8), (4, 16)) n WHERE t.kind = 'train' AND t.status = 'ok' AND t.id <> 1;

-- 1 MiB of parameters and of gradients, 2 of the optimiser, and 1 for every head of activations; 20 MiB at most, of
-- which 16 are predicted.
INSERT INTO memory (trial_id, what, bytes, reason, predicted_bytes)
SELECT t.id, m.column1, CAST(1048576 * (m.column2 + m.column3 * a.heads) AS INTEGER), '',
       1048576 * m.column4
FROM trial t JOIN workload w ON w.id = t.workload_id JOIN arm a ON a.workload = w.name AND a.arm = t.arm
JOIN (VALUES ('arena parameters', 1, 0, 1), ('arena gradients', 1, 0, 1), ('arena optimiser', 2, 0, 2),
             ('arena activations', 0, 1, NULL), ('arena training', 4, 1, NULL),
             ('peak resident, training', 20, 0, 16)) m
WHERE t.kind = 'train' AND t.status = 'ok';

-- 1 mJ an input and 2 for every head, of which the half is what rest takes; one input takes 1 ms.
INSERT INTO energy
SELECT p.id, 'package', 1e-3 + 2e-3 * p.mean_heads, (1e-3 + 2e-3 * p.mean_heads) / 2 / 1e-3, 1, 1e-3, 3, 1e-5, ''
FROM profile p;
