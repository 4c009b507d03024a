-- Many results, for looking at figures and timing them: copies of the made-up workload `offsets` of
-- fixture.sql, under other names. Load after it and after a line that says how many:
--
--   CREATE TEMP TABLE wanted AS SELECT 17 AS workloads, 3 AS seeds;
--
-- seeds: of each copied arm, a multiple of the three that fixture.sql has.

CREATE TEMP TABLE copy AS
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
SELECT w.i + 1 AS workload, s.i AS round, (w.i * 1000 + s.i + 1) * 100000 AS plus
FROM wanted JOIN n w ON w.i < workloads JOIN n s ON s.i < seeds / 3;

INSERT INTO workload (id, name, summary, granularity, n_classes, file)
SELECT DISTINCT 1000 + workload, printf('made-up-%02d', workload), summary, granularity, n_classes, file
FROM copy JOIN workload w ON w.name = 'offsets';

CREATE TEMP TABLE copied AS SELECT id FROM trial WHERE workload_id = 2;
CREATE TEMP TABLE copied_profile AS SELECT id FROM profile WHERE trial_id IN copied;
CREATE TEMP TABLE copied_evaluation AS SELECT id FROM evaluation WHERE trial_id IN copied;

INSERT INTO trial (id, kind, key, base_trial_id, workload_id, arm, policy, cost_weight, base_heads, layers, dim, seed,
                   config, status, reason, planned_at, environment_id, n_train, n_validation, n_test, vocab,
                   n_truncated, unknown_share, n_dropped, n_overlap, n_overlap_texts, n_overlap_dropped,
                   mean_length_tokens)
SELECT id + plus, kind, key || '/' || plus, base_trial_id + plus, 1000 + workload, arm, policy, cost_weight,
       base_heads, layers, dim, seed + 3 * round, config, status, reason, planned_at, environment_id, n_train,
       n_validation, n_test, vocab, n_truncated, unknown_share, n_dropped, n_overlap, n_overlap_texts,
       n_overlap_dropped, mean_length_tokens + workload
FROM copied JOIN trial USING (id) JOIN copy;

-- Each workload loses less than the one before when heads are left out.
INSERT INTO evaluation (id, trial_id, weights, split, control, n_inputs, layers, heads, accuracy, loss, mean_heads, mean_s,
                        executed_flops, executed_gemm_flops, executed_map_flops, active_flops, dense_flops,
                        flops_by_component)
SELECT id + plus, trial_id + plus, weights, split, control, n_inputs, layers, heads,
       0.95 - (0.95 - accuracy) / (1 + workload / 3.0) + (id * 7 + plus / 100000 * 31) % 11 / 5000.0, loss, mean_heads,
       mean_s, CAST(executed_flops * (1 + workload / 40.0) AS INTEGER) - 5000 * workload, executed_gemm_flops, executed_map_flops,
       active_flops, CAST(dense_flops * (1 + workload / 40.0) AS INTEGER) - 5000 * workload, flops_by_component
FROM copied_evaluation JOIN evaluation USING (id) JOIN copy;

INSERT INTO layer_budget SELECT evaluation_id + plus, layer, k, n_inputs
FROM copied_evaluation JOIN layer_budget ON evaluation_id = id JOIN copy;
INSERT INTO prediction
SELECT evaluation_id + plus, input, label, predicted, difficulty, length_tokens, heads_run, heads_per_layer, mean_s,
       p_predicted, p_true
FROM copied_evaluation JOIN prediction ON evaluation_id = id JOIN copy;

INSERT INTO profile (id, trial_id, batch_size, warmup_passes, inputs_per_sample, mean_heads, mean_s,
                     executed_flops_per_input, dense_flops_per_input, marks_per_pass, mark_ns)
SELECT id + plus, trial_id + plus, batch_size, warmup_passes, inputs_per_sample, mean_heads, mean_s,
       executed_flops_per_input, dense_flops_per_input, marks_per_pass, mark_ns
FROM copied_profile JOIN profile USING (id) JOIN copy;
INSERT INTO profile_sample (profile_id, sample, latency_ns, block, marked_ns, unmarked_ns)
SELECT profile_id + plus, sample, latency_ns * (1 + (sample * 5 + workload) % 7 / 100.0), block, marked_ns, unmarked_ns
FROM copied_profile JOIN profile_sample ON profile_id = id JOIN copy;
INSERT INTO phase SELECT profile_id + plus, phase, time_ns, share, flops, bytes
FROM copied_profile JOIN phase ON profile_id = id JOIN copy;
INSERT INTO counter (profile_id, role, event, value_per_input, status, reason, scope, pass, repeats)
SELECT profile_id + plus, role, event, value_per_input, status, reason, scope, pass, repeats
FROM copied_profile JOIN counter ON profile_id = id JOIN copy;
