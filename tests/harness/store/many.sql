-- Made-up results of as many workloads as the table `size` says, every second the one before it on a card: TEST DATA, measured nowhere. Every table
-- that a view reads grows with it. Load after tables.sql, views.sql and
--     CREATE TEMP TABLE size AS SELECT 10 AS n;

CREATE TEMP TABLE n AS
    WITH RECURSIVE r (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM r WHERE i < 99) SELECT i FROM r;
CREATE TEMP TABLE arm (arm, policy, heads);
INSERT INTO arm VALUES ('fixed-8', 'fixed', 8), ('fixed-2', 'fixed', 2), ('budget', 'budgetformer', 5),
    ('words', 'bag-of-words', 0);

INSERT INTO environment (hash, host, machine, json, seen_at) VALUES ('test', 'test', 'TEST DATA', '{}', '');
INSERT INTO ceiling VALUES (1, 1e11, 2e10, '');
INSERT INTO workload (name, summary, granularity, n_classes, file)
SELECT 'w' || (i - i % 2) || CASE i % 2 WHEN 1 THEN '.cuda' ELSE '' END, 'TEST DATA', 'synthetic', 2, 'test.yaml' FROM n WHERE i < (SELECT n FROM size);

INSERT INTO trial (kind, key, workload_id, arm, policy, base_heads, layers, dim, seed, config, status,
                   planned_at, environment_id, train_flops, train_seconds, n_train, n_validation, n_test,
                   vocab, data_sha256, sources_sha256)
SELECT 'train', a.arm || '/' || i, w.id, a.arm, a.policy, 8, 2, 64, i, '{}', 'ok', '', 1, 100, 1, 80, 10, 10,
       40, 'd' || ((w.id + 1) / 2), 's' || w.id
FROM workload w JOIN arm a JOIN n WHERE i < 3;
INSERT INTO class SELECT DISTINCT 'd' || ((w.id + 1) / 2), i, 'class ' || i, 40, 5, 5 FROM workload w JOIN n WHERE i < 2;
INSERT INTO input SELECT 's' || w.id, i, 'file', i + 1, 'hash', NULL FROM workload w JOIN n WHERE i < 10;
UPDATE trial SET base_trial_id = (SELECT b.id FROM trial b WHERE b.workload_id = trial.workload_id
                                  AND b.arm = 'fixed-8' AND b.seed = trial.seed)
WHERE arm <> 'fixed-8';
INSERT INTO tuning SELECT id, i, '{}', 0.5, 1, 4, 1, 100, 0, '' FROM trial JOIN n WHERE i < 2;
INSERT INTO training_phase SELECT id, column1, 1, 0.5 FROM trial JOIN (VALUES ('forward'), ('backward'));
INSERT INTO memory SELECT id, 'arena ' || i, 4096, '', 4096, 0 FROM trial JOIN n WHERE i < 2;
INSERT INTO evaluation (trial_id, weights, split, control, n_inputs, layers, heads, accuracy, mean_heads,
                        executed_flops, executed_gemm_flops, executed_map_flops, active_flops, dense_flops,
                        flops_by_component, mean_s, macro_f1, matthews, ece, loss)
SELECT t.id, 'best', 'test', column1, 10, 2, 8, 0.5 + t.id % 7 / 20.0, a.heads, 1000 * a.heads, 0, 0,
       900 * a.heads, 8000,
       json_object('qkv', 600 * a.heads, 'scores', 300 * a.heads, 'ffn', 80 * a.heads, 'pool', 20 * a.heads),
       CASE a.policy WHEN 'budgetformer' THEN 0.5 END, 0.5, 0.1, 0.1, 0.7
FROM trial t JOIN arm a USING (arm) JOIN (VALUES ('none'), ('static'));
INSERT INTO layer_budget
SELECT e.id, i, e.mean_heads, 10 FROM evaluation e JOIN n WHERE i < 2;
INSERT INTO head_usage SELECT e.id, i % 2, i / 2, 10 - i / 4 FROM evaluation e JOIN n WHERE i < 16;
INSERT INTO class_head_usage SELECT evaluation_id, i, layer, head, n_inputs / 2 FROM head_usage JOIN n WHERE i < 2;
INSERT INTO epoch (trial_id, epoch, step, train_loss, validation_accuracy)
SELECT id, i + 1, 10 * i + 10, 1.0 / (i + 1), 0.5 FROM trial JOIN n WHERE i < 4;
INSERT INTO prediction
SELECT e.id, i, i % 2, (i + e.id / 2 % 3) % 2, i % 3, 5, CAST(2 * e.mean_heads AS INTEGER), '[1,1]', NULL, 0.5, 0.5
FROM evaluation e JOIN n WHERE i < 10;

