-- Made-up results for testing the figures and queries: TEST DATA, measured nowhere. Three workloads
-- with ten arms and three seeds, and one workload that was skipped. Load after tables.sql and views.sql.

CREATE TEMP TABLE arm (workload, arm, policy, cost_weight, heads REAL, accuracy REAL);
INSERT INTO arm
WITH base (arm, policy, cost_weight, heads, topic, offsets, mixed) AS (VALUES
    ('fixed-1',           'fixed',        NULL, 1.0, 0.995, 0.575, 0.74),
    ('fixed-2',           'fixed',        NULL, 2.0, 0.996, 0.654, 0.84),
    ('fixed-4',           'fixed',        NULL, 4.0, 0.995, 0.790, 0.93),
    ('fixed-8',           'fixed',        NULL, 8.0, 0.996, 0.935, 0.96),
    ('random-2',          'random',       NULL, 2.0, 0.990, 0.600, 0.70),
    ('none',              'none',         NULL, 0.0, 0.994, 0.510, 0.55),
    ('bag-of-words',      'bag-of-words', NULL, 0.0, 0.997, 0.500, 0.51),
    ('budgetformer-0',    'budgetformer', 0.0,  7.9, 0.996, 0.985, 0.98),
    ('budgetformer-0.03', 'budgetformer', 0.03, 6.9, 0.995, 0.970, 0.97),
    ('budgetformer-0.1',  'budgetformer', 0.1,  5.2, 0.996, 0.935, 0.95))
SELECT 'topic', arm, policy, cost_weight,
       CASE policy WHEN 'budgetformer' THEN heads / 4 ELSE heads END, topic FROM base
UNION ALL SELECT 'offsets', arm, policy, cost_weight, heads, offsets FROM base
UNION ALL SELECT 'mixed', arm, policy, cost_weight, heads, mixed FROM base
UNION ALL SELECT 'trec-coarse', arm, policy, cost_weight, heads, NULL FROM base;

CREATE TEMP VIEW seed AS VALUES (0), (1), (2);
CREATE TEMP VIEW layer AS VALUES (0), (1);
CREATE TEMP VIEW head AS
    WITH RECURSIVE n (h) AS (SELECT 0 UNION ALL SELECT h + 1 FROM n WHERE h < 7) SELECT h FROM n;
CREATE TEMP VIEW input AS
    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99) SELECT i FROM n;

INSERT INTO environment (hash, host, machine, json, seen_at)
VALUES ('test', 'test', 'TEST DATA, not a measurement', '{}', '2000-01-01T00:00:00Z');

INSERT INTO workload (name, summary, granularity, n_classes, file) VALUES
    ('topic',       'TEST DATA', 'synthetic', 4,    'test.yaml'),
    ('offsets',     'TEST DATA', 'synthetic', 2,    'test.yaml'),
    ('mixed',       'TEST DATA', 'synthetic', 2,    'test.yaml'),
    ('trec-coarse', 'TEST DATA', 'coarse',    NULL, 'test.yaml');

INSERT INTO trial (kind, key, workload_id, arm, policy, cost_weight, base_heads, layers, dim, seed,
                   config, status, reason, planned_at, environment_id)
SELECT 'train', a.arm || '/' || seed.column1, w.id, a.arm, policy, cost_weight, 8, 2, 64,
       seed.column1, '{}', CASE WHEN accuracy IS NULL THEN 'skipped' ELSE 'ok' END,
       CASE WHEN accuracy IS NULL
            THEN 'data/trec/train_5500.label is absent: run make data' ELSE '' END,
       '2000-01-01T00:00:00Z', 1
FROM arm a JOIN workload w ON w.name = a.workload JOIN seed;

UPDATE trial SET n_train = 900, n_validation = 100, n_test = 100, vocab = 40, n_truncated = 0, unknown_share = 0.01,
    n_dropped = 0, n_overlap = 0, n_overlap_texts = 0, n_overlap_dropped = 0,
    mean_length_tokens = CASE workload_id WHEN 1 THEN 16 ELSE 24 END
