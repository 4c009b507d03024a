-- The views: what people, figures and queries read of the tables (tables.sql). They hold no data, so they
-- can change from one version of the program to the next while the tables stay. SQLite 3.37 is enough.
--
-- By question, the views that answer it:
--     what ran, why not, on what         workload_status, trial_status, running_trial,
--                                        trial_warning, data_set, machine_by_kind
--     how accurate, with how many heads  accuracy_vs_budget, accuracy_by_seed, pareto_front,
--                                        accuracy_at_equal_flops; policy_declares: which methods have a
--                                        budget, a cost, learned gates
--     on which inputs                    prediction_by_input, flips, heads_by_class, oracle_heads,
--                                        oracle_by_input
--     what counting rules make of it     flops_by_convention
--     is a better than b                 paired_difference, claim, difference_to_all_heads, heads_needed;
--                                        attention_gain: what a workload can test;
--                                        split_outcome: when a mean says nothing
--     where do the heads go              budget_by_layer, budget_by_difficulty, budget_trend, head_usage_by_seed,
--                                        head_usage_by_class, layer_heads_by_class
--     what does each part of a method do ablation
--     how did training go                training_by_epoch
--     are saved FLOPs saved time         latency_vs_flops, latency_note, latency_quantiles; can one tell:
--                                        noise_floor, timing_noise, latency_outlier, timing_environment
--     and saved joules, saved bytes      saving_by_batch, saving_by_seed
--     does a card say the same           accuracy_by_device
--     all of it, arm beside arm          methods_by_arm; a row per number: measure_by_arm,
--                                        measure_by_seed; training_cost
--     where do time and memory go        phase_by_budget, phase_cost, roofline_by_phase,
--                                        training_phase_share, memory_by_purpose, energy_by_batch
--     what the hardware counted          counter_vs_budget, counter_by_batch, counter_rates,
--                                        instructions_vs_flops
--     how fast are the kernels           bench_latest
-- The rest are what these are built from: current_... which rows count, ..._by_seed one number per trained
-- model, ..._by_group the one median, ..._by_repeat, ..._by_part, accuracy_in_order, mean_by_arm,
-- spread_by_arm and interval_by_measure the one interval. A view only reads views that stand above it.

-- ---- which rows count ----

-- The trials of the latest plan of each workload. device_label is what computed: cpu, cuda, cuda-tf32,
-- cuda-bf16. Trainings of a workload are all of one, which its name tells (NAME.cuda); profiles may be of
-- several, and a view of profiles has a row for each, in its column `device`.
CREATE VIEW current_trial AS
SELECT t.*, w.name AS workload, w.granularity, w.corpus, w.n_classes,
       CASE t.precision WHEN 'fp32' THEN t.device ELSE t.device || '-' || t.precision END AS device_label
FROM trial t JOIN workload w ON w.id = t.workload_id
WHERE t.current = 1;

-- The current trials that trained a model and ended well.
CREATE VIEW current_training AS
SELECT * FROM current_trial WHERE kind = 'train' AND status = 'ok';

-- The current trials that timed a model, a row per batch size. warned: something makes the times doubtful.
-- elsewhere: '' where the model was trained on the same device and in the same precision, else '_' and which
-- it was timed on.
CREATE VIEW current_profile AS
SELECT p.*, t.workload, t.arm, t.policy, t.seed, t.config, t.base_trial_id, t.environment_id,
       t.device_label AS device,
       CASE WHEN t.device = b.device AND t.precision = b.precision THEN ''
            ELSE '_' || replace(t.device_label, '-', '_') END AS elsewhere,
       EXISTS (SELECT 1 FROM warning m WHERE m.trial_id = t.id) AS warned
FROM current_trial t JOIN profile p ON p.trial_id = t.id JOIN trial b ON b.id = t.base_trial_id
WHERE t.kind = 'profile' AND t.status = 'ok';

-- ---- what ran, why not, on what ----

-- What happened to every trial of the latest plan.
CREATE VIEW trial_status (trial_id, workload, arm, seed, status, reason, command, device) AS
SELECT id, workload, arm, seed, status, reason, command, device_label
FROM current_trial;

-- What runs now, on which machine and since when, and how far it was when it was last heard of: at its start, or
-- when the last epoch was told (table progress). done_share: of all epochs of all candidates. NULL: a profile,
-- or no epoch was told yet. A process that was killed with its machine leaves its row: heard_at grows old.
CREATE VIEW running_trial (trial_id, kind, workload, arm, seed, host, pid, started_at, heard_at, candidate,
                           n_candidates, epoch, n_epochs, done_share, train_loss, validation_accuracy,
                           validation_mean_heads, device) AS
SELECT t.id, t.kind, t.workload, t.arm, t.seed, t.host, t.pid, t.started_at,
       coalesce(p.heard_at, t.started_at), p.candidate, p.n_candidates, p.epoch, p.n_epochs,
       (p.candidate - 1 + CAST(p.epoch AS REAL) / p.n_epochs) / p.n_candidates,
       p.train_loss, p.validation_accuracy, p.validation_mean_heads, t.device_label
FROM current_trial t LEFT JOIN progress p ON p.trial_id = t.id
WHERE t.status = 'running';

-- What makes a trial's numbers doubtful although it ended well.
CREATE VIEW trial_warning (trial_id, workload, arm, seed, kind, warning) AS
SELECT t.id, t.workload, t.arm, t.seed, t.kind, m.text
FROM warning m JOIN current_trial t ON t.id = m.trial_id;

-- Training of each workload at a glance; reason is the first one given for a skipped trial.
-- n_warnings counts those of its profiles too.
CREATE VIEW workload_status (workload, granularity, n_classes, n_trials, n_ok, n_skipped, n_failed,
                             reason, n_warnings) AS
SELECT workload, granularity, n_classes, count(*), sum(status = 'ok'), sum(status = 'skipped'),
       sum(status IN ('failed', 'killed', 'timeout', 'oom', 'interrupted')),
       coalesce(min(CASE status WHEN 'skipped' THEN reason END), ''),
       (SELECT count(*) FROM trial_warning m WHERE m.workload = t.workload)
FROM current_trial t
WHERE kind = 'train'
GROUP BY workload;

-- The machines behind the current results; card: what computed there, NULL: the CPU. It is the first word of
-- its machine.
CREATE VIEW machine_by_kind (kind, machine, n_trials, card) AS
SELECT t.kind, e.machine, count(*), json_extract(e.json, '$.card')
FROM current_trial t JOIN environment e ON e.id = t.environment_id
WHERE t.status = 'ok'
GROUP BY t.kind, e.machine;

-- The data behind the current results of each workload: what its latest training saw. n_draws: how many
-- different data sets its trainings saw. That is 1 unless the workload says `data: {seed: per-trial}`,
-- where every seed has its own and the numbers here are those of one of them. majority_accuracy: of always
-- answering the class that most training inputs have (the first of several), on the test split; NULL: the
-- class sizes were not stored yet.
CREATE VIEW data_set (workload, granularity, corpus, n_classes, n_train, n_validation, n_test, vocab,
                      mean_length_tokens, truncated_share, unknown_share, n_dropped, n_overlap,
                      n_overlap_texts, n_overlap_dropped, n_draws, majority_accuracy) AS
WITH latest AS (SELECT workload_id, max(id) AS id, count(DISTINCT data_sha256) AS n_draws
                FROM current_training GROUP BY workload_id),
ranked AS (SELECT data_sha256, CAST(n_test AS REAL) / sum(n_test) OVER (PARTITION BY data_sha256) AS share,
                  row_number() OVER (PARTITION BY data_sha256 ORDER BY n_train DESC, class) AS rank
           FROM class)
SELECT t.workload, t.granularity, t.corpus, t.n_classes, t.n_train, t.n_validation, t.n_test, t.vocab,
       t.mean_length_tokens, CAST(t.n_truncated AS REAL) / (t.n_train + t.n_validation + t.n_test),
       t.unknown_share, t.n_dropped, t.n_overlap, t.n_overlap_texts, t.n_overlap_dropped, l.n_draws, r.share
FROM current_training t JOIN latest l USING (id)
LEFT JOIN ranked r ON r.data_sha256 = t.data_sha256 AND r.rank = 1;

-- The conditions under which times can be compared: all that is known of an environment, less what a
-- forward pass does not see (counter access, SQLite, load) and less the revision of the program.
-- Another revision may have changed the kernels, but most commits do not, and a sweep that goes on
-- after one should keep its ratios: they stay, with a note. No CPU quota is as good as none told. card: what times on a card depend on besides;
-- NULL where nothing ran on one.
CREATE VIEW timing_environment (environment_id, conditions, revision, card) AS
SELECT id,
       json_remove(json, '$.load_average', '$.unknown', '$.pmu', '$.perf_event_paranoid',
                   '$.papi_version', '$.sqlite_version', '$.git_revision', '$.git_dirty',
                   '$.blas_core_chosen_by', iif(json_extract(json, '$.cpu_quota') IS NULL, '$.cpu_quota', '$.load_average'),
                   '$.card', '$.card_driver', '$.cuda', '$.card_sm_mhz', '$.card_sm_most_mhz',
                   '$.card_memory_mhz', '$.card_memory_most_mhz', '$.card_power_limit_watts', '$.card_ecc'),
       coalesce(json_extract(json, '$.git_revision'), 'unknown')
           || CASE json_extract(json, '$.git_dirty') WHEN 1 THEN '-dirty' ELSE '' END,
       json_extract(json, '$.card') || ', driver ' || coalesce(json_extract(json, '$.card_driver'), 'unknown')
           || ', CUDA ' || coalesce(json_extract(json, '$.cuda'), 'unknown')
           || coalesce(', ' || json_extract(json, '$.card_power_limit_watts') || ' W', '')
           || coalesce(', SM to ' || json_extract(json, '$.card_sm_most_mhz') || ' MHz', '')
           || CASE json_extract(json, '$.card_ecc') WHEN 1 THEN ', ECC' WHEN 0 THEN ', no ECC' ELSE '' END
FROM environment;

-- ---- one number per trained model ----

-- One row per trained model: the best validation epoch's weights on the test split. A method's
-- controls and inference modes are arms of their own. A model without encoder layers runs no heads: 0,
-- not unknown. trained_accuracy beside accuracy is what choosing heads for real costs: they are equal
-- where a method deploys what it trained, and NULL where no learned gates decide. macro_f1, matthews and ece
-- as in the table evaluation; loss is the mean negative log-likelihood.
CREATE VIEW accuracy_by_seed (workload, granularity, n_classes, arm, policy, cost_weight, seed,
                              trial_id, evaluation_id, base_heads, layers, head_budget, mean_heads,
                              mean_s, accuracy, executed_flops_per_input,
                              active_flops_per_input, n_inputs, n_tuning_trials,
                              trained_accuracy, score_entropy, macro_f1, matthews, ece, loss,
                              device, dense_flops_per_input) AS
WITH tuned AS MATERIALIZED (
    SELECT trial_id, count(*) AS n FROM tuning GROUP BY trial_id
)
SELECT t.workload, t.granularity, t.n_classes,
       CASE e.control WHEN 'none' THEN t.arm ELSE t.arm || ' (' || e.control || ')' END,
       CASE e.control WHEN 'none' THEN t.policy ELSE t.policy || '/' || e.control END,
       t.cost_weight, t.seed, t.id, e.id, e.heads, e.layers,
       CASE e.layers WHEN 0 THEN 0.0 ELSE e.mean_heads / e.heads END,
       CASE e.layers WHEN 0 THEN 0.0 ELSE e.mean_heads END,
       e.mean_s, e.accuracy, CAST(e.executed_flops AS REAL) / e.n_inputs,
       CAST(e.active_flops AS REAL) / e.n_inputs, e.n_inputs,
       coalesce(u.n, 1),
       e.trained_accuracy, e.score_entropy, e.macro_f1, e.matthews, e.ece, e.loss, t.device_label,
       CAST(e.dense_flops AS REAL) / e.n_inputs
FROM current_training t JOIN evaluation e ON e.trial_id = t.id LEFT JOIN tuned u ON u.trial_id = t.id
WHERE e.weights = 'best' AND e.split = 'test';

-- The same rows in the order in which sums over the seeds of an arm are taken, so that their last bits do not
-- depend on which seed ended first (LIMIT: else SQLite may take the order away). Where accuracy_by_seed is kept for a
-- report it has an index in this order, which is followed.
CREATE VIEW accuracy_in_order AS
SELECT * FROM accuracy_by_seed ORDER BY workload, arm, policy, seed LIMIT -1;

-- The models of an arm in one row: of each measure the number of seeds that have it and their mean; of the rest
-- what they have in common. evaluations: the ids of those with an accuracy, by seed. cost_weight is NULL where tuning
-- chose different ones for different seeds, which n_cost_weights, of how many models it is known, tells from a method
-- without one.
CREATE VIEW mean_by_arm (workload, arm, policy, first_trial_id, last_trial_id, granularity, n_classes, base_heads, layers,
                         n_cost_weights, cost_weight, head_budget, mean_s, n_tuning_trials, trained_accuracy,
                         score_entropy, device, n_accuracy, accuracy, n_heads, heads,
                         n_executed_flops, executed_flops, n_active_flops, active_flops,
                         n_dense_flops, dense_flops, n_macro_f1, macro_f1, n_matthews, matthews,
                         n_ece, ece, n_loss, loss, evaluations) AS
SELECT workload, arm, policy, min(trial_id), max(trial_id), granularity, n_classes, max(base_heads), max(layers),
       count(cost_weight), CASE WHEN min(cost_weight) = max(cost_weight) THEN min(cost_weight) END,
       avg(head_budget), avg(mean_s), max(n_tuning_trials), avg(trained_accuracy), avg(score_entropy), max(device),
       count(accuracy), avg(accuracy), count(mean_heads), avg(mean_heads),
       count(executed_flops_per_input), avg(executed_flops_per_input),
       count(active_flops_per_input), avg(active_flops_per_input),
       count(dense_flops_per_input), avg(dense_flops_per_input),
       count(macro_f1), avg(macro_f1), count(matthews), avg(matthews), count(ece), avg(ece), count(loss), avg(loss),
       group_concat(CASE WHEN accuracy IS NOT NULL THEN evaluation_id END)
FROM accuracy_in_order
GROUP BY workload, arm, policy;

-- What each method declares, as its results show it: a budget for every decision (mean_s), a weight of that
-- budget or of its heads in the loss (option `cost`), gates that are learned with the weights (trained_accuracy).
-- Whatever selects methods asks here, so that a new one appears everywhere without being named anywhere. Only
-- `fixed` has a name in views, figures and reports: it is what the others are measured against.
CREATE VIEW policy_declares (policy, has_budget, has_cost, learns_gates) AS
SELECT policy, max(mean_s IS NOT NULL), max(n_cost_weights > 0), max(trained_accuracy IS NOT NULL)
FROM mean_by_arm
WHERE instr(policy, '/') = 0
GROUP BY policy;