INSERT INTO comparison
SELECT a.workload_id, a.arm, b.arm, a.evaluations, b.evaluations, 2, 3, 10, 'crossed', 1 + length(a.arm),
       1, 1, 2, 0.5, 1, 1, 9, 0.5, 2, 2, 4, 1.0 / a.workload_id,
       0.01, 0.01, 0.1, 1
FROM current_arm a JOIN current_arm b ON b.workload_id = a.workload_id AND b.arm > a.arm;

INSERT INTO trial (kind, key, base_trial_id, workload_id, arm, policy, base_heads, layers, dim, seed, config,
                   status, planned_at, environment_id)
SELECT column1, key || column1, id, workload_id, arm, policy, 8, 2, 64, seed, '{}', 'ok', '', 1
FROM trial JOIN (VALUES ('profile'), ('again')) WHERE column1 = 'profile' OR arm = 'fixed-8';
INSERT INTO warning (trial_id, text, at) SELECT id, 'doubtful', '' FROM trial WHERE id % 5 = 0;
INSERT INTO profile (trial_id, batch_size, warmup_passes, inputs_per_sample, mean_heads,
                     executed_flops_per_input, marks_per_pass, mark_ns)
SELECT t.id, column1, 0, column1, a.heads, 100 * a.heads, 4, 10
FROM trial t JOIN arm a USING (arm) JOIN (VALUES (1), (32)) WHERE t.kind <> 'train';
INSERT INTO profile_block SELECT p.id, i, i, 1, 0 FROM profile p JOIN n WHERE i < 3;
INSERT INTO profile_sample SELECT p.id, i, 1000 + (i * 7 + p.id) % 10 * (i + 1), i / 4, 1100, 1000 + i
FROM profile p JOIN n WHERE i < 12;
INSERT INTO phase SELECT p.id, column1, 100, 0.5, 100, 10 FROM profile p JOIN (VALUES ('qkv'), ('ffn'));
INSERT INTO counter (profile_id, role, event, value_per_input, status, reason, scope, repeats)
SELECT p.id, column1, 'made up', 100 * p.mean_heads, 'counted', '', 'thread', 1
FROM profile p JOIN (VALUES ('cycles'), ('instructions'), ('branch_misses'));
INSERT INTO energy SELECT id, 'package', 3.6, 40, 0.5, 0.05, 3, 0.1, '' FROM profile;
INSERT INTO energy SELECT p.id, 'card', 3.6, 40, 0.5, 0.05, 3, 0.1, '' FROM profile p JOIN trial t ON t.id = p.trial_id
JOIN workload w ON w.id = t.workload_id WHERE w.name GLOB '*.cuda';
INSERT INTO counter (profile_id, role, event, value_per_input, status, reason, scope, repeats)
SELECT p.id, column1, 'made up', 100 * p.mean_heads, 'counted', '', 'gpu', 1
FROM profile p JOIN trial t ON t.id = p.trial_id JOIN workload w ON w.id = t.workload_id
JOIN (VALUES ('gpu_cycles'), ('gpu_dram_read_bytes'), ('gpu_dram_write_bytes')) WHERE w.name GLOB '*.cuda';
INSERT INTO bench_run SELECT i + 1, 1, '', 0, 1 FROM n WHERE i < (SELECT n FROM size);
INSERT INTO bench_result (bench_run_id, position, section, name, unit, n_samples, median)
SELECT b.id, i, 'kernels', i, 'ms', 1, 1 FROM bench_run b JOIN n WHERE i < 3;

INSERT INTO trial (kind, key, workload_id, arm, policy, base_heads, layers, dim, seed, config, status,
                   planned_at, started_at, host, pid)
SELECT 'train', 'running', id, 'fixed-8', 'fixed', 8, 2, 64, 9, '{}', 'running', '', '', 'test', 1 FROM workload;
INSERT INTO progress SELECT id, '', 1, 1, 3, 16, 0.5, 0.8, 8 FROM trial WHERE status = 'running';

UPDATE trial SET device = 'cuda' WHERE workload_id IN (SELECT id FROM workload WHERE name GLOB '*.cuda');