WHERE status = 'ok';

INSERT INTO evaluation (trial_id, weights, split, control, n_inputs, layers, heads, accuracy, loss,
                        mean_heads, mean_s, executed_flops, executed_gemm_flops, executed_map_flops,
                        active_flops, dense_flops, flops_by_component)
SELECT t.id, 'best', 'test', c.control, 100, CASE a.policy WHEN 'bag-of-words' THEN 0 ELSE 2 END, 8,
       -- deterministic wobble of at most 0.4 points between seeds, more where it is hard
       min(1.0, max(0.0, a.accuracy - c.loss + ((t.id * 7919) % 9 - 4) * 0.02 * (1.02 - a.accuracy))),
       0.5, a.heads, CASE a.policy WHEN 'budgetformer' THEN a.heads / 8 END,
       CAST(100 * (5000 + 700 * a.heads) AS INTEGER), 0, 0,
       CAST(100 * (5000 + 690 * a.heads) AS INTEGER), 1060000, '{}'
FROM trial t JOIN workload w ON w.id = t.workload_id
JOIN arm a ON a.workload = w.name AND a.arm = t.arm
JOIN (SELECT 'none' AS control, 0.0 AS loss
      UNION ALL SELECT 'static', 0.02 UNION ALL SELECT 'shuffled', 0.05) c
     ON c.control = 'none' OR a.policy = 'budgetformer'
WHERE t.status = 'ok';

-- BudgetFormer's k is spread around its mean, more heads in the first layer; others run what they have.
INSERT INTO layer_budget
SELECT e.id, layer.column1, h + 1,
       CAST(1 + 100 * exp(-(h + 1 - e.mean_heads - 1 + 2 * layer.column1)
                          * (h + 1 - e.mean_heads - 1 + 2 * layer.column1) / 3.0) AS INTEGER)
FROM evaluation e JOIN trial t ON t.id = e.trial_id JOIN layer JOIN head
WHERE t.policy = 'budgetformer';
INSERT INTO layer_budget
SELECT e.id, layer.column1, CAST(e.mean_heads AS INTEGER), 100
FROM evaluation e JOIN trial t ON t.id = e.trial_id JOIN layer
WHERE t.policy <> 'budgetformer' AND e.layers > 0;

INSERT INTO prediction
SELECT id, i, label, predicted, difficulty, length, heads_run,
       CASE layers WHEN 0 THEN '[]' ELSE json_array(heads_run - heads_run / 2, heads_run / 2) END,
       mean_s, NULL, NULL
FROM (SELECT e.id, i, i % 2 AS label,
             CASE WHEN (i * 37) % 100 < 100 * e.accuracy - 3 * (i % 4) THEN i % 2 ELSE 1 - i % 2 END AS predicted,
             CASE t.workload_id WHEN 3 THEN i % 4 + 1 END AS difficulty, 24 AS length,
             min(8 * e.layers, CAST(e.layers * e.mean_heads + CASE t.policy WHEN 'budgetformer'
                 THEN i % 4 - 2 + (i + t.seed) % 2 ELSE 0 END AS INTEGER)) AS heads_run,
             e.layers, e.mean_s
      FROM evaluation e JOIN trial t ON t.id = e.trial_id JOIN input);

INSERT INTO trial (kind, key, base_trial_id, workload_id, arm, policy, cost_weight, base_heads, layers,
                   dim, seed, config, status, planned_at, environment_id)
SELECT 'profile', key || '/profile', id, workload_id, arm, policy, cost_weight, 8, 2, 64, seed, '{}',
       'ok', '2000-01-01T00:00:00Z', 1
FROM trial WHERE status = 'ok' AND seed = 0 AND workload_id = 2;

INSERT INTO profile (trial_id, batch_size, warmup_passes, inputs_per_sample, mean_heads, mean_s,
                     executed_flops_per_input, dense_flops_per_input)