-- The arms of each method that differ in nothing but how many heads they run (options cost, heads, shared,
-- routed, and whatever is tuned). Ablations and other settings of a method are arms of the same policy, and no
-- points of one curve; of several settings the one of most arms is the method, of as many the first. Views
-- that judge a method by its arms ask here.
CREATE VIEW method_arm (workload, arm, policy) AS
WITH setting AS MATERIALIZED (
    SELECT m.workload, m.arm, m.policy, t.id,
           (SELECT group_concat(o.key || '=' || o.value) FROM json_each(t.config, '$.policy_options') o
            WHERE o.key NOT IN ('cost', 'heads', 'shared', 'routed')
              AND o.key NOT IN (SELECT s.key FROM tuning u JOIN json_each(u.settings) s
                                WHERE u.trial_id = t.id)) AS options
    FROM mean_by_arm m JOIN trial t ON t.id = m.first_trial_id
    WHERE instr(m.policy, '/') = 0
), counted AS (
    SELECT *, count(*) OVER same AS n_arms, min(id) OVER same AS first
    FROM setting WINDOW same AS (PARTITION BY workload, policy, options)
)
SELECT workload, arm, policy
FROM (SELECT *, dense_rank() OVER (PARTITION BY workload, policy ORDER BY n_arms DESC, first) AS place FROM counted)
WHERE place = 1;

-- The reference of every ratio: the trained arm that runs all H heads in every layer.
CREATE VIEW dense_arm (workload, arm) AS
SELECT workload, min(arm)
FROM accuracy_by_seed r
WHERE policy = 'fixed' AND layers > 0
  AND NOT EXISTS (SELECT 1 FROM layer_budget b
                  WHERE b.evaluation_id = r.evaluation_id AND b.k <> r.base_heads)
GROUP BY workload;

-- The arms that have results, each with the ids of its evaluations by seed, '3,9,14': what a comparison is
-- made of. The same ids are the same answers.
CREATE VIEW current_arm (workload_id, workload, arm, policy, evaluations) AS
SELECT w.id, m.workload, m.arm, m.policy, m.evaluations
FROM mean_by_arm m JOIN workload w ON w.name = m.workload
WHERE m.evaluations IS NOT NULL;

-- The comparisons that still say what they are of: made of the current evaluations by the formulas of this
-- program. The rest are made again by the next command that shows any.
CREATE VIEW current_comparison AS
WITH arms AS MATERIALIZED (
    SELECT workload_id, workload, arm, policy, evaluations FROM current_arm GROUP BY workload_id, arm
)
SELECT c.*, a.workload, a.policy AS policy_a, b.policy AS policy_b
FROM comparison c
JOIN arms a ON a.workload_id = c.workload_id AND a.arm = c.arm_a AND a.evaluations = c.evaluations_a
JOIN arms b ON b.workload_id = c.workload_id AND b.arm = c.arm_b AND b.evaluations = c.evaluations_b
WHERE c.formulas = 2;

-- What the training of a model took, with all that led to it: the other candidates it was chosen from,
-- and the base it started from with its own, whatever became of the base later. FLOPs are nominal. A
-- candidate that diverged is counted as far as its cost is known: not at all.
CREATE VIEW training_cost (workload, arm, policy, seed, trial_id, n_tuning_trials, train_flops,
                           tuning_flops, base_flops, total_flops, train_seconds, total_seconds) AS
WITH RECURSIVE tuned AS MATERIALIZED (
    SELECT trial_id, count(*) AS n, sum(train_flops) AS flops, sum(train_seconds) AS seconds
    FROM tuning GROUP BY trial_id
), chain (id, part) AS ( -- a trial with its base, the base of that, ...
    SELECT id, base_trial_id FROM trial WHERE kind = 'train' AND base_trial_id IS NOT NULL
    UNION -- which ends where somebody made a trial its own base
    SELECT c.id, t.base_trial_id FROM chain c JOIN trial t ON t.id = c.part
    WHERE t.base_trial_id IS NOT NULL
), base AS MATERIALIZED (
    SELECT c.id, sum(coalesce(u.flops, t.train_flops)) AS flops, sum(coalesce(u.seconds, t.train_seconds)) AS seconds
    FROM chain c JOIN trial t ON t.id = c.part LEFT JOIN tuned u ON u.trial_id = t.id
    WHERE t.kind = 'train'
    GROUP BY c.id
), spent AS (
    SELECT t.*, coalesce(u.n, 1) AS n, coalesce(u.flops, t.train_flops) AS flops,
           coalesce(u.seconds, t.train_seconds) AS seconds, b.flops AS base_flops, b.seconds AS base_seconds
    FROM current_training t LEFT JOIN tuned u ON u.trial_id = t.id LEFT JOIN base b ON b.id = t.id
)
SELECT workload, arm, policy, seed, id, n, train_flops, flops - train_flops,
       coalesce(flops + base_flops, flops, base_flops) - flops, coalesce(flops + base_flops, flops, base_flops),
       train_seconds, coalesce(seconds + base_seconds, seconds, base_seconds)
FROM spent;

-- Heads and accuracy of one trained model on the test inputs of one known difficulty; mean_heads is
-- heads computed (prediction.heads_run) per layer, n_inputs is how many test inputs have this difficulty.
CREATE VIEW budget_by_difficulty_by_seed (workload, arm, seed, difficulty, n_inputs, accuracy,
                                          mean_heads) AS
SELECT r.workload, r.arm, r.seed, p.difficulty, count(*), avg(p.predicted = p.label),
       CASE r.layers WHEN 0 THEN 0.0 ELSE avg(p.heads_run) / r.layers END
FROM accuracy_by_seed r JOIN prediction p ON p.evaluation_id = r.evaluation_id
WHERE p.difficulty IS NOT NULL
GROUP BY r.evaluation_id, p.difficulty;

-- Heads of one trained model at the workload's largest difficulty minus those at its smallest. Only
-- where there are several difficulties.
CREATE VIEW budget_trend_by_seed (workload, arm, seed, difficulty_low, difficulty_high,
                                  heads_difference) AS
WITH bounded AS (
    SELECT *, min(difficulty) OVER (PARTITION BY workload) AS low,
           max(difficulty) OVER (PARTITION BY workload) AS high
    FROM budget_by_difficulty_by_seed
)
SELECT workload, arm, seed, low, high, sum(CASE difficulty WHEN high THEN mean_heads ELSE -mean_heads END)
FROM bounded
WHERE low < high AND difficulty IN (low, high)
GROUP BY workload, arm, seed HAVING count(*) = 2;

-- Heads and accuracy of one trained model on the test inputs of one class; mean_heads is heads computed
-- per layer, n_inputs how many test inputs have this label.
CREATE VIEW heads_by_class_by_seed (workload, arm, seed, class, n_inputs, accuracy, mean_heads) AS
SELECT r.workload, r.arm, r.seed, p.label, count(*), avg(p.predicted = p.label),
       CASE r.layers WHEN 0 THEN 0.0 ELSE avg(p.heads_run) / r.layers END
FROM accuracy_by_seed r JOIN prediction p ON p.evaluation_id = r.evaluation_id
GROUP BY r.evaluation_id, p.label;

-- One trained model with a learned budget against the curve of fixed heads of its own seed: what the arms
-- of `fixed` reach at the FLOPs that it executes, on straight lines between neighbours. fixed_accuracy is
-- NULL outside the curve, where a line would be a guess: low_flops or high_flops is then missing.
CREATE VIEW accuracy_at_equal_flops_by_seed (workload, arm, policy, seed, executed_flops_per_input, accuracy,
                                             low_flops, high_flops, fixed_accuracy) AS
WITH curve AS MATERIALIZED (
    SELECT workload, seed, executed_flops_per_input AS flops, avg(accuracy) AS accuracy
    FROM accuracy_by_seed WHERE policy = 'fixed' AND layers > 0 AND accuracy IS NOT NULL
    GROUP BY workload, seed, executed_flops_per_input
), placed AS MATERIALIZED (
    SELECT r.workload, r.arm, r.policy, r.seed, r.executed_flops_per_input AS flops, r.accuracy,
           max(CASE WHEN c.flops <= r.executed_flops_per_input THEN c.flops END) AS low,
           min(CASE WHEN c.flops >= r.executed_flops_per_input THEN c.flops END) AS high
    -- CROSS: models first. SQLite 3.40 would rather read all models of a workload for each point of a curve.
    FROM accuracy_by_seed r CROSS JOIN curve c ON c.workload = r.workload AND c.seed = r.seed
    WHERE r.policy IN (SELECT policy FROM policy_declares WHERE has_budget)
    GROUP BY r.evaluation_id
)
SELECT p.workload, p.arm, p.policy, p.seed, p.flops, p.accuracy, p.low, p.high,
       CASE WHEN p.low = p.high THEN a.accuracy
            ELSE a.accuracy + (b.accuracy - a.accuracy) * (p.flops - p.low) / (p.high - p.low) END
FROM placed p LEFT JOIN curve a ON a.workload = p.workload AND a.seed = p.seed AND a.flops = p.low
LEFT JOIN curve b ON b.workload = p.workload AND b.seed = p.seed AND b.flops = p.high;

-- One model on a card beside the model of the same arm and seed on the CPU: what the workloads NAME.cuda and
-- NAME have in common, and the difference in points of test accuracy.
CREATE VIEW accuracy_by_device_by_seed (workload, arm, seed, device, cpu_workload, points, same_data) AS
WITH card AS MATERIALIZED ( -- GROUP BY as in value_by_repeat
    SELECT workload, arm, seed, trial_id, device, accuracy,
           substr(workload, 1, length(workload) - length(device) - 1) AS cpu_workload
    FROM accuracy_by_seed
    WHERE device <> 'cpu' AND substr(workload, -length(device) - 1) = '.' || device
    GROUP BY evaluation_id
), cpu AS MATERIALIZED (
    SELECT workload, arm, seed, trial_id, accuracy FROM accuracy_by_seed
    WHERE device = 'cpu' AND workload IN (SELECT cpu_workload FROM card)
    GROUP BY evaluation_id
)
SELECT a.workload, a.arm, a.seed, a.device, a.cpu_workload, 100 * (a.accuracy - b.accuracy),
       t.data_sha256 IS u.data_sha256
FROM card a JOIN cpu b ON b.workload = a.cpu_workload AND b.arm = a.arm AND b.seed = a.seed
JOIN trial t ON t.id = a.trial_id JOIN trial u ON u.id = b.trial_id;

-- ---- times: the one median ----

-- Profiles of one model at one batch size, taken in turns (A/A): first and second are profile ids.
CREATE VIEW profile_pair (workload, arm, seed, batch_size, first, second) AS
SELECT p.workload, p.arm, p.seed, p.batch_size, p.id, q.id
FROM current_profile p
JOIN current_trial t ON t.base_trial_id = p.base_trial_id AND t.environment_id = p.environment_id
                    AND t.device_label = p.device
JOIN profile q ON q.trial_id = t.id AND q.batch_size = p.batch_size
WHERE t.kind = 'again' AND t.status = 'ok';

-- The samples of every group whose median has to be worked out. id is a profile; that of an arm's group, which
-- holds one batch size on one device, is its first. grouped_by:
--     arm      of an arm that was profiled with several seeds, all of them together
--     alone    of one that was profiled with one
--     block 0, ...     of a profile that was taken twice
--     profile, marked  of a profile that has no summary (profile_summary); marked: time with markers over time
--                      without
-- WHERE grouped_by = ... on this view and those made of it reads and sorts that grouping alone: SQLite hands it
-- down through windows that are partitioned by it, though not through GROUP BY, which is why DISTINCT stands there.
CREATE VIEW sample_by_group (grouped_by, id, value) AS
SELECT 'arm', a.first, s.latency_ns
FROM (SELECT id, min(id) OVER arm AS first, count(*) OVER arm AS n FROM current_profile
      WINDOW arm AS (PARTITION BY workload, arm, batch_size, device)) a
CROSS JOIN profile_sample s ON s.profile_id = a.id
WHERE a.n > 1
UNION ALL
SELECT 'alone', a.id, s.latency_ns
FROM (SELECT id, count(*) OVER (PARTITION BY workload, arm, batch_size, device) AS n FROM current_profile) a
CROSS JOIN profile_sample s ON s.profile_id = a.id
WHERE a.n = 1
UNION ALL
SELECT 'block ' || block, profile_id, latency_ns
FROM profile_sample
WHERE profile_id IN (SELECT first FROM profile_pair UNION SELECT second FROM profile_pair)
UNION ALL
SELECT 'profile', p.id, s.latency_ns
FROM current_profile p JOIN profile_sample s ON s.profile_id = p.id
WHERE p.n_samples IS NULL
UNION ALL
SELECT 'marked', p.id, s.marked_ns / s.unmarked_ns
FROM current_profile p JOIN profile_sample s ON s.profile_id = p.id
WHERE p.n_samples IS NULL AND s.marked_ns IS NOT NULL;

-- Each sample with its place in its group, from 1: middle is 1 for the sample in the middle, or for the two
-- of an even n.
CREATE VIEW ranked_by_group (grouped_by, id, value, n, middle, place) AS
SELECT grouped_by, id, value, n, rank IN ((n + 1) / 2, (n + 2) / 2), rank
FROM (SELECT *, row_number() OVER (PARTITION BY id, grouped_by ORDER BY value) AS rank,
             count(*) OVER (PARTITION BY id, grouped_by) AS n
      FROM sample_by_group);

-- The median of each group. CAST says again what the windows forget, the type: without it SQLite makes no
-- index for a join with a column that has one.
CREATE VIEW median_by_group (grouped_by, id, n, median) AS
SELECT DISTINCT grouped_by, CAST(id AS INTEGER), n, avg(value) OVER (PARTITION BY id, grouped_by)
FROM ranked_by_group
WHERE middle;

-- The median of each group with the median absolute deviation from it, unscaled.
CREATE VIEW deviation_by_group (grouped_by, id, n, median, mad) AS
SELECT DISTINCT grouped_by, id, n, median, avg(abs(value - median)) OVER (PARTITION BY id, grouped_by)
FROM (SELECT *, row_number() OVER (PARTITION BY id, grouped_by ORDER BY abs(value - median)) AS rank
      FROM (SELECT *, avg(CASE WHEN middle THEN value END) OVER (PARTITION BY id, grouped_by) AS median
            FROM ranked_by_group))
WHERE rank IN ((n + 1) / 2, (n + 2) / 2);

