-- Made-up profiles on a card, for testing what is said of cards: TEST DATA, measured nowhere. Two workloads that a
-- card trained, with five arms, three seeds and three batch sizes. Load after tables.sql and views.sql.

INSERT INTO environment (id, hash, host, machine, json, seen_at)
VALUES (50, 'card', 'test', 'TEST DATA, not a measurement',
        json_object('card', 'TEST CARD', 'card_driver', '1', 'cuda', '13.0', 'git_revision', 'a'), '');
INSERT INTO workload (id, name, summary, granularity, n_classes, file)
VALUES (50, 'long.cuda-bf16', 'TEST DATA', 'coarse', 2, 'test.yaml'),
       (51, 'short.cuda-bf16', 'TEST DATA', 'coarse', 4, 'test.yaml');

CREATE TEMP TABLE card_arm (arm, policy, heads REAL, flops, mean_s);
INSERT INTO card_arm VALUES ('fixed-8', 'fixed', 8, 1000, NULL), ('fixed-2', 'fixed', 2, 700, NULL),
    ('fixed-1', 'fixed', 1, 650, NULL), ('none', 'none', 0, 600, NULL), ('ours', 'budgetformer', 3.6, 780, 0.4);
CREATE TEMP TABLE card_seed AS SELECT column1 AS seed FROM (VALUES (1), (2), (3));

INSERT INTO trial (id, kind, key, workload_id, arm, policy, base_heads, layers, dim, seed, config, status,
                   planned_at, environment_id, device, precision)
SELECT 5000 + row_number() OVER (), 'train', arm || seed, w.id, arm, policy, 8, 2, 64, seed, '{}', 'ok', '', 50,
       'cuda', 'bf16'
FROM card_arm JOIN card_seed JOIN workload w WHERE w.id >= 50;
INSERT INTO evaluation (id, trial_id, weights, split, control, n_inputs, layers, heads, accuracy, mean_heads, mean_s,
                        executed_flops, executed_gemm_flops, executed_map_flops, active_flops, dense_flops,
                        flops_by_component)
SELECT t.id, t.id, 'best', 'test', 'none', 10, 2, 8, 0.88 + t.seed / 100.0, a.heads, a.mean_s, 10 * a.flops, 0, 0,
       10 * a.flops, 10000, '{}'
FROM trial t JOIN card_arm a USING (arm) WHERE t.id >= 5000;
INSERT INTO layer_budget SELECT e.id, l.column1, CAST(e.mean_heads AS INTEGER), 10
FROM evaluation e JOIN (VALUES (0), (1)) l WHERE e.id >= 5000;

-- The card's own profiles, and beside them those in fp32 and of the CPU, whose numbers are so many times as large.
CREATE TEMP TABLE card_place (device, precision, times, offset);
INSERT INTO card_place VALUES ('cuda', 'bf16', 1, 1000), ('cuda', 'fp32', 70, 2000), ('cpu', 'fp32', 7000, 3000);
INSERT INTO trial (id, kind, key, base_trial_id, workload_id, arm, policy, base_heads, layers, dim, seed, config,
                   status, planned_at, environment_id, device, precision)
SELECT t.id + d.offset, 'profile', key || d.precision || d.device, t.id, workload_id, t.arm, t.policy, 8, 2, 64, seed,
       '{}', 'ok', '', 50, d.device, d.precision
FROM trial t JOIN card_place d WHERE t.id BETWEEN 5000 AND 5999;
INSERT INTO profile (id, trial_id, batch_size, warmup_passes, inputs_per_sample, mean_heads,
                     executed_flops_per_input)
SELECT 10 * t.id + b.column2, t.id, b.column1, 3, b.column1, a.heads, a.flops * 1e6
FROM trial t JOIN card_arm a USING (arm) JOIN (VALUES (1, 1), (32, 2), (256, 3)) b WHERE t.id BETWEEN 6000 AND 8999;

-- A single input takes 1 ms, and 1 us for every MFLOP that it has over 600, in seed s 1 + s / 10 of it; batches take
-- the square root of their size less for each. Energy: 1 nJ a FLOP, and 100 W at rest. Bytes: 3 for 1,000 FLOPs.
CREATE TEMP TABLE made AS
SELECT p.id, p.inputs_per_sample AS n, t.device, d.times, a.flops,
       d.times * (1000 + (a.flops - 600) * (1 + t.seed / 10.0)) / sqrt(p.batch_size) AS us
FROM profile p JOIN trial t ON t.id = p.trial_id JOIN card_arm a USING (arm)
JOIN card_place d ON d.device = t.device AND d.precision = t.precision WHERE t.id BETWEEN 6000 AND 8999;
INSERT INTO profile_sample (profile_id, sample, latency_ns, block)
SELECT id, 1 + i.column1, n * us * 1e3 * (1 + i.column1 / 100.0), 0 FROM made JOIN (VALUES (-1), (0), (1)) i;
INSERT INTO energy
SELECT id, CASE device WHEN 'cpu' THEN 'package' ELSE 'card' END, us * 1e-6 * 100 + flops * 1e-3 * times, 100, 4,
       us * 1e-6, 2, NULL, '' FROM made;
INSERT INTO counter (profile_id, role, event, value_per_input, status, reason, scope, repeats)
SELECT id, column1, 'made up', column2 * flops * times, 'counted', '', 'gpu', 1
FROM made JOIN (VALUES ('gpu_dram_read_bytes', 2000.0), ('gpu_dram_write_bytes', 1000.0), ('gpu_cycles', 1e5),
                       ('gpu_instructions', 2e5), ('gpu_fma', 1e5), ('gpu_tensor_operations', 7e5))
WHERE device = 'cuda';
INSERT INTO counter (profile_id, role, event, value_per_input, status, reason, scope, repeats)
SELECT id, column1, 'made up', column2, 'counted', '', 'thread', 1
FROM made JOIN (VALUES ('cycles', 1e4), ('instructions', 3e4));