SELECT t.id, b.column1, 3, b.column1, e.mean_heads, e.mean_s,
       1.0 * e.executed_flops / e.n_inputs - CASE e.layers WHEN 0 THEN 4900 ELSE 0 END, 10600
FROM trial t JOIN evaluation e ON e.trial_id = t.base_trial_id AND e.control = 'none'
JOIN (VALUES (1), (32)) b;

INSERT INTO profile_sample (profile_id, sample, latency_ns, block)
SELECT p.id, i, p.batch_size * (4000 + p.executed_flops_per_input * 0.9 * (2 - p.batch_size / 32.0))
                * (1 + ((i * 13) % 20) / 300.0), i / 4
FROM profile p JOIN input WHERE i < 20;

INSERT INTO counter (profile_id, role, event, value_per_input, status, reason, scope, repeats)
SELECT id, 'cycles', '', NULL, 'unavailable', 'this virtual machine shows no PMU', 'thread', 0
FROM profile
UNION ALL SELECT id, 'task_clock', 'perf::TASK-CLOCK', executed_flops_per_input, 'counted', '',
                 'thread', 20 FROM profile;

-- What a simulator counted, and so never a cycle: 2 FLOPs an instruction, a miss every 100 of them.
INSERT INTO counter (profile_id, role, event, value_per_input, status, reason, scope, pass, repeats)
SELECT id, r.column1, 'made up', r.column2 * executed_flops_per_input, 'simulated', '', 'simulator', 0, 1
FROM profile JOIN (VALUES ('instructions', 0.5), ('l1d_misses', 0.005), ('llc_misses', 0.0005),
                          ('branch_misses', 0.001), ('executed_flops', 1.0)) r
UNION ALL
SELECT id, 'heads_run', 'made up', mean_heads, 'simulated', '', 'simulator', 0, 1 FROM profile;

INSERT INTO ceiling VALUES (1, 1e11, 2e10, '2000-01-01T00:00:00Z');

-- Intensities grow with the batch, because weights are read once for all its inputs. column2: FLOPs,
-- column3: FLOPs per byte at batch 1, column4: GFLOP/s at batch 1. Gathering takes time and no FLOPs.
INSERT INTO phase
WITH known AS (
    SELECT p.id, p.batch_size, f.*,
           column2 * p.executed_flops_per_input * (CASE column1 WHEN 'map' THEN p.mean_heads / 8
                                                   WHEN 'gate' THEN p.mean_s IS NOT NULL
                                                   WHEN 'gather' THEN p.mean_s IS NOT NULL ELSE 1 END) AS work
    FROM profile p
    JOIN (VALUES ('embedding', 0.01, 0.1, 1), ('norm', 0.05, 0.6, 4), ('gate', 0.03, 1.5, 5), ('gather', 0.03, 0.5, 8),
                 ('qkv', 0.2, 3, 30), ('map', 0.2, 5, 20), ('output', 0.1, 2.5, 25), ('ffn', 0.38, 4, 40),
                 ('pool', 0.02, 0.25, 3), ('classifier', 0.01, 0.5, 2)) f
), timed AS (
    SELECT *, work / column4 * (CASE batch_size WHEN 1 THEN 1 ELSE 0.6 END) AS ns FROM known WHERE work > 0
)
SELECT id, column1, ns, ns / sum(ns) OVER (PARTITION BY id), CASE column1 WHEN 'gather' THEN 0 ELSE work END,
       work / column3 / (CASE batch_size WHEN 1 THEN 1 ELSE 4 END)
FROM timed;
UPDATE profile SET marks_per_pass = 13, mark_ns = 20;
UPDATE profile_sample SET unmarked_ns = latency_ns, marked_ns =
    (SELECT sum(h.time_ns) * p.inputs_per_sample FROM profile p JOIN phase h ON h.profile_id = p.id
     WHERE p.id = profile_sample.profile_id);