-- What the samples of each profile say: how many there are, their median and the median absolute deviation from
-- it, unscaled, and the median of marked over unmarked. It is stored with the samples (table profile), and worked out
-- here for samples that somebody stored without.
CREATE VIEW profile_summary (id, n, median, mad, marked_over_unmarked) AS
SELECT id, n_samples, latency_ns_median, latency_ns_mad, marked_over_unmarked
FROM current_profile WHERE n_samples IS NOT NULL
UNION ALL
SELECT id, max(n), max(median), max(mad), max(marked) -- a join would have no index
FROM (SELECT id, n, median, mad, NULL AS marked FROM deviation_by_group WHERE grouped_by = 'profile'
      UNION ALL SELECT id, NULL, NULL, NULL, median FROM median_by_group WHERE grouped_by = 'marked')
GROUP BY id;

-- Median forward pass of one model at one batch size. Times with a warning are left out.
CREATE VIEW latency_by_seed (workload, arm, seed, batch_size, latency_ns_median, device) AS
SELECT p.workload, p.arm, p.seed, p.batch_size, m.median, p.device
FROM current_profile p JOIN profile_summary m USING (id)
WHERE NOT p.warned;

-- What a pass of one model takes for an input, and relative to what all heads take: same seed, batch size and
-- device, so the same inputs. quantity:
--     flops         executed
--     seconds       the median pass
--     joules        of the socket, or of the card that ran the passes, with what it takes at rest
--     added_joules  without that
--     dram_bytes    of a card: read from its memory and written to it
-- ratio is NULL where all heads were not measured under the same conditions (timing_environment), which FLOPs
-- do not ask for. Times and joules with a warning are left out.
CREATE VIEW saving_by_seed (workload, arm, policy, seed, batch_size, device, mean_heads, quantity, value,
                            ratio) AS
WITH known AS MATERIALIZED ( -- GROUP BY as in value_by_repeat
    SELECT p.*, CASE p.device WHEN 'cpu' THEN v.conditions ELSE v.conditions || v.card END AS conditions
    FROM current_profile p LEFT JOIN timing_environment v USING (environment_id) GROUP BY p.id
), spent AS MATERIALIZED (
    SELECT p.id, e.joules_per_input, e.joules_per_input - e.idle_watts * e.seconds_per_input AS added
    FROM known p JOIN energy e ON e.profile_id = p.id
    WHERE NOT p.warned AND e.domain = CASE p.device WHEN 'cpu' THEN 'package' ELSE 'card' END
), taken AS (
    SELECT id, 'flops' AS quantity, executed_flops_per_input AS value FROM known
    UNION ALL SELECT p.id, 'seconds', m.median / p.inputs_per_sample / 1e9
              FROM current_profile p JOIN profile_summary m USING (id)
              WHERE NOT p.warned
    UNION ALL SELECT id, 'joules', joules_per_input FROM spent
    UNION ALL SELECT id, 'added_joules', added FROM spent
    UNION ALL SELECT profile_id, 'dram_bytes', sum(value_per_input) FROM counter
              WHERE scope = 'gpu' AND role IN ('gpu_dram_read_bytes', 'gpu_dram_write_bytes')
              GROUP BY profile_id HAVING count(value_per_input) = 2
), placed AS (
    SELECT p.workload, p.arm, p.policy, p.seed, p.batch_size, p.device, p.mean_heads, t.quantity, t.value,
           CASE t.quantity WHEN 'flops' THEN '' ELSE p.conditions END AS place, d.arm AS dense
    FROM taken t JOIN known p ON p.id = t.id LEFT JOIN dense_arm d ON d.workload = p.workload
    WHERE t.value IS NOT NULL
)
SELECT workload, arm, policy, seed, batch_size, device, mean_heads, quantity, value,
       CASE WHEN place IS NOT NULL
            THEN value / max(CASE arm WHEN dense THEN value END)
                         OVER (PARTITION BY workload, seed, batch_size, device, quantity, place) END
FROM placed;

-- ---- means over seeds: the one interval ----

-- Values of which a mean is asked, one per seed or block, beside those that every trained model has (spread_by_arm).
-- policy is NULL where the value is no measure of one arm alone. FLOPs are per input, latencies per forward pass of
-- a batch. What part and other are:
--     latency_ns            batch size; on what trained the model
--     latency_ns_cuda, ...  batch size; on another device
--     heads_at_difficulty   difficulty
--     heads_at_class        class
--     heads_trend           largest and smallest difficulty: heads at the first less those at the other
--     points_at_equal_flops accuracy less that of the fixed curve, in points
--     points_over_cpu       accuracy less that of the same seed on the CPU, in points
--     profile_ratio         profile: median of a block of its second run over that of the first
--     taken_flops, ...      batch size, device: a quantity of saving_by_seed for an input, and
--     ratio_flops, ...      relative to all heads
CREATE VIEW value_by_part (workload, arm, policy, measure, part, other, repeat, value) AS
SELECT p.workload, p.arm, p.policy, 'latency_ns' || p.elsewhere, p.batch_size, NULL, p.seed,
                 m.median
          -- +: no index. SQLite 3.46 would rather read all medians for each of these trainings.
          FROM current_profile p JOIN profile_summary m USING (id)
          WHERE NOT p.warned AND +p.base_trial_id IN (SELECT trial_id FROM accuracy_by_seed)
UNION ALL SELECT workload, arm, policy, 'training_flops', NULL, NULL, seed, total_flops FROM training_cost
UNION ALL SELECT workload, arm, policy, 'training_seconds', NULL, NULL, seed, total_seconds
          FROM training_cost
UNION ALL SELECT workload, arm, NULL, 'heads_at_difficulty', difficulty, NULL, seed, mean_heads
          FROM budget_by_difficulty_by_seed
UNION ALL SELECT workload, arm, NULL, 'heads_at_class', class, NULL, seed, mean_heads
          FROM heads_by_class_by_seed
UNION ALL SELECT workload, arm, NULL, 'points_at_equal_flops', NULL, NULL, seed,
                 100 * (accuracy - fixed_accuracy)
          FROM accuracy_at_equal_flops_by_seed WHERE fixed_accuracy IS NOT NULL
UNION ALL SELECT workload, arm, NULL, 'points_over_cpu', NULL, NULL, seed, points
          FROM accuracy_by_device_by_seed WHERE same_data
UNION ALL SELECT workload, arm, NULL, 'heads_trend', difficulty_high, difficulty_low, seed, heads_difference
          FROM budget_trend_by_seed
UNION ALL SELECT p.workload, p.arm, NULL, 'profile_ratio', p.first, NULL, f.grouped_by, s.median / f.median
          -- CROSS: pairs first. SQLite 3.40 would rather compare all medians with each other.
          FROM profile_pair p CROSS JOIN median_by_group f ON f.grouped_by GLOB 'block *' AND f.id = p.first
          CROSS JOIN median_by_group s ON s.grouped_by GLOB 'block *' AND s.grouped_by = f.grouped_by
                                      AND s.id = p.second
UNION ALL SELECT workload, arm, NULL, 'taken_' || quantity, batch_size, device, seed, value FROM saving_by_seed
UNION ALL SELECT workload, arm, NULL, 'ratio_' || quantity, batch_size, device, seed, ratio FROM saving_by_seed
          WHERE ratio IS NOT NULL;

-- All values of which a mean is asked: what every trained model has, and value_by_part.
CREATE VIEW value_by_repeat (workload, arm, policy, measure, part, other, repeat, value) AS
WITH model AS MATERIALIZED ( -- SQLite 3.37 forgets MATERIALIZED unless something like GROUP BY is in the way
    SELECT workload, arm, policy, seed, accuracy, mean_heads, executed_flops_per_input, active_flops_per_input,
           dense_flops_per_input, macro_f1, matthews, ece, loss
    FROM accuracy_by_seed GROUP BY evaluation_id
)
SELECT workload, arm, policy, 'accuracy', NULL, NULL, seed, accuracy FROM model
UNION ALL SELECT workload, arm, policy, 'heads', NULL, NULL, seed, mean_heads FROM model
UNION ALL SELECT workload, arm, policy, 'executed_flops', NULL, NULL, seed, executed_flops_per_input FROM model
UNION ALL SELECT workload, arm, policy, 'active_flops', NULL, NULL, seed, active_flops_per_input FROM model
UNION ALL SELECT workload, arm, policy, 'dense_flops', NULL, NULL, seed, dense_flops_per_input FROM model
UNION ALL SELECT workload, arm, policy, 'macro_f1', NULL, NULL, seed, macro_f1 FROM model WHERE macro_f1 IS NOT NULL
UNION ALL SELECT workload, arm, policy, 'matthews', NULL, NULL, seed, matthews FROM model WHERE matthews IS NOT NULL
UNION ALL SELECT workload, arm, policy, 'ece', NULL, NULL, seed, ece FROM model WHERE ece IS NOT NULL
UNION ALL SELECT workload, arm, policy, 'loss', NULL, NULL, seed, loss FROM model WHERE loss IS NOT NULL
UNION ALL SELECT * FROM value_by_part;

-- Quantiles of Student's t for two-sided 95% and 90% intervals. Beyond 30 degrees of freedom they follow the
-- normal distribution with two terms of its Cornish-Fisher expansion, to 0.0001.
CREATE VIEW t_quantile (df, t95, t90) AS VALUES
    ( 1, 12.7062, 6.3138), ( 2, 4.3027, 2.9200), ( 3, 3.1824, 2.3534), ( 4, 2.7764, 2.1318),
    ( 5,  2.5706, 2.0150), ( 6, 2.4469, 1.9432), ( 7, 2.3646, 1.8946), ( 8, 2.3060, 1.8595),
    ( 9,  2.2622, 1.8331), (10, 2.2281, 1.8125), (11, 2.2010, 1.7959), (12, 2.1788, 1.7823),
    (13,  2.1604, 1.7709), (14, 2.1448, 1.7613), (15, 2.1314, 1.7531), (16, 2.1199, 1.7459),
    (17,  2.1098, 1.7396), (18, 2.1009, 1.7341), (19, 2.0930, 1.7291), (20, 2.0860, 1.7247),
    (21,  2.0796, 1.7207), (22, 2.0739, 1.7171), (23, 2.0687, 1.7139), (24, 2.0639, 1.7109),
    (25,  2.0595, 1.7081), (26, 2.0555, 1.7056), (27, 2.0518, 1.7033), (28, 2.0484, 1.7011),
    (29,  2.0452, 1.6991), (30, 2.0423, 1.6973);

-- What every trained model has, over the seeds of an arm, in one row, because windows as below would sort each
-- measure twice: mean_by_arm with the sum of squares of what each measure deviates from its mean, so that large
-- numbers keep their digits.
CREATE VIEW spread_by_arm (workload, arm, policy, granularity, n_classes, cost_weight, head_budget, mean_s,
                           n_tuning_trials, trained_accuracy, score_entropy, device,
                           n_accuracy, accuracy, squares_accuracy, n_heads, heads, squares_heads,
                           n_executed_flops, executed_flops, squares_executed_flops,
                           n_active_flops, active_flops, squares_active_flops,
                           n_dense_flops, dense_flops, squares_dense_flops,
                           n_macro_f1, macro_f1, squares_macro_f1, n_matthews, matthews, squares_matthews,
                           n_ece, ece, squares_ece, n_loss, loss, squares_loss) AS
SELECT r.workload, r.arm, r.policy, m.granularity, m.n_classes, m.cost_weight, m.head_budget, m.mean_s,
       m.n_tuning_trials, m.trained_accuracy, m.score_entropy, m.device,
       n_accuracy, m.accuracy, sum((r.accuracy - m.accuracy) * (r.accuracy - m.accuracy)),
       n_heads, m.heads, sum((r.mean_heads - m.heads) * (r.mean_heads - m.heads)),
       n_executed_flops, m.executed_flops,
       sum((r.executed_flops_per_input - m.executed_flops) * (r.executed_flops_per_input - m.executed_flops)),
       n_active_flops, m.active_flops,
       sum((r.active_flops_per_input - m.active_flops) * (r.active_flops_per_input - m.active_flops)),
       n_dense_flops, m.dense_flops,
       sum((r.dense_flops_per_input - m.dense_flops) * (r.dense_flops_per_input - m.dense_flops)),
       n_macro_f1, m.macro_f1, sum((r.macro_f1 - m.macro_f1) * (r.macro_f1 - m.macro_f1)),
       n_matthews, m.matthews, sum((r.matthews - m.matthews) * (r.matthews - m.matthews)),
       n_ece, m.ece, sum((r.ece - m.ece) * (r.ece - m.ece)),
       n_loss, m.loss, sum((r.loss - m.loss) * (r.loss - m.loss))
FROM accuracy_in_order r -- CROSS: first, in its order
CROSS JOIN mean_by_arm m ON m.workload = r.workload AND m.arm = r.arm AND m.policy = r.policy
GROUP BY r.workload, r.arm, r.policy;

-- Means with half of their two-sided t intervals (n - 1 degrees of freedom; NULL for one value). WHERE measure = ...
-- reads of value_by_part that measure alone, as in sample_by_group; nor does SQLite hand it down where one part of a
-- UNION ALL has windows itself, so they stand a SELECT deeper. CAST as in median_by_group.
CREATE VIEW interval_by_measure (workload, arm, policy, measure, part, other, n, mean, half95, half90) AS
WITH spread AS MATERIALIZED (
    SELECT * FROM spread_by_arm
), known (workload, arm, policy, measure, part, other, n, mean, squares) AS (
    SELECT workload, arm, policy, 'accuracy', NULL, NULL, n_accuracy, accuracy, squares_accuracy FROM spread
    UNION ALL SELECT workload, arm, policy, 'heads', NULL, NULL, n_heads, heads, squares_heads FROM spread
    UNION ALL SELECT workload, arm, policy, 'executed_flops', NULL, NULL, n_executed_flops, executed_flops,
                     squares_executed_flops FROM spread
    UNION ALL SELECT workload, arm, policy, 'active_flops', NULL, NULL, n_active_flops, active_flops,
                     squares_active_flops FROM spread
    UNION ALL SELECT workload, arm, policy, 'dense_flops', NULL, NULL, n_dense_flops, dense_flops,
                     squares_dense_flops FROM spread
    UNION ALL SELECT workload, arm, policy, 'macro_f1', NULL, NULL, n_macro_f1, macro_f1, squares_macro_f1
              FROM spread WHERE n_macro_f1 > 0
    UNION ALL SELECT workload, arm, policy, 'matthews', NULL, NULL, n_matthews, matthews, squares_matthews
              FROM spread WHERE n_matthews > 0
    UNION ALL SELECT workload, arm, policy, 'ece', NULL, NULL, n_ece, ece, squares_ece FROM spread WHERE n_ece > 0
    UNION ALL SELECT workload, arm, policy, 'loss', NULL, NULL, n_loss, loss, squares_loss
              FROM spread WHERE n_loss > 0
    UNION ALL
    SELECT DISTINCT workload, arm, policy, measure, part, other, n, mean, squares
    FROM (SELECT *, sum((value - mean) * (value - mean)) OVER same AS squares
          FROM (SELECT *, count(value) OVER same AS n, avg(value) OVER same AS mean FROM value_by_part
                WINDOW same AS (PARTITION BY workload, arm, policy, measure, part, other))
          WINDOW same AS (PARTITION BY workload, arm, policy, measure, part, other))
)
SELECT CAST(workload AS TEXT), arm, policy, measure, CAST(part AS INTEGER), other, n, mean,
       error * CASE WHEN n > 31 THEN 1.959964 + 2.372271 / (n - 1) + 2.822499 / ((n - 1) * (n - 1)) ELSE t95 END,
       error * CASE WHEN n > 31 THEN 1.644854 + 1.523769 / (n - 1) + 1.420203 / ((n - 1) * (n - 1)) ELSE t90 END
