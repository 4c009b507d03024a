-- Made-up results for every trial that is planned in a results database: TEST DATA, measured nowhere. Few
-- predictions, as few samples; every table that the views read grows with the trials. For many_trials.sh.

CREATE TEMP TABLE n AS
    WITH RECURSIVE r (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM r WHERE i < 9) SELECT i FROM r;

INSERT INTO environment (hash, host, machine, json, seen_at) VALUES ('test', 'test', 'TEST DATA', '{}', '');
INSERT INTO ceiling VALUES (1, 1e11, 2e10, '');
INSERT INTO class SELECT 'd' || w.id, i, 'class ' || i, 40, 5, 5 FROM workload w JOIN n WHERE i < 2;
INSERT INTO input SELECT 's' || w.id, i, 'file', i + 1, 'hash', NULL FROM workload w JOIN n;
UPDATE workload SET n_classes = 2;

UPDATE trial SET status = 'ok', started_at = '2026-01-01T00:00:00Z', finished_at = '2026-01-01T00:01:00Z',
    environment_id = 1, host = 'test', pid = id, wall_seconds = 60, code_sha256 = 'test',
    checkpoint_sha256 = hex(randomblob(32));
UPDATE trial SET train_seconds = 50, train_flops = 1000000, parameters = 1000, steps = 100, best_epoch = 2,
    checkpoint = 'checkpoints/' || substr(key, 1, 16) || '.safetensors', data_sha256 = 'd' || workload_id,
    n_train = 90, n_validation = 10, n_test = 10, vocab = 40, n_truncated = 0, mean_length_tokens = 16,
    unknown_share = 0, n_dropped = 0, n_overlap = 0, n_overlap_texts = 0, n_overlap_dropped = 0,
    sources_sha256 = 's' || workload_id
WHERE kind = 'train';
INSERT INTO epoch
SELECT id, i + 1, 10, 0.5, 0, 0.5, 0.5, 0.8, 4, 1e-3, 1, 1, NULL FROM trial JOIN n WHERE kind = 'train' AND i < 3;
INSERT INTO training_phase SELECT id, column1, 1, 0.25 FROM trial
JOIN (VALUES ('data'), ('forward'), ('backward'), ('optimiser')) WHERE kind = 'train';
INSERT INTO memory SELECT id, 'arena ' || i, 4096, '', 4096, 0 FROM trial JOIN n WHERE i < 4;

-- The heads that an arm runs: those of its name, 4 of a method's own choice.
CREATE TEMP TABLE ran AS
    SELECT id, CASE policy WHEN 'bag-of-words' THEN 0 WHEN 'fixed' THEN CAST(substr(arm, 7) AS INTEGER) ELSE 4 END
               AS heads FROM trial;
CREATE UNIQUE INDEX temp.ran_by_trial ON ran (id);

INSERT INTO evaluation (trial_id, weights, split, control, n_inputs, layers, heads, accuracy, loss, mean_heads,
                        executed_flops, executed_gemm_flops, executed_map_flops, active_flops, dense_flops,
                        flops_by_component, mean_s, trained_accuracy, score_entropy, macro_f1, matthews, ece)
SELECT t.id, column1, column2, column3, 10, CASE heads WHEN 0 THEN 0 ELSE 2 END, 8, 0.5 + t.id * 7 % 11 / 25.0, 0.7,
       heads, 1000 * heads + 500, 1000 * heads, 0, 900 * heads, 8500,
       json_object('qkv', 600 * heads, 'scores', 300 * heads, 'ffn', 80 * heads, 'pool', 20 * heads),
       CASE t.policy WHEN 'budgetformer' THEN 0.5 END, CASE t.policy WHEN 'budgetformer' THEN 0.8 END,
       CASE t.policy WHEN 'budgetformer' THEN 0.5 END, 0.5, 0.1, 0.1
FROM trial t JOIN ran r USING (id)
JOIN (VALUES ('best', 'test', 'none'), ('final', 'test', 'none'), ('best', 'validation', 'none'),
             ('best', 'test', 'static'), ('best', 'test', 'shuffled'))
WHERE kind = 'train' AND (column3 = 'none' OR t.policy = 'budgetformer');
INSERT INTO layer_budget SELECT e.id, i, e.mean_heads, 10 FROM evaluation e JOIN n WHERE i < e.layers;
INSERT INTO prediction
SELECT e.id, i, i % 2, (i + e.id * 7 / 3) % 2, i % 3, 5, e.layers * e.mean_heads, '[1,1]', NULL, 0.5, 0.5
FROM evaluation e JOIN n WHERE weights = 'best' AND split = 'test' AND i < 4;

INSERT INTO comparison
SELECT a.workload_id, a.arm, b.arm, a.evaluations, b.evaluations, 2, 3, 10, 'crossed', length(a.arm) - 8.0,
       1, 1, 2, 0.5, 1, 1, 9, 0.5, 2, 2, 4, 1.0 / a.workload_id, 0.01, 0.01, 0.1, 1
FROM current_arm a JOIN current_arm b ON b.workload_id = a.workload_id AND b.arm > a.arm;

INSERT INTO profile (trial_id, batch_size, warmup_passes, inputs_per_sample, mean_heads, executed_flops_per_input,
                     dense_flops_per_input, marks_per_pass, mark_ns)
SELECT t.id, column1, 0, column1, heads, 100 * heads + 50, 850, 4, 10
FROM trial t JOIN ran r USING (id) JOIN (VALUES (1), (32)) WHERE t.kind <> 'train';
INSERT INTO profile_block SELECT p.id, i, i, 1, 0 FROM profile p JOIN n WHERE i < 2;
INSERT INTO profile_sample SELECT p.id, i, 1000 + (i * 7 + p.id) % 10 * (i + 1), i / 5, 1100, 1000 + i
FROM profile p JOIN n;
INSERT INTO phase SELECT p.id, column1, 100, 0.25, 100, 10 FROM profile p
JOIN (VALUES ('qkv'), ('map'), ('ffn'), ('norm'));
INSERT INTO counter (profile_id, role, event, value_per_input, status, reason, scope, repeats)
SELECT p.id, column1, 'made up', 100 * p.mean_heads + 50, 'counted', '', 'thread', 1
FROM profile p JOIN (VALUES ('cycles'), ('instructions'), ('branch_misses'), ('l1d_misses'));
INSERT INTO energy SELECT id, 'package', 3.6, 40, 0.5, 0.05, 3, 0.1, '' FROM profile;
INSERT INTO warning (trial_id, text, at) SELECT id, 'doubtful', '' FROM trial WHERE id % 1000 = 0;