FROM (SELECT *, sqrt(squares / (n - 1) / n) AS error FROM known) LEFT JOIN t_quantile ON df = n - 1;

-- ---- accuracy and heads, over seeds ----

-- Accuracy of each arm and the heads that it runs: means over seeds with two-sided 95% t intervals (n - 1
-- degrees of freedom; NULL for one seed). An interval may reach past 0 or 1. head_budget is mean_heads / H. cost_weight is NULL where tuning
-- chose different ones for different seeds. The other metrics are means over the seeds that have them;
-- measure_by_arm has their intervals.
CREATE VIEW accuracy_vs_budget (workload, granularity, n_classes, arm, policy, cost_weight,
                                head_budget, mean_heads, mean_s, accuracy_mean, accuracy_ci95_low,
                                accuracy_ci95_high, n_seeds, executed_flops_per_input,
                                active_flops_per_input, n_tuning_trials,
                                trained_accuracy, score_entropy, macro_f1, matthews, ece, loss, device) AS
SELECT s.workload, s.granularity, s.n_classes, s.arm, s.policy, s.cost_weight, s.head_budget, s.heads, s.mean_s,
       i.mean, i.mean - i.half95, i.mean + i.half95, i.n, s.executed_flops, s.active_flops, s.n_tuning_trials,
       s.trained_accuracy, s.score_entropy, s.macro_f1, s.matthews, s.ece, s.loss, s.device
FROM spread_by_arm s
JOIN interval_by_measure i ON i.measure = 'accuracy' AND i.workload = s.workload AND i.arm = s.arm
                          AND i.policy = s.policy;

-- Trained arms that no other one of the workload beats: none executes at most as many FLOPs and is at least
-- as accurate, unless it equals both. Of means over seeds: a front says nothing of how sure it is
-- (paired_difference does).
CREATE VIEW pareto_front (workload, arm, policy, mean_heads, executed_flops_per_input, accuracy_mean,
                          accuracy_ci95_low, accuracy_ci95_high, n_seeds) AS
WITH beside AS (
    SELECT *, max(accuracy_mean) OVER (fewer RANGE UNBOUNDED PRECEDING) AS best,
           max(accuracy_mean) OVER (fewer GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS best_of_less
    FROM accuracy_vs_budget
    WHERE instr(policy, '/') = 0 AND accuracy_mean IS NOT NULL
    WINDOW fewer AS (PARTITION BY workload ORDER BY executed_flops_per_input)
)
SELECT workload, arm, policy, mean_heads, executed_flops_per_input, accuracy_mean, accuracy_ci95_low,
       accuracy_ci95_high, n_seeds
FROM beside
WHERE accuracy_mean = best AND accuracy_mean > coalesce(best_of_less, -1);

-- Does a learned budget beat the fixed arms at equal cost? Points of test accuracy over the curve of fixed
-- heads at the FLOPs that the arm executes, its gates included: mean over seeds of the difference within
-- each seed, with a 95% t interval over seeds (NULL for one), which does not cover other test inputs. Seeds
-- outside the curve are left out: n_outside counts them, and accuracy and FLOPs are of all.
CREATE VIEW accuracy_at_equal_flops (workload, arm, policy, executed_flops_per_input, accuracy,
                                     fixed_accuracy, difference_points, ci95_low_points, ci95_high_points,
                                     n_seeds, n_outside) AS
SELECT e.workload, e.arm, e.policy, avg(e.executed_flops_per_input), avg(e.accuracy), avg(e.fixed_accuracy),
       i.mean, i.mean - i.half95, i.mean + i.half95, coalesce(i.n, 0), sum(e.fixed_accuracy IS NULL)
FROM accuracy_at_equal_flops_by_seed e
LEFT JOIN interval_by_measure i ON i.measure = 'points_at_equal_flops' AND i.workload = e.workload
                               AND i.arm = e.arm
GROUP BY e.workload, e.arm;

-- Arm a minus arm b in percentage points of test accuracy, paired by seed and by input: same data, same
-- initial streams. The ci columns, df and p cover both what other seeds and what other test inputs would
-- have given, and are NULL with one seed. seeds_half_points: half of the 95% interval for other seeds with
-- these inputs (NULL where each seed drew its own, inputs = 'nested': seeds then differ by both);
-- inputs_half_points: for other inputs with these seeds. Equal within 1 point: the 90% interval lies inside
-- -1 .. 1 (two one-sided tests at 5%). p is of no difference, for this pair alone (claim corrects it).
CREATE VIEW paired_difference (workload, arm_a, arm_b, difference_points, ci95_low_points,
                               ci95_high_points, ci90_low_points, ci90_high_points, n_pairs, n_inputs,
                               inputs, seeds_half_points, inputs_half_points, df, p, policy_a,
                               policy_b) AS
WITH signed AS (
    SELECT *, CASE sign WHEN 1 THEN arm_a ELSE arm_b END AS a, CASE sign WHEN 1 THEN arm_b ELSE arm_a END AS b,
           CASE sign WHEN 1 THEN policy_a ELSE policy_b END AS policy_of_a,
           CASE sign WHEN 1 THEN policy_b ELSE policy_a END AS policy_of_b, sign * points AS difference
    FROM current_comparison, (SELECT 1 AS sign UNION ALL SELECT -1)
    WHERE n_seeds > 0
)
SELECT workload, a, b, difference, difference - both_half95_points, difference + both_half95_points,
       difference - both_half90_points, difference + both_half90_points, n_seeds, n_inputs, inputs,
       seeds_half95_points, inputs_half95_points, both_df, both_p, policy_of_a, policy_of_b
FROM signed;

-- What attention adds on a workload, in points: all heads minus the best arm that runs none, best by validation
-- accuracy (of its best epoch, mean over seeds), so that test inputs do not choose it. Only half of what attention
-- is shown to add, the lower end of the interval, can be lost by something that still attends: margin_points,
-- at most 1, is within what 'as good as all heads' means anything. NULL, and the reason, where nothing is
-- shown; 1 and a reason where no arm without attention was trained.
CREATE VIEW attention_gain (workload, arm, arm_without, difference_points, ci95_low_points,
                            ci95_high_points, seeds_half_points, inputs_half_points, df, n_pairs,
                            n_inputs, margin_points, reason) AS
WITH headless AS (
    SELECT r.workload, r.arm, avg(e.validation_accuracy) AS validation
    FROM mean_by_arm m CROSS JOIN accuracy_by_seed r ON r.workload = m.workload AND r.arm = m.arm AND r.policy = m.policy
    JOIN trial t ON t.id = r.trial_id LEFT JOIN epoch e ON e.trial_id = t.id AND e.epoch = t.best_epoch
    WHERE m.heads = 0 AND instr(m.policy, '/') = 0
    GROUP BY r.workload, r.arm
), best AS (
    SELECT workload, arm, row_number() OVER (PARTITION BY workload ORDER BY validation DESC, arm) AS rank
    FROM headless
), gain AS (
    SELECT d.workload, d.arm, b.arm AS arm_without, p.difference_points, p.ci95_low_points,
           p.ci95_high_points, p.seeds_half_points, p.inputs_half_points, p.df, p.n_pairs, p.n_inputs
    FROM dense_arm d LEFT JOIN best b ON b.workload = d.workload AND b.rank = 1
    LEFT JOIN paired_difference p ON p.workload = d.workload AND p.arm_a = d.arm AND p.arm_b = b.arm
)
SELECT *, CASE WHEN arm_without IS NULL THEN 1.0
               WHEN ci95_low_points > 0 THEN min(1.0, ci95_low_points / 2) END,
       CASE WHEN arm_without IS NULL THEN 'not checked: no arm without attention'
            WHEN difference_points IS NULL
            THEN printf(CASE WHEN EXISTS (SELECT 1 FROM current_comparison c
                                          WHERE c.workload = gain.workload AND c.arm_a = min(arm, arm_without)
                                            AND c.arm_b = max(arm, arm_without))
                             THEN 'untestable: %s and %s have no seed with the same test inputs in common'
                             ELSE 'untestable: %s and %s are not compared yet, which a sweep does' END,
                        arm, arm_without)
            WHEN ci95_low_points IS NULL THEN 'untestable: one seed does not say what attention adds'
            WHEN ci95_low_points <= 0
            THEN printf('untestable: attention is not shown to add anything (%+.1f points, %+.1f to %+.1f)',
                        difference_points, ci95_low_points, ci95_high_points)
            ELSE '' END
FROM gain;

-- Can a data set test an attention method? Accuracies of the best model without attention (by validation), of
-- one head per layer trained alone and of all heads; attention_points and heads_points are what all heads add to
-- either, with 95% intervals for other seeds and other test inputs; resolved_points is half of the latter
-- interval: what these seeds and test inputs tell arms of different heads apart by. testable: that is within the
-- margin of attention_gain; NULL where it is not known, as with one seed. `headroom card` trains the arms.
CREATE VIEW data_card (workload, n_classes, n_test, majority_accuracy, arm_without, accuracy_without, accuracy_one,
                       accuracy_all, attention_points, attention_low_points, attention_high_points, heads_points,
                       heads_low_points, heads_high_points, margin_points, resolved_points, testable, n_seeds,
                       reason) AS
WITH mean AS MATERIALIZED ( -- GROUP BY as in value_by_repeat
    SELECT workload, arm, policy, mean_heads, accuracy_mean AS accuracy FROM accuracy_vs_budget
    GROUP BY workload, arm, policy
), one AS (
    SELECT p.workload, m.accuracy, p.difference_points AS points, p.ci95_low_points AS low,
           p.ci95_high_points AS high
    FROM paired_difference p JOIN dense_arm d ON d.workload = p.workload AND d.arm = p.arm_a
    JOIN mean m ON m.workload = p.workload AND m.arm = p.arm_b
    WHERE p.policy_b = 'fixed' AND abs(m.mean_heads - 1) < 1e-9
)
SELECT g.workload, s.n_classes, s.n_test, s.majority_accuracy, g.arm_without, w.accuracy, o.accuracy, a.accuracy,
       g.difference_points, g.ci95_low_points, g.ci95_high_points, o.points, o.low, o.high, g.margin_points,
       (o.high - o.low) / 2,
       CASE WHEN g.ci95_low_points IS NULL THEN NULL WHEN g.margin_points IS NULL THEN 0
            ELSE (o.high - o.low) / 2 <= g.margin_points END,
       g.n_pairs, g.reason
FROM attention_gain g JOIN data_set s ON s.workload = g.workload
LEFT JOIN mean w ON w.workload = g.workload AND w.arm = g.arm_without
LEFT JOIN mean a ON a.workload = g.workload AND a.arm = g.arm
LEFT JOIN one o ON o.workload = g.workload
WHERE g.arm_without IS NOT NULL;

-- What each part of a method does: an arm with a part changed minus the arm it is compared with, in points of test
-- accuracy (paired_difference). changed: the inference mode or the control that replaces the method's decisions,
-- or the options that differ, but for tuned ones, of an arm that is none of the method's own (method_arm). It is
-- compared with the method's arm that wants as many heads and of whose options it changes the fewest, the first of several.
CREATE VIEW ablation (workload, arm, reference, policy, changed, mean_heads, reference_heads, difference_points,
                      ci95_low_points, ci95_high_points, n_pairs) AS
WITH model AS MATERIALIZED (
    SELECT a.workload, a.arm, a.policy, t.id, json_extract(t.config, '$.policy_options') AS options,
           json_extract(t.config, '$.target_budget') AS target,
           EXISTS (SELECT 1 FROM method_arm m WHERE m.workload = a.workload AND m.arm = a.arm) AS own
    FROM mean_by_arm a JOIN trial t ON t.id = a.first_trial_id
    WHERE instr(a.policy, '/') = 0
), differing AS MATERIALIZED (
    SELECT a.workload, a.arm, b.arm AS reference, a.policy, b.id, a.target IS NOT b.target AS other_target,
           count(o.key) AS n,
           group_concat(CASE WHEN NOT EXISTS (SELECT 1 FROM tuning u JOIN json_each(u.settings) s
                                              WHERE u.trial_id = a.id AND s.key = o.key)
                             THEN replace(o.key, '_', ' ') || ' ' || o.value END, ', ') AS changed
    FROM model a JOIN model b ON b.workload = a.workload AND b.policy = a.policy AND b.own AND NOT a.own
    JOIN json_each(a.options) o
        ON o.value IS NOT (SELECT p.value FROM json_each(b.options) p WHERE p.key = o.key)
    GROUP BY a.id, b.id
), nearest AS (
    SELECT *, row_number() OVER (PARTITION BY workload, arm ORDER BY other_target, n, id) AS place FROM differing
), part AS (
    SELECT workload, arm, reference, policy, changed FROM nearest WHERE place = 1
    UNION ALL
    SELECT workload, arm, substr(arm, 1, length(arm) - length(policy) + instr(policy, '/') - 3),
           substr(policy, 1, instr(policy, '/') - 1), substr(policy, instr(policy, '/') + 1)
    FROM current_arm WHERE instr(policy, '/') > 0
)
SELECT a.workload, a.arm, a.reference, a.policy, a.changed, h.heads, r.heads, d.difference_points, d.ci95_low_points,
       d.ci95_high_points, d.n_pairs
FROM part a JOIN paired_difference d ON d.workload = a.workload AND d.arm_a = a.arm AND d.arm_b = a.reference
JOIN mean_by_arm h ON h.workload = a.workload AND h.arm = a.arm
JOIN mean_by_arm r ON r.workload = a.workload AND r.arm = a.reference;

-- The questions that are answered for every workload at once, so that some answers are right by luck: all
-- pairs of arms that one of them is about, with p values after Holm over all claims of the question that
-- the database holds. Below 0.05: the difference stands, however many workloads there are.
CREATE VIEW claim (question, workload, arm_a, arm_b, difference_points, ci95_low_points, ci95_high_points,
                   seeds_half_points, inputs_half_points, n_pairs, n_inputs, inputs, p, n_claims, p_holm) AS
WITH asked AS (
    SELECT CASE WHEN p.policy_b = p.policy_a || '/static' THEN 'everybody gets the mean decision'
                WHEN p.policy_b GLOB p.policy_a || '/shuffled*' THEN 'everybody gets another''s decision'
                WHEN p.arm_b = d.arm AND p.policy_a IN (SELECT policy FROM policy_declares WHERE has_budget)
                     AND (p.workload, p.arm_a) IN (SELECT workload, arm FROM method_arm)
                THEN p.policy_a || ' against all heads'
                WHEN p.arm_a = d.arm AND p.policy_b = 'fixed' AND abs(b.heads - 1) < 1e-9
                THEN 'all heads against one' END AS question, p.*
    FROM paired_difference p LEFT JOIN dense_arm d ON d.workload = p.workload
    LEFT JOIN mean_by_arm b ON b.workload = p.workload AND b.arm = p.arm_b
    WHERE substr(p.arm_b, 1, length(p.arm_a) + 2) = p.arm_a || ' (' OR d.arm IN (p.arm_a, p.arm_b)
), stepped AS (
    SELECT *, count(p) OVER (PARTITION BY question) AS n_claims,
           p * (count(p) OVER (PARTITION BY question) + 1
                - row_number() OVER (PARTITION BY question ORDER BY p IS NULL, p)) AS step
    FROM asked WHERE question IS NOT NULL
)
SELECT question, workload, arm_a, arm_b, difference_points, ci95_low_points, ci95_high_points,
       seeds_half_points, inputs_half_points, n_pairs, n_inputs, inputs, p, n_claims,
       CASE WHEN p IS NOT NULL THEN min(1, max(step) OVER (PARTITION BY question ORDER BY p IS NULL, p)) END
FROM stepped;

-- Arms of which some seeds found a solution and others did not, so that mean and interval describe no
-- seed: some lie above the middle between chance and the workload's best arm and some below, and the gap
-- between the two groups is at least half of the way from chance to that arm, which is 10 points or more.
CREATE VIEW split_outcome (workload, arm, policy, n_seeds, n_solved, solved_share, middle, highest_unsolved,
                           lowest_solved, accuracy_percent_by_seed) AS
WITH scale AS (
    SELECT workload, 1.0 / n_classes AS chance, max(accuracy_mean) AS best
    FROM accuracy_vs_budget WHERE instr(policy, '/') = 0 AND n_classes > 0 GROUP BY workload
), split AS (
    SELECT m.workload, m.arm, m.policy, count(*) AS n, sum(r.accuracy > s.middle) AS n_solved, s.middle,
           max(CASE WHEN r.accuracy <= s.middle THEN r.accuracy END) AS unsolved,
           min(CASE WHEN r.accuracy > s.middle THEN r.accuracy END) AS solved
    FROM mean_by_arm m CROSS JOIN (SELECT workload, best - chance AS way, (chance + best) / 2 AS middle
                                   FROM scale WHERE best - chance >= 0.1) s USING (workload)
    CROSS JOIN accuracy_by_seed r ON r.workload = m.workload AND r.arm = m.arm AND r.policy = m.policy
    WHERE r.accuracy IS NOT NULL
    GROUP BY m.workload, m.arm, m.policy HAVING solved - unsolved >= way / 2
)
SELECT DISTINCT workload, arm, policy, n, n_solved, CAST(n_solved AS REAL) / n, middle, unsolved, solved,
       group_concat(printf('%.1f', 100 * r.accuracy), ' ') OVER (
           PARTITION BY workload, arm, policy ORDER BY r.seed
           ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
FROM split CROSS JOIN accuracy_by_seed r USING (workload, arm, policy)
WHERE r.accuracy IS NOT NULL;

-- The share of test inputs that run k heads in a layer, all seeds together.
CREATE VIEW budget_by_layer (workload, arm, layer, k, share) AS
SELECT r.workload, r.arm, b.layer, b.k,
       CAST(sum(b.n_inputs) AS REAL)
           / sum(sum(b.n_inputs)) OVER (PARTITION BY r.workload, r.arm, b.layer)
FROM accuracy_by_seed r JOIN layer_budget b ON b.evaluation_id = r.evaluation_id
GROUP BY r.workload, r.arm, b.layer, b.k;

-- Which heads run: the share of test inputs for which a head of a layer (both from 0) was computed, in each trained
-- model. Heads of one number have nothing in common between seeds.
CREATE VIEW head_usage_by_seed (workload, arm, policy, seed, layer, head, share) AS
SELECT r.workload, r.arm, r.policy, r.seed, u.layer, u.head, CAST(u.n_inputs AS REAL) / r.n_inputs
FROM accuracy_by_seed r JOIN head_usage u ON u.evaluation_id = r.evaluation_id;

-- Does the budget follow the known difficulty? Means over seeds.
CREATE VIEW budget_by_difficulty (workload, arm, difficulty, n_inputs, accuracy, mean_heads,
                                  mean_heads_ci95_low, mean_heads_ci95_high, n_seeds) AS
SELECT d.workload, d.arm, d.difficulty, max(d.n_inputs), avg(d.accuracy), i.mean, i.mean - i.half95,
       i.mean + i.half95, i.n
FROM budget_by_difficulty_by_seed d
JOIN interval_by_measure i ON i.measure = 'heads_at_difficulty' AND i.workload = d.workload
                          AND i.arm = d.arm AND i.part = d.difficulty
GROUP BY d.workload, d.arm, d.difficulty;

-- Whether heads follow difficulty, in one number: heads per layer at the workload's largest difficulty minus
-- those at its smallest, paired within each seed. Only where there are several difficulties.
CREATE VIEW budget_trend (workload, arm, difficulty_low, difficulty_high, heads_difference_mean,
                          heads_difference_ci95_low, heads_difference_ci95_high, n_seeds) AS
SELECT workload, arm, other, part, mean, mean - half95, mean + half95, n
FROM interval_by_measure
WHERE measure = 'heads_trend';

-- ---- input by input ----

-- Every prediction of the current trainings on the test split with what it is about: names of classes, and
-- the row of the file that the input was read from (table input). correct is 0 or 1; mean_heads is heads
-- computed per layer. What was not stored yet is NULL. Ask for a workload and an arm: all is much.
CREATE VIEW prediction_by_input (workload, arm, policy, seed, trial_id, evaluation_id, input, label,
                                 predicted, correct, p_predicted, p_true, label_name, predicted_name,
                                 difficulty, length_tokens, mean_heads, heads_per_layer, mean_s, file, row,
                                 text_sha256, text) AS
SELECT r.workload, r.arm, r.policy, r.seed, r.trial_id, r.evaluation_id, p.input, p.label, p.predicted,
       p.predicted = p.label, p.p_predicted, p.p_true, l.name, c.name, p.difficulty, p.length_tokens,
       CASE r.layers WHEN 0 THEN 0.0 ELSE CAST(p.heads_run AS REAL) / r.layers END, p.heads_per_layer,
       p.mean_s, i.file, i.row, i.text_sha256, i.text
FROM accuracy_by_seed r JOIN trial t ON t.id = r.trial_id
JOIN prediction p ON p.evaluation_id = r.evaluation_id
LEFT JOIN class l ON l.data_sha256 = t.data_sha256 AND l.class = p.label
LEFT JOIN class c ON c.data_sha256 = t.data_sha256 AND c.class = p.predicted
LEFT JOIN input i ON i.sources_sha256 = t.sources_sha256 AND i.input = p.input;

-- The test inputs that two arms answer differently, seed by seed, where both saw the same data: right says
-- which of them is, 'a', 'b' or 'neither'. Each pair of arms stands in both orders; ask for a workload and
-- two arms. Classes by name where these are known.
CREATE VIEW flips (workload, arm_a, arm_b, seed, input, label, predicted_a, predicted_b, right, p_true_a,
                   p_true_b, heads_a, heads_b, label_name, name_a, name_b, file, row, text_sha256,
                   text) AS
WITH model AS MATERIALIZED ( -- GROUP BY as in value_by_repeat
    SELECT r.*, t.data_sha256, t.sources_sha256
    FROM accuracy_by_seed r JOIN trial t ON t.id = r.trial_id GROUP BY r.evaluation_id
)
SELECT a.workload, a.arm, b.arm, a.seed, p.input, p.label, p.predicted, q.predicted,
       CASE p.label WHEN p.predicted THEN 'a' WHEN q.predicted THEN 'b' ELSE 'neither' END,
       p.p_true, q.p_true,
       CASE a.layers WHEN 0 THEN 0.0 ELSE CAST(p.heads_run AS REAL) / a.layers END,
       CASE b.layers WHEN 0 THEN 0.0 ELSE CAST(q.heads_run AS REAL) / b.layers END,
       l.name, c.name, d.name, i.file, i.row, i.text_sha256, i.text
FROM model a JOIN model b ON b.workload = a.workload AND b.seed = a.seed AND b.arm <> a.arm
                         AND b.data_sha256 IS a.data_sha256
JOIN prediction p ON p.evaluation_id = a.evaluation_id
JOIN prediction q ON q.evaluation_id = b.evaluation_id AND q.input = p.input AND q.predicted <> p.predicted
LEFT JOIN class l ON l.data_sha256 = a.data_sha256 AND l.class = p.label
LEFT JOIN class c ON c.data_sha256 = a.data_sha256 AND c.class = p.predicted
LEFT JOIN class d ON d.data_sha256 = a.data_sha256 AND d.class = q.predicted
LEFT JOIN input i ON i.sources_sha256 = a.sources_sha256 AND i.input = p.input;

-- Which classes are found, and how many heads their inputs get: means over seeds, with a 95% t interval of
-- the heads. n_inputs: test inputs of this label.
CREATE VIEW heads_by_class (workload, arm, class, name, n_inputs, accuracy, mean_heads,
                            mean_heads_ci95_low, mean_heads_ci95_high, n_seeds) AS
WITH named AS (
    SELECT DISTINCT t.workload, c.class, c.name FROM current_training t JOIN class c USING (data_sha256)
)
SELECT d.workload, d.arm, d.class, n.name, max(d.n_inputs), avg(d.accuracy), i.mean, i.mean - i.half95,
       i.mean + i.half95, i.n
FROM heads_by_class_by_seed d
JOIN interval_by_measure i ON i.measure = 'heads_at_class' AND i.workload = d.workload
                          AND i.arm = d.arm AND i.part = d.class
LEFT JOIN named n ON n.workload = d.workload AND n.class = d.class
GROUP BY d.workload, d.arm, d.class;

-- Heads computed in each layer (from 0) for the test inputs of a class: means over inputs and n_seeds seeds, of the
-- arms that decide them by learned gates or under a budget. Which heads these are: head_usage_by_class.
CREATE VIEW layer_heads_by_class (workload, arm, class, layer, mean_heads, n_seeds) AS
WITH model AS MATERIALIZED ( -- GROUP BY as in value_by_repeat
    SELECT r.workload, r.arm, r.evaluation_id, r.layers FROM accuracy_by_seed r
    WHERE r.policy IN (SELECT policy FROM policy_declares WHERE has_budget OR learns_gates)
    GROUP BY r.evaluation_id
), alike AS MATERIALIZED ( -- inputs that run the same: few, so that few texts are taken apart
    SELECT m.workload, m.arm, m.evaluation_id, p.label, p.heads_per_layer, count(*) AS n
    FROM model m JOIN prediction p ON p.evaluation_id = m.evaluation_id
    GROUP BY m.evaluation_id, p.label, p.heads_per_layer
), model_mean AS (
    SELECT a.workload, a.arm, a.evaluation_id, a.label, CAST(j.key AS INTEGER) AS layer,
           CAST(sum(a.n * j.value) AS REAL) / sum(a.n) AS heads
    FROM alike a JOIN json_each(a.heads_per_layer) j
    GROUP BY a.evaluation_id, a.label, j.key
)
SELECT workload, arm, label, layer, avg(heads), count(*)
FROM model_mean
GROUP BY workload, arm, label, layer;

-- Which heads run for which class: the share of a class's test inputs for which a head of a layer (both from 0) was
-- computed, in each trained model of these arms. Heads of one number have nothing in common between seeds. NULL: a
-- head that ran for some inputs, in a result of before there was the table class_head_usage.
CREATE VIEW head_usage_by_class (workload, arm, seed, class, name, n_inputs, layer, head, share) AS
WITH model AS MATERIALIZED ( -- GROUP BY as in value_by_repeat
    SELECT r.workload, r.arm, r.seed, r.evaluation_id, r.n_inputs, t.data_sha256
    FROM accuracy_by_seed r JOIN trial t ON t.id = r.trial_id
    WHERE r.policy IN (SELECT policy FROM policy_declares WHERE has_budget OR learns_gates)
    GROUP BY r.evaluation_id
), size AS MATERIALIZED (
    SELECT p.evaluation_id, p.label, count(*) AS n
    FROM model m JOIN prediction p ON p.evaluation_id = m.evaluation_id
    GROUP BY p.evaluation_id, p.label
)
SELECT m.workload, m.arm, m.seed, s.label, c.name, s.n, u.layer, u.head,
       CASE u.n_inputs WHEN 0 THEN 0.0 WHEN m.n_inputs THEN 1.0 ELSE CAST(k.n_inputs AS REAL) / s.n END
FROM model m JOIN size s ON s.evaluation_id = m.evaluation_id
JOIN head_usage u ON u.evaluation_id = m.evaluation_id
LEFT JOIN class_head_usage k ON k.evaluation_id = u.evaluation_id AND k.class = s.label
                            AND k.layer = u.layer AND k.head = u.head
LEFT JOIN class c ON c.data_sha256 = m.data_sha256 AND c.class = s.label;

-- For every test input the fewest heads that get it right: those of the smallest arm of `fixed` that is right
-- in more than half of its n_seeds trainings; NULL: none is. Beside it what an arm with a learned budget
-- chose: heads computed per layer, and how often it was right, means over its seeds. Only where all seeds
-- are tested on the same inputs. An oracle of few seeds is optimistic: of two classes a model that guesses
-- is right half of the time, so some inputs look easy by luck.
CREATE VIEW oracle_by_input (workload, arm, input, label, n_seeds, oracle_heads, chosen_heads, accuracy) AS
WITH shared AS (
    SELECT workload FROM current_training GROUP BY workload HAVING count(DISTINCT data_sha256) <= 1
), answer AS (
    SELECT r.workload, r.arm, p.input, max(p.label) AS label, avg(p.predicted = p.label) AS accuracy,
           count(*) AS n, avg(r.mean_heads) AS heads, avg(CAST(p.heads_run AS REAL) / r.layers) AS chosen,
           r.policy = 'fixed' AS fixed
    FROM accuracy_by_seed r JOIN prediction p ON p.evaluation_id = r.evaluation_id
    WHERE r.layers > 0 AND r.workload IN (SELECT workload FROM shared)
      AND (r.policy = 'fixed' OR r.policy IN (SELECT policy FROM policy_declares WHERE has_budget))
    GROUP BY r.workload, r.arm, p.input
), beside AS (
    SELECT *, min(CASE WHEN fixed AND accuracy > 0.5 THEN heads END) OVER same AS oracle,
           max(CASE WHEN fixed THEN n END) OVER same AS n_fixed
    FROM answer WINDOW same AS (PARTITION BY workload, input)
)
SELECT workload, arm, input, label, n_fixed, oracle, chosen, accuracy
FROM beside WHERE NOT fixed AND n_fixed IS NOT NULL;

-- Inputs by the heads that the oracle needs: if a budget followed what an input needs, chosen_heads would rise with
-- oracle_heads. covered_share: of the inputs, that got at least as many heads as the oracle needs.
CREATE VIEW oracle_heads (workload, arm, oracle_heads, n_inputs, input_share, chosen_heads, covered_share,
                          accuracy, n_seeds) AS
SELECT workload, arm, oracle_heads, count(*),
       CAST(count(*) AS REAL) / sum(count(*)) OVER (PARTITION BY workload, arm), avg(chosen_heads),
       avg(chosen_heads >= oracle_heads), avg(accuracy), max(n_seeds)
FROM oracle_by_input
GROUP BY workload, arm, oracle_heads;

-- ---- heads needed ----

-- Every trained arm against the arm with all heads: paired_difference, whose 95% interval holds for other
-- seeds and for other test inputs. NULL with one seed. Arms whose model has other heads or layers are left
-- out.
CREATE VIEW difference_to_all_heads (workload, arm, policy, mean_heads, heads, n_seeds, n_inputs,
                                     difference_points, seeds_half_points, inputs_half_points,
                                     ci95_low_points, ci95_high_points) AS
SELECT p.workload, p.arm_a, a.policy, a.heads, a.base_heads, p.n_pairs, p.n_inputs, p.difference_points,
       p.seeds_half_points, p.inputs_half_points, p.ci95_low_points, p.ci95_high_points
FROM paired_difference p JOIN dense_arm d ON d.workload = p.workload AND d.arm = p.arm_b
JOIN mean_by_arm a ON a.workload = p.workload AND a.arm = p.arm_a
JOIN mean_by_arm b ON b.workload = p.workload AND b.arm = p.arm_b
WHERE a.base_heads = b.base_heads AND a.layers = b.layers AND instr(a.policy, '/') = 0;

-- Heads per layer needed to stay within a margin of all heads, among the arms of each method (method_arm). The margin is
-- attention_gain's: at most 1 point, and at most half of what attention is shown to add, because who deletes
-- attention must not pass. Where nothing is shown all columns are NULL, and reason says untestable; where no arm
-- without attention was trained the margin is 1, and margin_note says that it was not checked. An arm is within if
-- its interval above lies over -margin and is at most as wide to either side (a wider one could only pass by a
-- gain that nobody expects), worse if it lies below -margin, and open otherwise. Arms are taken
-- from the most heads down, and each column stops at the first that fails: one that passes further down by
-- luck is not looked at, so that no correction is due for how many arms there are.
-- heads_needed: down to the last arm that is within; all of them if the first of `fixed`, to which the
-- reference belongs, is worse; else NULL, and reason says what is in the way.
-- heads_low: down to the last that is not worse; heads_estimate: to the last that loses at most the margin in
-- the mean; heads_high: to the last that is within, or all.
CREATE VIEW heads_needed (workload, policy, heads, heads_needed, heads_low, heads_estimate, heads_high,
                          n_seeds, n_inputs, margin_points, margin_note, reason) AS
WITH judged AS (
    SELECT d.*, (ci95_high_points - ci95_low_points) / 2 AS half, margin, note,
           CASE WHEN ci95_high_points < -margin THEN 'worse'
                WHEN ci95_low_points >= -margin AND ci95_high_points - ci95_low_points <= 2 * margin
                THEN 'within' ELSE 'open' END AS verdict
    FROM difference_to_all_heads d JOIN method_arm USING (workload, arm, policy)
    JOIN (SELECT workload, margin_points AS margin, reason AS note FROM attention_gain) USING (workload)
), descent AS ( -- how many have failed so far, this one and those of as many heads included
    SELECT *, sum(verdict <> 'within') OVER down AS not_within, sum(verdict = 'worse') OVER down AS worse,
           sum(round(difference_points, 9) < -margin) OVER down AS losing,
           mean_heads = max(mean_heads) OVER (PARTITION BY workload, policy) AS first
    FROM judged WINDOW down AS (PARTITION BY workload, policy ORDER BY mean_heads DESC)
), summary AS (
    SELECT workload, policy, heads, min(n_seeds) AS n_seeds, min(n_inputs) AS n_inputs, margin, note,
           min(CASE not_within WHEN 0 THEN mean_heads END) AS within,
           min(CASE worse WHEN 0 THEN mean_heads END) AS low,
           min(CASE losing WHEN 0 THEN mean_heads END) AS estimate,
           max(CASE WHEN first THEN inputs_half_points END) AS inputs_half,
           max(CASE WHEN first THEN half END) AS half, max(ci95_high_points) AS best
    FROM descent GROUP BY workload, policy
), bounded AS (
    SELECT *, coalesce(within, CASE WHEN policy = 'fixed' AND low IS NULL THEN heads END) AS needed,
           CASE WHEN policy = 'fixed' OR low IS NOT NULL THEN heads END AS most,
           CASE WHEN margin = 1 THEN '1 point' ELSE printf('%.2f points', margin) END AS points
    FROM summary WHERE margin IS NOT NULL
)
SELECT workload, policy, heads, needed, coalesce(low, most), coalesce(estimate, most),
       coalesce(within, most), n_seeds, n_inputs, margin, note,
       CASE WHEN needed IS NOT NULL THEN ''
            WHEN low IS NULL AND best < -margin THEN printf('every arm loses more than %s', points)
            WHEN low IS NULL THEN printf('the arm of most heads loses more than %s', points)
            WHEN inputs_half > margin
            THEN printf('the test set of %d cannot resolve %s: ±%.2f', n_inputs, points, inputs_half)
            WHEN n_seeds < 2 THEN 'one seed does not say what another would give'
            WHEN half > margin THEN printf('%d seeds and %d test inputs cannot resolve %s: ±%.2f',
                                           n_seeds, n_inputs, points, half)
            ELSE printf('the loss is too near to %s for ±%.2f', points, half) END
FROM bounded
UNION ALL
SELECT workload, policy, heads, NULL, NULL, NULL, NULL, n_seeds, n_inputs, NULL, '', note
FROM summary WHERE margin IS NULL;

-- ---- arm beside arm ----

-- All that methods are compared by, one number per row.
CREATE VIEW measure_by_seed (workload, arm, policy, seed, measure, value) AS
SELECT workload, arm, policy, repeat, measure || coalesce('_batch_' || part, ''), value
FROM value_by_repeat
WHERE policy IS NOT NULL;

-- Means over seeds with two-sided 95% t intervals, as in accuracy_vs_budget.
CREATE VIEW measure_by_arm (workload, arm, policy, measure, mean, ci95_low, ci95_high, n_seeds) AS
SELECT workload, arm, policy, measure || coalesce('_batch_' || part, ''), mean, mean - half95,
       mean + half95, n
FROM interval_by_measure
WHERE policy IS NOT NULL;

-- Methods x what they are compared by: means over seeds, each with its 95% interval. One row per arm
-- and control. FLOPs are per input, latencies per forward pass of the smallest and of the largest
-- profiled batch, on what trained the arm; the training cost includes base and tuning. first_trial_id keeps the file's order.
CREATE VIEW methods_by_arm (workload, arm, policy, first_trial_id, n_seeds, n_tuning_trials,
                            accuracy, accuracy_ci95_low, accuracy_ci95_high,
                            mean_heads, mean_heads_ci95_low, mean_heads_ci95_high,
                            executed_flops, executed_flops_ci95_low, executed_flops_ci95_high,
                            active_flops, dense_flops, latency_seeds,
                            batch_small, latency_small_ns,
                            latency_small_ns_ci95_low, latency_small_ns_ci95_high,
                            batch_large, latency_large_ns,
                            latency_large_ns_ci95_low, latency_large_ns_ci95_high,
                            training_flops, training_seconds, trained_accuracy, score_entropy) AS
WITH batched AS (
    SELECT *, mean - half95 AS low, mean + half95 AS high,
           min(CASE measure WHEN 'latency_ns' THEN part END) OVER (PARTITION BY workload) AS small,
           max(CASE measure WHEN 'latency_ns' THEN part END) OVER (PARTITION BY workload) AS large
    FROM interval_by_measure WHERE policy IS NOT NULL
), known AS (
    SELECT *, CASE WHEN measure <> 'latency_ns' THEN measure WHEN part = small THEN 'small'
                   WHEN part = large THEN 'large' END AS what
    FROM batched
)
SELECT k.workload, k.arm, k.policy, o.first_trial_id,
       max(CASE what WHEN 'accuracy' THEN n END), o.n_tuning_trials,
       max(CASE what WHEN 'accuracy' THEN mean END),
       max(CASE what WHEN 'accuracy' THEN low END), max(CASE what WHEN 'accuracy' THEN high END),
       max(CASE what WHEN 'heads' THEN mean END),
       max(CASE what WHEN 'heads' THEN low END), max(CASE what WHEN 'heads' THEN high END),
       max(CASE what WHEN 'executed_flops' THEN mean END),
       max(CASE what WHEN 'executed_flops' THEN low END), max(CASE what WHEN 'executed_flops' THEN high END),
       max(CASE what WHEN 'active_flops' THEN mean END), max(CASE what WHEN 'dense_flops' THEN mean END),
       max(CASE what WHEN 'small' THEN n END),
       max(k.small), max(CASE what WHEN 'small' THEN mean END),
       max(CASE what WHEN 'small' THEN low END), max(CASE what WHEN 'small' THEN high END),
       max(k.large), max(CASE what WHEN 'large' THEN mean END),
       max(CASE what WHEN 'large' THEN low END), max(CASE what WHEN 'large' THEN high END),
       max(CASE what WHEN 'training_flops' THEN mean END),
       max(CASE what WHEN 'training_seconds' THEN mean END), o.trained_accuracy, o.score_entropy
FROM known k JOIN mean_by_arm o ON o.workload = k.workload AND o.arm = k.arm
GROUP BY k.workload, k.arm;

-- The same sweep on a card and on the CPU: accuracies with two-sided 95% t intervals over seeds, and their
-- difference within each seed of the same data (NULL for one seed; it does not cover other test inputs). Seconds
-- are those of a training with its base and candidates.
CREATE VIEW accuracy_by_device (cpu_workload, workload, arm, device, cpu_accuracy, cpu_accuracy_ci95_low,
                                cpu_accuracy_ci95_high, accuracy, accuracy_ci95_low, accuracy_ci95_high,
                                difference_points, ci95_low_points, ci95_high_points, n_seeds,
                                cpu_mean_heads, mean_heads, cpu_training_seconds, training_seconds) AS
WITH mean AS MATERIALIZED (
    SELECT workload, arm, max(CASE measure WHEN 'accuracy' THEN mean END) AS accuracy,
           max(CASE measure WHEN 'accuracy' THEN half95 END) AS half,
           max(CASE measure WHEN 'heads' THEN mean END) AS heads,
           max(CASE measure WHEN 'training_seconds' THEN mean END) AS seconds,
           max(CASE measure WHEN 'points_over_cpu' THEN mean END) AS points,
           max(CASE measure WHEN 'points_over_cpu' THEN half95 END) AS half_points,
           max(CASE measure WHEN 'points_over_cpu' THEN n END) AS n
    FROM interval_by_measure GROUP BY workload, arm
), pair AS (
    SELECT DISTINCT cpu_workload, workload, arm, device FROM accuracy_by_device_by_seed
)
SELECT p.cpu_workload, p.workload, p.arm, p.device, c.accuracy, c.accuracy - c.half, c.accuracy + c.half,
       g.accuracy, g.accuracy - g.half, g.accuracy + g.half, g.points, g.points - g.half_points,
       g.points + g.half_points, coalesce(g.n, 0), c.heads, g.heads, c.seconds, g.seconds
FROM pair p JOIN mean c ON c.workload = p.cpu_workload AND c.arm = p.arm
JOIN mean g ON g.workload = p.workload AND g.arm = p.arm;

-- ---- what counting rules make of it ----

-- Counting rules of the field, as weights on the counts that are stored (evaluation.flops_by_component). run:
-- of what the arm executes; dense: of what all heads would execute, where a rule does not see that heads are
-- left out; by_s: of that as well, times the share of heads s. `embedding` is a look-up that some count as a
-- product with one-hot rows, 2 V D a token. Where a rule of others leaves open what policies cost of their
-- own, their gates count as products do.
--     BFC-1                  ours: everything, a multiply-add as 2, softmax 5, GELU 8, LayerNorm 5
--     GEMM only              products alone, without those of gates
--     fvcore                 a multiply-add as 1, LayerNorm 5, no other element-wise work; attention spelled
--                            out as products
--     fvcore, fused attention  the same where attention is one operator, which it does not know: 0
--     DeepSpeed              a multiply-add as 2, softmax 1, GELU 1, LayerNorm 5, additions 1; biases and
--                            means 0
--     ELECTRA                as BFC-1, but AV and output product of all heads whatever runs, and the
--                            embedding as a product; LayerNorm in full, which its script forgets once
--     ELECTRA, look-up       the same without the embedding (its flag for sparse embeddings)
--     paper (inferred)       of the attention block alone (projections with biases, map): the map shrinks
--                            with the real number s, not with the whole heads that run, and projections do
--                            not; gates are free. Inferred from the percentages that arXiv 2604.22583 reports
CREATE VIEW flop_convention (position, convention, run, dense, by_s) AS VALUES
    (1, 'BFC-1',
     '{"qkv": 1, "scores": 1, "scale": 1, "softmax": 1, "av": 1, "gate_multiply": 1, "output": 1,
       "attention_bias": 1, "ffn": 1, "ffn_bias": 1, "gelu": 1, "norm": 1, "residual": 1, "gate": 1,
       "position": 1, "pool": 1, "classifier": 1, "classifier_bias": 1}',
     '{}', '{}'),
    (2, 'GEMM only',
     '{"qkv": 1, "scores": 1, "av": 1, "output": 1, "ffn": 1, "classifier": 1}',
     '{}', '{}'),
    (3, 'fvcore',
     '{"qkv": 0.5, "scores": 0.5, "av": 0.5, "output": 0.5, "ffn": 0.5, "classifier": 0.5, "gate": 0.5,
       "norm": 1}',
     '{}', '{}'),
    (4, 'fvcore, fused attention',
     '{"qkv": 0.5, "output": 0.5, "ffn": 0.5, "classifier": 0.5, "gate": 0.5, "norm": 1}',
     '{}', '{}'),
    (5, 'DeepSpeed',
     '{"qkv": 1, "scores": 1, "scale": 1, "softmax": 0.2, "av": 1, "gate_multiply": 1, "output": 1,
       "ffn": 1, "gelu": 0.125, "norm": 1, "residual": 1, "gate": 1, "position": 1, "classifier": 1}',
     '{}', '{}'),
    (6, 'ELECTRA',
     '{"embedding": 1, "qkv": 1, "scores": 1, "scale": 1, "softmax": 1, "gate_multiply": 1,
       "attention_bias": 1, "ffn": 1, "ffn_bias": 1, "gelu": 1, "norm": 1, "residual": 1, "gate": 1,
       "position": 1, "pool": 1, "classifier": 1, "classifier_bias": 1}',
     '{"av": 1, "output": 1}', '{}'),
    (7, 'ELECTRA, look-up',
     '{"qkv": 1, "scores": 1, "scale": 1, "softmax": 1, "gate_multiply": 1, "attention_bias": 1,
       "ffn": 1, "ffn_bias": 1, "gelu": 1, "norm": 1, "residual": 1, "gate": 1, "position": 1,
       "pool": 1, "classifier": 1, "classifier_bias": 1}',
     '{"av": 1, "output": 1}', '{}'),
    (8, 'paper (inferred)',
     '{}',
     '{"qkv": 1, "output": 1, "attention_bias": 1}', '{"scores": 1, "scale": 1, "softmax": 1, "av": 1}');

-- FLOPs of each arm by each rule, per test input, and the share that it saves of the same model with all
-- heads (dense_arm, same seed: the same inputs), means over seeds. s is the learned budget, k / H where
-- there is none. Arms that run no heads are left out.
CREATE VIEW flops_by_convention (workload, arm, policy, position, convention, flops_per_input,
                                 all_heads_flops_per_input, saved_share, n_seeds) AS
WITH counted AS MATERIALIZED (
    SELECT r.workload, r.arm, r.policy, r.seed, r.evaluation_id AS id, coalesce(r.mean_s, r.head_budget) AS s,
           f.key AS component, CAST(f.value AS REAL) / e.n_inputs AS flops
    FROM accuracy_by_seed r JOIN evaluation e ON e.id = r.evaluation_id
    JOIN json_each(e.flops_by_component) f
    WHERE r.mean_heads > 0
    UNION ALL -- the pool adds D numbers a token
    SELECT r.workload, r.arm, r.policy, r.seed, r.evaluation_id, NULL, 'embedding',
           2.0 * t.vocab * json_extract(e.flops_by_component, '$.pool') / e.n_inputs
    FROM accuracy_by_seed r JOIN evaluation e ON e.id = r.evaluation_id JOIN trial t ON t.id = r.trial_id
    WHERE r.mean_heads > 0
), weight AS MATERIALIZED (
    SELECT position, convention, k.key AS component, max(k.part = 'run') * max(k.value) AS run,
           max(k.part = 'dense') * max(k.value) AS dense, max(k.part = 'by_s') * max(k.value) AS by_s
    FROM (SELECT position, convention, 'run' AS part, j.key, j.value FROM flop_convention, json_each(run) j
          UNION ALL
          SELECT position, convention, 'dense', j.key, j.value FROM flop_convention, json_each(dense) j
          UNION ALL
          SELECT position, convention, 'by_s', j.key, j.value FROM flop_convention, json_each(by_s) j) k
    GROUP BY position, k.key
), whole AS MATERIALIZED (
    SELECT c.workload, c.seed, c.component, c.flops FROM counted c JOIN dense_arm d USING (workload, arm)
    GROUP BY c.workload, c.seed, c.component
), model AS (
    SELECT c.workload, c.arm, c.policy, w.position, w.convention,
           sum(w.run * c.flops + (w.dense + coalesce(w.by_s * c.s, 0)) * d.flops) AS flops,
           sum((w.run + w.dense + w.by_s) * d.flops) AS whole
    FROM counted c JOIN whole d ON d.workload = c.workload AND d.seed = c.seed AND d.component = c.component
    JOIN weight w ON w.component = c.component
    GROUP BY c.id, w.position
)
SELECT workload, arm, policy, position, convention, avg(flops), avg(whole), avg(1 - flops / whole), count(*)
FROM model
GROUP BY workload, arm, position;

-- ---- times ----

-- The noise floor of each batch size: one model profiled twice, in turns (A/A). ratio_mean is the mean over
-- blocks of (median of the second profile / median of the first); it would be 1 on a silent machine.
-- noise_floor is how far its 95% t interval reaches from 1: a time ratio nearer to 1 than that
-- cannot be told from none. Of several arms that were profiled twice, each has a row.
CREATE VIEW noise_floor (workload, arm, seed, batch_size, n_blocks, ratio_mean, ci95_low, ci95_high,
                         noise_floor, device) AS
SELECT i.workload, i.arm, p.seed, p.batch_size, i.n, i.mean, i.mean - i.half95, i.mean + i.half95,
       abs(i.mean - 1) + i.half95, p.device
FROM interval_by_measure i CROSS JOIN current_profile p ON p.id = i.part -- CROSS: SQLite 3.46 would take p first
WHERE i.measure = 'profile_ratio';

-- Median and median absolute deviation (unscaled) of the raw samples of one batch's forward pass,
-- beside FLOPs and time relative to the dense arm at the same batch size. time_ratio is NULL where
-- either side has a warning or they were not timed under the same conditions; note says so. It is of the samples
-- of all seeds together. Its interval is the 95% t-interval over the n_ratios seeds of each one's own ratio
-- (saving_by_seed; NULL for one seed), of which time_ratio need not be the middle. noise_floor: a ratio nearer to 1
-- than that is none; the largest of the workload's at this batch size, NULL where no model was profiled twice.
CREATE VIEW latency_note (workload, arm, batch_size, latency_ns_median, latency_ns_mad,
                          flops_ratio, time_ratio, note, device, time_ratio_ci95_low, time_ratio_ci95_high,
                          n_ratios, noise_floor) AS
WITH environment AS MATERIALIZED (
    SELECT * FROM timing_environment
), timed AS ( -- conditions: NULL unless known and the same for every seed
    SELECT min(p.id) AS id, p.workload, p.arm, p.batch_size, p.device, avg(p.executed_flops_per_input) AS flops,
           max(p.warned) AS warned,
           CASE WHEN count(v.conditions) = count(*) AND count(DISTINCT v.conditions) = 1
                     AND (p.device = 'cpu' OR (count(v.card) = count(*) AND count(DISTINCT v.card) = 1))
                THEN min(v.conditions) || CASE p.device WHEN 'cpu' THEN '' ELSE min(v.card) END END AS conditions,
           min(v.revision) AS revision_min, max(v.revision) AS revision_max, count(*) AS n
    FROM current_profile p LEFT JOIN environment v USING (environment_id)
    GROUP BY p.workload, p.arm, p.batch_size, p.device
), summary AS MATERIALIZED ( -- GROUP BY as in value_by_repeat
    SELECT t.*, d.median, d.mad
    FROM timed t JOIN (
        SELECT id, 'arm' AS kind, median, mad FROM deviation_by_group WHERE grouped_by = 'arm'
        UNION ALL SELECT id, 'alone', median, mad FROM profile_summary
    ) d ON d.id = t.id AND d.kind = CASE t.n WHEN 1 THEN 'alone' ELSE 'arm' END GROUP BY t.id
), seeds AS MATERIALIZED (
    SELECT workload, arm, part AS batch_size, other AS device, n, mean, half95
    FROM interval_by_measure WHERE measure = 'ratio_seconds'
), floor AS MATERIALIZED (
    SELECT workload, batch_size, device, max(noise_floor) AS noise FROM noise_floor GROUP BY 1, 2, 3
), compared AS (
    SELECT s.*, s.flops / d.flops AS flops_ratio, s.median / d.median AS time_ratio,
           CASE WHEN d.arm IS NULL THEN 'no time of all heads to compare with'
                WHEN s.warned THEN 'timed with a warning'
                WHEN d.warned THEN 'all heads were timed with a warning'
                WHEN s.conditions = d.conditions THEN NULL
                ELSE 'not timed in the same environment as all heads' END AS obstacle,
           CASE WHEN min(s.revision_min, d.revision_min) <> max(s.revision_max, d.revision_max)
                THEN 'not timed by the same revision of the program as all heads' END AS remark
    FROM summary s
    LEFT JOIN (dense_arm JOIN summary USING (workload, arm)) d
           ON d.workload = s.workload AND d.batch_size = s.batch_size AND d.device = s.device
)
SELECT c.workload, c.arm, c.batch_size, c.median, c.mad, c.flops_ratio,
       CASE WHEN c.obstacle IS NULL THEN c.time_ratio END, coalesce(c.obstacle, c.remark, ''), c.device,
       CASE WHEN c.obstacle IS NULL THEN i.mean - i.half95 END,
       CASE WHEN c.obstacle IS NULL THEN i.mean + i.half95 END,
       CASE WHEN c.obstacle IS NULL THEN coalesce(i.n, 0) ELSE 0 END, f.noise
FROM compared c
LEFT JOIN seeds i ON i.workload = c.workload AND i.arm = c.arm AND i.batch_size = c.batch_size
                 AND i.device = c.device
LEFT JOIN floor f ON f.workload = c.workload AND f.batch_size = c.batch_size AND f.device = c.device;

-- latency_note without its note.
CREATE VIEW latency_vs_flops (workload, arm, batch_size, latency_ns_median, latency_ns_mad,
                              flops_ratio, time_ratio, device, time_ratio_ci95_low, time_ratio_ci95_high,
                              n_ratios, noise_floor) AS
SELECT workload, arm, batch_size, latency_ns_median, latency_ns_mad, flops_ratio, time_ratio, device,
       time_ratio_ci95_low, time_ratio_ci95_high, n_ratios, noise_floor
FROM latency_note;

-- Median and tails of the raw samples of one batch's forward pass, all seeds of an arm together. p90 and p99
-- are the samples below which at least that share lies (nearest rank); NULL where fewer than 10 or 100
-- samples would make them the longest one. Arms timed with a warning are left out.
CREATE VIEW latency_quantiles (workload, arm, batch_size, n_samples, p50_ns, p90_ns, p99_ns, device) AS
WITH timed AS (
    SELECT min(id) AS id, workload, arm, batch_size, device FROM current_profile
    GROUP BY workload, arm, batch_size, device HAVING max(warned) = 0
)
SELECT t.workload, t.arm, t.batch_size, max(r.n), avg(CASE WHEN r.middle THEN r.value END),
       CASE WHEN max(r.n) >= 10 THEN min(CASE WHEN 10 * r.place >= 9 * r.n THEN r.value END) END,
       CASE WHEN max(r.n) >= 100 THEN min(CASE WHEN 100 * r.place >= 99 * r.n THEN r.value END) END,
       t.device
FROM timed t JOIN ranked_by_group r ON r.grouped_by IN ('arm', 'alone') AND r.id = t.id
GROUP BY t.id;

-- How quiet the machine was while a workload was timed: runnable threads beside the timed one (mean over
-- blocks), and the share of its time that it had a core.
CREATE VIEW timing_noise (workload, n_blocks, others_running, cpu_share, device) AS
SELECT t.workload, count(*), avg(b.others_running), avg(b.cpu_share), t.device_label
FROM current_trial t JOIN profile p ON p.trial_id = t.id JOIN profile_block b ON b.profile_id = p.id
WHERE t.kind <> 'train' AND t.status = 'ok'
GROUP BY t.workload, t.device_label;

-- How many samples stand apart: more than 3 scaled median absolute deviations (1.4826 MAD is the standard
-- deviation of a normal distribution) and also more than 2% from the median of their profile. They
-- stay in the medians; worst is the longest of them in medians.
CREATE VIEW latency_outlier (workload, arm, seed, batch_size, n_samples, n_outliers, worst, device) AS
SELECT p.workload, p.arm, p.seed, p.batch_size, d.n, count(*), max(s.latency_ns / d.median), p.device
FROM current_profile p JOIN profile_summary d USING (id) JOIN profile_sample s ON s.profile_id = p.id
WHERE abs(s.latency_ns - d.median) > 3 * 1.4826 * d.mad
  AND abs(s.latency_ns - d.median) > 0.02 * d.median
GROUP BY p.id;

-- ---- where time, memory and energy go ----

-- Where a forward pass spends its time, against the heads that run: means over seeds. Profiles with a
-- warning are left out. The dense arm's own rows are what a share falls from.
CREATE VIEW phase_by_budget (workload, arm, policy, batch_size, mean_heads, phase, time_ns, time_share,
                             flops, flops_share, bytes, n_seeds, device) AS
WITH known AS (
    SELECT p.workload, p.arm, p.policy, p.batch_size, p.mean_heads, p.device, h.*,
           h.flops / sum(h.flops) OVER (PARTITION BY p.id) AS flops_share
    FROM current_profile p JOIN phase h ON h.profile_id = p.id
    WHERE NOT p.warned
)
SELECT workload, arm, policy, batch_size, avg(mean_heads), phase, avg(time_ns), avg(share), avg(flops),
       avg(flops_share), avg(bytes), count(*), device
FROM known GROUP BY workload, arm, batch_size, device, phase;

-- What the markers cost: time of a pass with them over the time of the same batch without (the median of
-- these ratios, pass by pass); the time that as many marks should take as a share of the pass; and how far
-- the phases' sum is from the wall time: on a card, whose own clock they are read from, by what the host does
-- before its first kernel and after its last.
CREATE VIEW phase_cost (workload, arm, seed, batch_size, marks_per_pass, mark_ns, marks_share,
                        marked_over_unmarked, unaccounted_share, device) AS
WITH marked AS (
    SELECT p.*, (SELECT avg(marked_ns) FROM profile_sample s WHERE s.profile_id = p.id) AS ns,
           (SELECT sum(time_ns) FROM phase h WHERE h.profile_id = p.id) * p.inputs_per_sample AS phases_ns
    FROM current_profile p
)
SELECT p.workload, p.arm, p.seed, p.batch_size, p.marks_per_pass, p.mark_ns,
       p.marks_per_pass * p.mark_ns / p.ns, m.marked_over_unmarked, 1 - p.phases_ns / p.ns, p.device
FROM marked p JOIN profile_summary m USING (id) WHERE m.marked_over_unmarked IS NOT NULL;

-- Every phase that computes, by its arithmetic intensity (FLOPs per byte of its operands) below the roof
-- that the machine has there: the sgemm peak, or the intensity times the triad's bandwidth. A phase whose
-- operands lie in cache may stand above the slanted part; that one is faster than the peak is a fault of the
-- peak, and reason says so. Means over seeds; profiles with a warning are left out, and the time holds the
-- markers' own (phase_cost). The roof is NULL, and reason says why, where no ceiling was measured; reason is
-- NULL where all is as it should be.
CREATE VIEW roofline_by_phase (workload, arm, policy, batch_size, mean_heads, phase, flops_per_byte,
                               flops_per_second, roof_flops_per_second, roof_share, bound, time_share,
                               sgemm_flops_per_second, triad_bytes_per_second, n_seeds, reason, device) AS
WITH known AS (
    SELECT p.workload, p.arm, p.policy, p.batch_size, p.device, h.phase, avg(p.mean_heads) AS mean_heads,
           sum(h.flops) / sum(h.bytes) AS intensity, 1e9 * sum(h.flops) / sum(h.time_ns) AS rate,
           avg(h.share) AS time_share, avg(c.sgemm_flops_per_second) AS peak,
           avg(c.triad_bytes_per_second) AS bandwidth, count(*) AS n
    FROM current_profile p JOIN phase h ON h.profile_id = p.id
    LEFT JOIN ceiling c ON c.environment_id = p.environment_id AND p.device = 'cpu' -- it is of a core
    WHERE NOT p.warned AND h.flops > 0 AND h.bytes > 0 AND h.time_ns > 0
    GROUP BY p.workload, p.arm, p.batch_size, p.device, h.phase
)
SELECT workload, arm, policy, batch_size, mean_heads, phase, intensity, rate,
       min(peak, intensity * bandwidth), rate / min(peak, intensity * bandwidth),
       CASE WHEN intensity * bandwidth < peak THEN 'memory' WHEN peak IS NOT NULL THEN 'compute' END,
       time_share, peak, bandwidth, n,
       CASE WHEN device <> 'cpu' THEN 'the ceiling of a card is not measured'
            WHEN peak IS NULL THEN 'no ceiling was measured in this environment: its profiles ran with '
           || '--no-ceiling, or memory was short; the next profile that runs without that measures it'
            WHEN rate > peak THEN 'above its roof, which others were in the way of when it was measured; the '
           || 'next sweep that profiles measures it again, and the best stays' END,
       device
FROM known;

-- How each training went, epoch by epoch; step: optimiser steps done at its end. Losses and accuracy as in the table
-- epoch; train_mean_s and train_score_entropy (of the most that is possible) are means over the epoch, NULL where a
-- method has none. temperature: of the scores at that step, as the options tau_start, tau_end and tau_until set it;
-- it follows from the step alone and was not measured. Of a tuned trial the chosen candidate.
CREATE VIEW training_by_epoch (workload, arm, policy, seed, trial_id, epoch, step, train_loss, train_regulariser,
                               validation_loss, validation_accuracy, validation_mean_heads, train_mean_s,
                               train_score_entropy, temperature, learning_rate) AS
WITH model AS MATERIALIZED ( -- GROUP BY as in value_by_repeat
    SELECT id, workload, arm, policy, seed, json_extract(config, '$.policy_options.tau_start') AS first,
           json_extract(config, '$.policy_options.tau_end') AS last,
           json_extract(config, '$.policy_options.tau_until') AS until,
           (SELECT max(step) FROM epoch e WHERE e.trial_id = t.id) AS steps
    FROM current_training t GROUP BY id
)
SELECT m.workload, m.arm, m.policy, m.seed, m.id, e.epoch, e.step, e.train_loss, e.train_regulariser, e.validation_loss,
       e.validation_accuracy, e.validation_mean_heads, e.train_mean_s, e.train_score_entropy,
       m.first * pow(1.0 * m.last / m.first, min(1, 1.0 * e.step / m.steps / m.until)), e.learning_rate
FROM model m JOIN epoch e ON e.trial_id = m.id;

-- Where training spends its time: means over seeds.
CREATE VIEW training_phase_share (workload, arm, policy, phase, seconds, share, n_seeds) AS
SELECT t.workload, t.arm, t.policy, h.phase, avg(h.seconds), avg(h.share), count(*)
FROM current_trial t JOIN training_phase h ON h.trial_id = t.id
WHERE t.status = 'ok'
GROUP BY t.workload, t.arm, h.phase;

-- Memory by purpose and by stretch of time, beside what the closed form predicts: means over seeds.
CREATE VIEW memory_by_purpose (workload, arm, kind, what, bytes, predicted_bytes, ratio, page_faults,
                               reason, n_seeds, device) AS
SELECT t.workload, t.arm, t.kind, m.what, avg(m.bytes), avg(m.predicted_bytes),
       avg(m.bytes) / avg(m.predicted_bytes), avg(m.page_faults), max(m.reason), count(*), t.device_label
FROM current_trial t JOIN memory m ON m.trial_id = t.id
WHERE t.status = 'ok'
GROUP BY t.workload, t.arm, t.kind, t.device_label, m.what;

-- Energy per input, means over seeds; added is what the machine or card at rest would not have used. gCO2
-- is energy x the grid's intensity that the workload file gives, and NULL where it gives none.
-- ci95_half_joules_per_input says how well the same models' energy was measured: of the mean of their
-- intervals over n_regions regions each, and nothing about other seeds; NULL where a model had one region.
CREATE VIEW energy_by_batch (workload, arm, batch_size, domain, joules_per_input,
                             added_joules_per_input, gco2_per_input, reason, device, idle_watts,
                             seconds_per_input, n_regions, ci95_half_joules_per_input, n_seeds) AS
SELECT p.workload, p.arm, p.batch_size, e.domain, avg(e.joules_per_input),
       avg(e.joules_per_input - e.idle_watts * e.seconds_per_input),
       avg(e.joules_per_input) / 3.6e6
           * nullif(max(json_extract(p.config, '$.profile.grid_gco2_per_kwh')), 0),
       max(e.reason), p.device, avg(e.idle_watts), avg(e.seconds_per_input), min(e.n_regions),
       CASE WHEN count(e.ci95_half_joules_per_input) = count(e.joules_per_input)
            THEN sqrt(sum(e.ci95_half_joules_per_input * e.ci95_half_joules_per_input))
                 / count(e.joules_per_input) END,
       count(e.joules_per_input)
FROM current_profile p JOIN energy e ON e.profile_id = p.id
GROUP BY p.workload, p.arm, p.batch_size, p.device, e.domain;

-- What leaving heads out saves: each quantity of saving_by_seed for an input and relative to all heads, means over
-- seeds with 95% t intervals (NULL for one), a row for each batch size and device. mean_heads are those of the
-- inputs that were profiled. n_ratios: the seeds of which all heads were measured under the same conditions.
CREATE VIEW saving_by_batch (workload, arm, policy, batch_size, device, mean_heads, quantity, value,
                             value_ci95_low, value_ci95_high, n_seeds, ratio, ratio_ci95_low, ratio_ci95_high,
                             n_ratios) AS
WITH known AS MATERIALIZED (
    SELECT * FROM interval_by_measure WHERE measure GLOB 'taken_*' OR measure GLOB 'ratio_*'
), arm AS MATERIALIZED (
    SELECT workload, arm, policy, batch_size, device, quantity, avg(mean_heads) AS heads
    FROM saving_by_seed GROUP BY workload, arm, batch_size, device, quantity
)
SELECT a.workload, a.arm, a.policy, a.batch_size, a.device, a.heads, a.quantity, t.mean, t.mean - t.half95,
       t.mean + t.half95, t.n, r.mean, r.mean - r.half95, r.mean + r.half95, coalesce(r.n, 0)
FROM arm a JOIN known t ON t.measure = 'taken_' || a.quantity AND t.workload = a.workload AND t.arm = a.arm
                       AND t.part = a.batch_size AND t.other = a.device
LEFT JOIN known r ON r.measure = 'ratio_' || a.quantity AND r.workload = a.workload AND r.arm = a.arm
                 AND r.part = a.batch_size AND r.other = a.device;

-- ---- what the hardware counted ----

-- Hardware and software counters of one forward pass, per input, at every profiled batch size: means over
-- seeds. value_per_input is NULL, and reason says why, where none of them could count.
CREATE VIEW counter_by_batch (workload, arm, batch_size, mean_heads, role, value_per_input, status,
                              reason, scope, device) AS
SELECT p.workload, p.arm, p.batch_size, avg(p.mean_heads), c.role, avg(c.value_per_input),
       min(c.status), max(c.reason), c.scope, p.device
FROM current_profile p JOIN counter c ON c.profile_id = p.id
GROUP BY p.workload, p.arm, p.batch_size, p.device, c.role, c.scope;

-- Counters per input at the smallest batch size that the arm was profiled at: value is per input. Join
-- accuracy_vs_budget for the budget of the arm.
CREATE VIEW counter_vs_budget (workload, arm, role, value, status, reason, scope, device) AS
SELECT workload, arm, role, value_per_input, status, reason, scope, device
FROM (SELECT *, min(batch_size) OVER (PARTITION BY workload, arm, device) AS smallest FROM counter_by_batch)
WHERE batch_size = smallest;

-- What the counters of one model's passes say together, per input and as rates. source is 'measured',
-- 'multiplexed' (extrapolated from a part of the time), 'simulated', 'card' (counters of the card that ran the
-- passes) or 'host' (of the thread that drove it), and a row never mixes them; a rate is NULL where one of its
-- counts is missing: a simulator has no cycles, and a host executes none of a card's FLOPs. FLOPs are those of
-- the passes counted, by the formula; fp_operations_per_flop holds what the hardware counted against them (single
-- precision where that is all it counts: the models compute in nothing else; of a card its multiply-adds as two,
-- and what its tensor cores did).
CREATE VIEW counter_rates (workload, arm, policy, seed, batch_size, source, mean_heads,
                           executed_flops_per_input, instructions_per_input, instructions_per_cycle,
                           l1d_misses_per_1000_instructions, llc_misses_per_1000_instructions,
                           branch_misses_per_1000_instructions, flops_per_cycle,
                           flops_per_instruction, fp_operations_per_flop, device) AS
WITH placed AS (
    SELECT *, CASE scope WHEN 'simulator' THEN 'simulated' WHEN 'gpu' THEN 'card' ELSE '' END AS place,
           CASE scope WHEN 'gpu' THEN substr(role, 5) ELSE role END AS counted -- gpu_cycles
    FROM counter WHERE scope <> 'gpu' OR role GLOB 'gpu_*'
), wide AS (
    SELECT profile_id, place, max(status = 'multiplexed') AS multiplexed,
           max(CASE counted WHEN 'cycles' THEN value_per_input END) AS cycles,
           max(CASE counted WHEN 'instructions' THEN value_per_input END) AS instructions,
           max(CASE counted WHEN 'l1d_misses' THEN value_per_input END) AS l1d_misses,
           max(CASE counted WHEN 'llc_misses' THEN value_per_input END) AS llc_misses,
           max(CASE counted WHEN 'branch_misses' THEN value_per_input END) AS branch_misses,
           coalesce(max(CASE counted WHEN 'fp_operations' THEN value_per_input END),
                    max(CASE counted WHEN 'fp_single' THEN value_per_input END),
                    2 * max(CASE counted WHEN 'fma' THEN value_per_input END)
                    + max(CASE counted WHEN 'tensor_operations' THEN value_per_input END)) AS fp_operations,
           max(CASE WHEN scope = 'simulator' AND role = 'executed_flops' THEN value_per_input END) AS flops,
           max(CASE WHEN scope = 'simulator' AND role = 'heads_run' THEN value_per_input END) AS heads
    FROM placed GROUP BY profile_id, place
), known AS (
    SELECT c.*, p.workload, p.arm, p.policy, p.seed, p.batch_size, p.device,
           CASE WHEN place <> '' THEN place WHEN p.device <> 'cpu' THEN 'host'
                WHEN multiplexed THEN 'multiplexed' ELSE 'measured' END AS source,
           CASE place WHEN 'simulated' THEN heads ELSE p.mean_heads END AS mean_heads,
           CASE WHEN place = 'simulated' THEN flops WHEN place = 'card' OR p.device = 'cpu'
                THEN p.executed_flops_per_input END AS executed
    FROM wide c JOIN current_profile p ON p.id = c.profile_id
)
SELECT workload, arm, policy, seed, batch_size, source, mean_heads, executed,
       instructions, instructions / cycles, 1000 * l1d_misses / instructions,
       1000 * llc_misses / instructions, 1000 * branch_misses / instructions,
       executed / cycles, executed / instructions, fp_operations / executed, device
FROM known;

-- Instructions and executed FLOPs relative to the arm that runs all heads: same seed, batch size and
-- source, so the same inputs. instructions_over_flops is 1 where instructions fall exactly as the
-- FLOP formula says; below 1 they fall faster. NULL where instructions were not counted.
CREATE VIEW instructions_vs_flops (workload, arm, policy, seed, batch_size, source, mean_heads,
                                   executed_flops_per_input, instructions_per_input, flops_ratio,
                                   instructions_ratio, instructions_over_flops, device) AS
WITH beside AS (
    SELECT r.*, max(r.arm = a.arm) OVER same AS comparable,
           executed_flops_per_input / max(CASE r.arm WHEN a.arm THEN executed_flops_per_input END) OVER same
               AS flops_ratio,
           instructions_per_input / max(CASE r.arm WHEN a.arm THEN instructions_per_input END) OVER same
               AS instructions_ratio
    FROM counter_rates r JOIN dense_arm a USING (workload)
    WINDOW same AS (PARTITION BY r.workload, r.seed, r.batch_size, r.device, r.source)
)
SELECT workload, arm, policy, seed, batch_size, source, mean_heads, executed_flops_per_input,
       instructions_per_input, flops_ratio, instructions_ratio, instructions_ratio / flops_ratio, device
FROM beside
WHERE comparable;

-- ---- how fast are the kernels ----

-- The latest bench of each machine (rows of environment that agree in host and machine): full runs,
-- or quick ones where there is nothing else. reached is what the target is about; met is 0 or 1.
CREATE VIEW bench_latest (host, machine, finished_at, quick, position, section, name, unit, median,
                          lowest, highest, n_samples, share, target_kind, target, reached, met) AS
WITH ranked AS (
    SELECT b.*, e.host, e.machine,
           row_number() OVER (PARTITION BY e.host, e.machine ORDER BY b.quick, b.id DESC) AS rank
    FROM bench_run b JOIN environment e ON e.id = b.environment_id
)
SELECT b.host, b.machine, b.finished_at, b.quick, r.position, r.section, r.name, r.unit, r.median,
       r.lowest, r.highest, r.n_samples, r.share, r.target_kind, r.target,
       coalesce(r.share, r.median),
       CASE r.target_kind WHEN 'at least' THEN coalesce(r.share, r.median) >= r.target
                          WHEN 'at most' THEN coalesce(r.share, r.median) <= r.target END
FROM ranked b JOIN bench_result r ON r.bench_run_id = b.id
WHERE b.rank = 1;
