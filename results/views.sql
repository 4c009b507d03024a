-- The views: what people, figures and queries read of the tables (tables.sql). They hold no data, so they
-- can change from one version of the program to the next while the tables stay.

-- Quantiles of Student's t for two-sided 95% and 90% intervals. Beyond 30 degrees of freedom the
-- views use those of 30, which makes intervals a little too wide, never too narrow.
CREATE VIEW t_quantile (df, t95, t90) AS VALUES
    ( 1, 12.7062, 6.3138), ( 2, 4.3027, 2.9200), ( 3, 3.1824, 2.3534), ( 4, 2.7764, 2.1318),
    ( 5,  2.5706, 2.0150), ( 6, 2.4469, 1.9432), ( 7, 2.3646, 1.8946), ( 8, 2.3060, 1.8595),
    ( 9,  2.2622, 1.8331), (10, 2.2281, 1.8125), (11, 2.2010, 1.7959), (12, 2.1788, 1.7823),
    (13,  2.1604, 1.7709), (14, 2.1448, 1.7613), (15, 2.1314, 1.7531), (16, 2.1199, 1.7459),
    (17,  2.1098, 1.7396), (18, 2.1009, 1.7341), (19, 2.0930, 1.7291), (20, 2.0860, 1.7247),
    (21,  2.0796, 1.7207), (22, 2.0739, 1.7171), (23, 2.0687, 1.7139), (24, 2.0639, 1.7109),
    (25,  2.0595, 1.7081), (26, 2.0555, 1.7056), (27, 2.0518, 1.7033), (28, 2.0484, 1.7011),
    (29,  2.0452, 1.6991), (30, 2.0423, 1.6973);

-- What happened to every trial of the latest plan.
CREATE VIEW trial_status (trial_id, workload, arm, seed, status, reason, command) AS
SELECT t.id, w.name, t.arm, t.seed, t.status, t.reason, t.command
FROM trial t JOIN workload w ON w.id = t.workload_id
WHERE t.current = 1;

-- What makes a trial's numbers doubtful although it ended well.
CREATE VIEW trial_warning (trial_id, workload, arm, seed, kind, warning) AS
SELECT t.id, w.name, t.arm, t.seed, t.kind, m.text
FROM warning m JOIN trial t ON t.id = m.trial_id JOIN workload w ON w.id = t.workload_id
WHERE t.current = 1;

-- Training of each workload at a glance; reason is the first one given for a skipped trial.
-- n_warnings counts those of its profiles too.
CREATE VIEW workload_status (workload, granularity, n_classes, n_trials, n_ok, n_skipped, n_failed,
                             reason, n_warnings) AS
SELECT w.name, w.granularity, w.n_classes, count(*), sum(t.status = 'ok'), sum(t.status = 'skipped'),
       sum(t.status IN ('failed', 'killed', 'timeout', 'oom', 'interrupted')),
       coalesce(min(CASE t.status WHEN 'skipped' THEN t.reason END), ''),
       (SELECT count(*) FROM trial_warning m WHERE m.workload = w.name)
FROM trial t JOIN workload w ON w.id = t.workload_id
WHERE t.current = 1 AND t.kind = 'train'
GROUP BY w.id;

-- The machines behind the current results.
CREATE VIEW machine (kind, machine, n_trials) AS
SELECT t.kind, e.machine, count(*)
FROM trial t JOIN environment e ON e.id = t.environment_id
WHERE t.current = 1 AND t.status = 'ok'
GROUP BY t.kind, e.machine;

-- One row per trained model: the best validation epoch's weights on the test split. BudgetFormer's
-- controls and inference modes are arms of their own. A model without encoder layers runs no heads: 0,
-- not unknown.
CREATE VIEW accuracy_by_seed (workload, granularity, n_classes, arm, policy, cost_weight, seed,
                              trial_id, evaluation_id, base_heads, layers, head_budget, mean_heads,
                              mean_s, accuracy, executed_flops_per_input,
                              active_flops_per_input, n_inputs, n_tuning_trials) AS
SELECT w.name, w.granularity, w.n_classes,
       t.arm || CASE e.control WHEN 'none' THEN '' ELSE ' (' || e.control || ')' END,
       t.policy || CASE e.control WHEN 'none' THEN '' ELSE '/' || e.control END,
       t.cost_weight, t.seed, t.id, e.id, e.heads, e.layers,
       CASE e.layers WHEN 0 THEN 0.0 ELSE e.mean_heads / e.heads END,
       CASE e.layers WHEN 0 THEN 0.0 ELSE e.mean_heads END,
       e.mean_s, e.accuracy, CAST(e.executed_flops AS REAL) / e.n_inputs,
       CAST(e.active_flops AS REAL) / e.n_inputs, e.n_inputs,
       max(1, (SELECT count(*) FROM tuning u WHERE u.trial_id = t.id))
FROM trial t JOIN workload w ON w.id = t.workload_id JOIN evaluation e ON e.trial_id = t.id
WHERE t.current = 1 AND t.kind = 'train' AND t.status = 'ok'
  AND e.weights = 'best' AND e.split = 'test';

-- The data behind the current results of each workload: what its latest training saw. Every trial of a
-- workload sees the same data.
CREATE VIEW data_set (workload, granularity, corpus, n_classes, n_train, n_validation, n_test, vocab,
                      mean_length_tokens, truncated_share, unknown_share, n_dropped, n_overlap,
                      n_overlap_texts, n_overlap_dropped) AS
SELECT w.name, w.granularity, w.corpus, w.n_classes, t.n_train, t.n_validation, t.n_test, t.vocab,
       t.mean_length_tokens,
       CAST(t.n_truncated AS REAL) / (t.n_train + t.n_validation + t.n_test), t.unknown_share,
       t.n_dropped, t.n_overlap, t.n_overlap_texts, t.n_overlap_dropped
FROM workload w
JOIN trial t ON t.id = (SELECT max(id) FROM trial c WHERE c.workload_id = w.id AND c.current = 1
                        AND c.kind = 'train' AND c.status = 'ok');

-- Means over seeds with two-sided 95% t intervals (n - 1 degrees of freedom; NULL for one seed).
-- An interval may reach past 0 or 1. head_budget is mean_heads / H. cost_weight is NULL where tuning
-- chose different ones for different seeds.
CREATE VIEW accuracy_vs_budget (workload, granularity, n_classes, arm, policy, cost_weight,
                                head_budget, mean_heads, mean_s, accuracy_mean, accuracy_ci95_low,
                                accuracy_ci95_high, n_seeds, executed_flops_per_input,
                                active_flops_per_input, n_tuning_trials) AS
WITH centred AS (
    SELECT *, avg(accuracy) OVER arms AS mean
    FROM accuracy_by_seed WINDOW arms AS (PARTITION BY workload, arm)
), summary AS (
    SELECT workload, granularity, n_classes, arm, policy,
           CASE WHEN min(cost_weight) = max(cost_weight) THEN min(cost_weight) END AS cost_weight,
           max(n_tuning_trials) AS n_tuning_trials,
           avg(head_budget) AS head_budget, avg(mean_heads) AS mean_heads, avg(mean_s) AS mean_s,
           avg(accuracy) AS mean, count(accuracy) AS n, avg(executed_flops_per_input) AS flops,
           avg(active_flops_per_input) AS active,
           sqrt(sum((accuracy - mean) * (accuracy - mean))
                / (count(accuracy) - 1) / count(accuracy)) AS error
    FROM centred GROUP BY workload, arm
)
SELECT workload, granularity, n_classes, arm, policy, cost_weight, head_budget, mean_heads, mean_s,
       mean, mean - t95 * error, mean + t95 * error, n, flops, active, n_tuning_trials
FROM summary LEFT JOIN t_quantile ON df = min(n - 1, 30);

-- Arm a minus arm b in percentage points, paired by seed: same data, same initial streams. Equal
-- within 1 point: the 90% interval lies inside -1 .. 1 (two one-sided tests at 5%).
CREATE VIEW paired_difference (workload, arm_a, arm_b, difference_points, ci95_low_points,
                               ci95_high_points, ci90_low_points, ci90_high_points, n_pairs) AS
WITH pair AS (
    SELECT a.workload, a.arm AS arm_a, b.arm AS arm_b, 100 * (a.accuracy - b.accuracy) AS difference
    FROM accuracy_by_seed a
    JOIN accuracy_by_seed b ON b.workload = a.workload AND b.seed = a.seed AND b.arm <> a.arm
), centred AS (
    SELECT *, avg(difference) OVER (PARTITION BY workload, arm_a, arm_b) AS mean FROM pair
), summary AS (
    SELECT workload, arm_a, arm_b, avg(difference) AS mean, count(difference) AS n,
           sqrt(sum((difference - mean) * (difference - mean))
                / (count(difference) - 1) / count(difference)) AS error
    FROM centred GROUP BY workload, arm_a, arm_b
)
SELECT workload, arm_a, arm_b, mean,
       mean - t95 * error, mean + t95 * error,
       mean - t90 * error, mean + t90 * error, n
FROM summary LEFT JOIN t_quantile ON df = min(n - 1, 30);

-- The share of test inputs that run k heads in a layer, all seeds together.
CREATE VIEW budget_by_layer (workload, arm, layer, k, share) AS
SELECT r.workload, r.arm, b.layer, b.k,
       CAST(sum(b.n_inputs) AS REAL)
           / sum(sum(b.n_inputs)) OVER (PARTITION BY r.workload, r.arm, b.layer)
FROM accuracy_by_seed r JOIN layer_budget b ON b.evaluation_id = r.evaluation_id
GROUP BY r.workload, r.arm, b.layer, b.k;

-- Heads and accuracy of one trained model on the test inputs of one known difficulty; mean_heads is
-- heads computed (prediction.heads_run) per layer, n_inputs is how many test inputs have this difficulty.
CREATE VIEW budget_by_difficulty_by_seed (workload, arm, seed, difficulty, n_inputs, accuracy,
                                          mean_heads) AS
SELECT r.workload, r.arm, r.seed, p.difficulty, count(*), avg(p.predicted = p.label),
       CASE r.layers WHEN 0 THEN 0.0 ELSE avg(p.heads_run) / r.layers END
FROM accuracy_by_seed r JOIN prediction p ON p.evaluation_id = r.evaluation_id
WHERE p.difficulty IS NOT NULL
GROUP BY r.evaluation_id, p.difficulty;

-- Does the budget follow the known difficulty? Means over seeds of the above.
CREATE VIEW budget_by_difficulty (workload, arm, difficulty, n_inputs, accuracy, mean_heads,
                                  mean_heads_ci95_low, mean_heads_ci95_high, n_seeds) AS
WITH centred AS (
    SELECT *, avg(mean_heads) OVER (PARTITION BY workload, arm, difficulty) AS mean
    FROM budget_by_difficulty_by_seed
), summary AS (
    SELECT workload, arm, difficulty, max(n_inputs) AS n_inputs, avg(accuracy) AS accuracy,
           avg(mean_heads) AS mean, count(*) AS n,
           sqrt(sum((mean_heads - mean) * (mean_heads - mean))
                / (count(*) - 1) / count(*)) AS error
    FROM centred GROUP BY workload, arm, difficulty
)
SELECT workload, arm, difficulty, n_inputs, accuracy, mean,
       mean - t95 * error, mean + t95 * error, n
FROM summary LEFT JOIN t_quantile ON df = min(n - 1, 30);

-- The same in one number: heads per layer at the workload's largest difficulty minus those at its
-- smallest, paired within each seed. Only where there are several difficulties.
CREATE VIEW budget_trend (workload, arm, difficulty_low, difficulty_high, heads_difference_mean,
                          heads_difference_ci95_low, heads_difference_ci95_high, n_seeds) AS
WITH by_seed AS MATERIALIZED (
    SELECT * FROM budget_by_difficulty_by_seed
), ends AS (
    SELECT workload, min(difficulty) AS low, max(difficulty) AS high FROM by_seed GROUP BY workload
), pair AS (
    SELECT e.workload, h.arm, e.low, e.high, h.mean_heads - l.mean_heads AS difference
    FROM ends e
    JOIN by_seed h ON h.workload = e.workload AND h.difficulty = e.high
    JOIN by_seed l ON l.workload = e.workload AND l.difficulty = e.low
        AND l.arm = h.arm AND l.seed = h.seed
    WHERE e.low < e.high
), centred AS (
    SELECT *, avg(difference) OVER (PARTITION BY workload, arm) AS mean FROM pair
), summary AS (
    SELECT workload, arm, low, high, avg(difference) AS mean, count(*) AS n,
           sqrt(sum((difference - mean) * (difference - mean))
                / (count(*) - 1) / count(*)) AS error
    FROM centred GROUP BY workload, arm
)
SELECT workload, arm, low, high, mean, mean - t95 * error, mean + t95 * error, n
FROM summary LEFT JOIN t_quantile ON df = min(n - 1, 30);

-- The reference of every ratio: the trained arm that runs all H heads in every layer.
CREATE VIEW dense_arm (workload, arm) AS
SELECT workload, min(arm)
FROM accuracy_by_seed r
WHERE policy = 'fixed' AND layers > 0
  AND NOT EXISTS (SELECT 1 FROM layer_budget b
                  WHERE b.evaluation_id = r.evaluation_id AND b.k <> r.base_heads)
GROUP BY workload;

-- Every trained arm against the arm with all heads, in points of test accuracy: the difference with a
-- 95% interval that holds for other seeds and for other test inputs. Both arms saw the same seeds and
-- the same inputs, so both parts are paired. seeds_half: t interval over the seeds' differences.
-- inputs_half: normal interval over the inputs' differences, each the mean over seeds, with one win and
-- one loss added (Bonett and Price 2012 do so for one seed), so that few inputs without any difference
-- prove nothing. The halves add as squares; what seeds and inputs share is in both, so the interval is
-- a little too wide. NULL with one seed. Arms whose model has other heads or layers are left out.
CREATE VIEW difference_to_all_heads (workload, arm, policy, mean_heads, heads, n_seeds, n_inputs,
                                     difference_points, seeds_half_points, inputs_half_points,
                                     ci95_low_points, ci95_high_points) AS
WITH pair AS MATERIALIZED (
    SELECT a.workload, a.arm, a.policy, a.mean_heads, a.base_heads AS heads, a.evaluation_id AS own,
           b.evaluation_id AS dense, a.accuracy - b.accuracy AS difference
    FROM dense_arm d JOIN accuracy_by_seed b ON b.workload = d.workload AND b.arm = d.arm
    JOIN accuracy_by_seed a ON a.workload = b.workload AND a.seed = b.seed AND a.arm <> b.arm
    WHERE instr(a.policy, '/') = 0 AND a.base_heads = b.base_heads AND a.layers = b.layers
), centred AS (
    SELECT *, avg(difference) OVER (PARTITION BY workload, arm) AS mean FROM pair
), seeds AS (
    SELECT workload, arm, policy, avg(mean_heads) AS mean_heads, max(heads) AS heads, count(*) AS n,
           avg(difference) AS mean,
           sqrt(sum((difference - mean) * (difference - mean)) / (count(*) - 1) / count(*)) AS error
    FROM centred GROUP BY workload, arm
), input AS (
    SELECT p.workload, p.arm, avg((x.predicted = x.label) - (y.predicted = y.label)) AS difference
    FROM pair p JOIN prediction x ON x.evaluation_id = p.own
    JOIN prediction y ON y.evaluation_id = p.dense AND y.input = x.input
    GROUP BY p.workload, p.arm, x.input
), moments AS (
    SELECT workload, arm, count(*) AS n, sum(difference) / (count(*) + 2) AS mean,
           (sum(difference * difference) + 2) / (count(*) + 2) AS mean_square
    FROM input GROUP BY workload, arm
), half AS (
    SELECT s.*, m.n AS n_inputs, 100 * t95 * s.error AS seeds_half,
           100 * 1.96 * sqrt((mean_square - m.mean * m.mean) / (m.n + 2)) AS inputs_half
    FROM seeds s JOIN moments m USING (workload, arm) LEFT JOIN t_quantile ON df = min(s.n - 1, 30)
), both AS (
    SELECT *, sqrt(seeds_half * seeds_half + inputs_half * inputs_half) AS half FROM half
)
SELECT workload, arm, policy, mean_heads, heads, n, n_inputs, 100 * mean, seeds_half, inputs_half,
       100 * mean - half, 100 * mean + half
FROM both;

-- Heads per layer needed to stay within 1 point of all heads, among the arms of each policy. An arm is
-- within if its interval above lies over -1 and is at most 1 point wide to either side (a wider one could
-- only pass by a gain that nobody expects), worse if it lies below -1, and open otherwise.
-- heads_needed: the fewest heads of an arm that is within; all of them if every other arm of `fixed`, to
-- which the reference belongs, is worse; else NULL, and reason says what is in the way.
-- heads_low: the fewest that are not worse; heads_estimate: the fewest that lose at most 1 point in the
-- mean; heads_high: the fewest that are within, or all. Intervals are not widened for how many arms there
-- are to choose from.
CREATE VIEW heads_needed (workload, policy, heads, heads_needed, heads_low, heads_estimate, heads_high,
                          n_seeds, n_inputs, reason) AS
WITH judged AS (
    SELECT *, (ci95_high_points - ci95_low_points) / 2 AS half,
           CASE WHEN ci95_high_points < -1 THEN 'worse'
                WHEN ci95_low_points >= -1 AND ci95_high_points - ci95_low_points <= 2 THEN 'within'
                ELSE 'open' END AS verdict
    FROM difference_to_all_heads
), summary AS (
    SELECT workload, policy, heads, min(n_seeds) AS n_seeds, n_inputs,
           min(CASE verdict WHEN 'within' THEN mean_heads END) AS within,
           min(CASE WHEN verdict <> 'worse' THEN mean_heads END) AS low,
           min(CASE WHEN round(difference_points, 9) >= -1 THEN mean_heads END) AS estimate,
           min(CASE verdict WHEN 'open' THEN inputs_half_points END) AS inputs_half,
           min(CASE verdict WHEN 'open' THEN half END) AS half
    FROM judged GROUP BY workload, policy
), bounded AS (
    SELECT *, coalesce(within, CASE WHEN policy = 'fixed' AND low IS NULL THEN heads END) AS needed,
           CASE WHEN policy = 'fixed' OR low IS NOT NULL THEN heads END AS most
    FROM summary
)
SELECT workload, policy, heads, needed, coalesce(low, most), coalesce(estimate, most),
       coalesce(within, most), n_seeds, n_inputs,
       CASE WHEN needed IS NOT NULL THEN ''
            WHEN low IS NULL THEN 'every arm loses more than 1 point'
            WHEN inputs_half > 1
            THEN printf('the test set of %d cannot resolve 1 point: ±%.2f', n_inputs, inputs_half)
            WHEN n_seeds < 2 THEN 'one seed does not say what another would give'
            WHEN half > 1 THEN printf('%d seeds and %d test inputs cannot resolve 1 point: ±%.2f',
                                      n_seeds, n_inputs, half)
            ELSE printf('the loss is too near to 1 point for ±%.2f', half) END
FROM bounded;

-- Times can be compared under equal conditions: all that is known of an environment, less what a
-- forward pass does not see (counter access, SQLite, load) and less the revision of the program.
-- Another revision may have changed the kernels, but most commits do not, and a sweep that goes on
-- after one should keep its ratios: they stay, with a note.
CREATE VIEW timing_environment (environment_id, conditions, revision) AS
SELECT id,
       json_remove(json, '$.load_average', '$.unknown', '$.pmu', '$.perf_event_paranoid',
                   '$.papi_version', '$.sqlite_version', '$.git_revision', '$.git_dirty'),
       coalesce(json_extract(json, '$.git_revision'), 'unknown')
           || CASE json_extract(json, '$.git_dirty') WHEN 1 THEN '-dirty' ELSE '' END
FROM environment;

-- Median and median absolute deviation (unscaled) of the raw samples of one batch's forward pass,
-- beside FLOPs and time relative to the dense arm at the same batch size. time_ratio is NULL where
-- either side has a warning or they were not timed under the same conditions; note says so.
CREATE VIEW latency_note (workload, arm, batch_size, latency_ns_median, latency_ns_mad,
                          flops_ratio, time_ratio, note) AS
WITH timed AS (
    SELECT t.workload_id, t.arm, p.id AS profile_id, p.batch_size, v.conditions, v.revision,
           p.executed_flops_per_input AS flops,
           EXISTS (SELECT 1 FROM warning m WHERE m.trial_id = t.id) AS warned
    FROM trial t JOIN profile p ON p.trial_id = t.id
    LEFT JOIN timing_environment v USING (environment_id)
    WHERE t.current = 1 AND t.kind = 'profile' AND t.status = 'ok'
), sample AS (
    SELECT workload_id, arm, batch_size, s.latency_ns AS ns
    FROM timed JOIN profile_sample s USING (profile_id)
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY workload_id, arm, batch_size ORDER BY ns) AS rank,
           count(*) OVER (PARTITION BY workload_id, arm, batch_size) AS n
    FROM sample
), middle AS (
    SELECT workload_id, arm, batch_size, avg(ns) AS median
    FROM ranked WHERE rank IN ((n + 1) / 2, (n + 2) / 2) GROUP BY workload_id, arm, batch_size
), away AS (
    SELECT workload_id, arm, batch_size, median, abs(ns - median) AS distance
    FROM sample JOIN middle USING (workload_id, arm, batch_size)
), away_ranked AS (
    SELECT *, row_number() OVER (PARTITION BY workload_id, arm, batch_size ORDER BY distance) AS rank,
           count(*) OVER (PARTITION BY workload_id, arm, batch_size) AS n
    FROM away
), seeds AS ( -- conditions: NULL unless known and the same for every seed
    SELECT workload_id, arm, batch_size, avg(flops) AS flops, max(warned) AS warned,
           CASE WHEN count(conditions) = count(*) AND count(DISTINCT conditions) = 1
                THEN min(conditions) END AS conditions,
           min(revision) AS revision_min, max(revision) AS revision_max
    FROM timed GROUP BY workload_id, arm, batch_size
), summary AS (
    SELECT w.name AS workload, arm, batch_size, median, avg(distance) AS mad, flops, warned,
           conditions, revision_min, revision_max
    FROM away_ranked JOIN seeds USING (workload_id, arm, batch_size)
    JOIN workload w ON w.id = workload_id
    WHERE rank IN ((n + 1) / 2, (n + 2) / 2) GROUP BY workload_id, arm, batch_size
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
           ON d.workload = s.workload AND d.batch_size = s.batch_size
)
SELECT workload, arm, batch_size, median, mad, flops_ratio,
       CASE WHEN obstacle IS NULL THEN time_ratio END, coalesce(obstacle, remark, '')
FROM compared;

CREATE VIEW latency_vs_flops (workload, arm, batch_size, latency_ns_median, latency_ns_mad,
                              flops_ratio, time_ratio) AS
SELECT workload, arm, batch_size, latency_ns_median, latency_ns_mad, flops_ratio, time_ratio
FROM latency_note;

-- The noise floor of each batch size: one model profiled twice, in turns (A/A). ratio_mean is the mean over
-- blocks of (median of the second profile / median of the first); it would be 1 on a silent machine.
-- noise_floor is how far its 95% t interval reaches from 1: a time ratio nearer to 1 than that
-- cannot be told from none. Of several arms that were profiled twice, each has a row.
CREATE VIEW noise_floor (workload, arm, seed, batch_size, n_blocks, ratio_mean, ci95_low, ci95_high,
                         noise_floor) AS
WITH twice AS (
    SELECT w.name AS workload, a.arm, a.seed, p.batch_size, p.id AS first, q.id AS second
    FROM trial a JOIN trial b ON b.base_trial_id = a.base_trial_id AND b.environment_id = a.environment_id
    JOIN workload w ON w.id = a.workload_id
    JOIN profile p ON p.trial_id = a.id
    JOIN profile q ON q.trial_id = b.id AND q.batch_size = p.batch_size
    WHERE a.kind = 'profile' AND b.kind = 'again' AND a.current = 1 AND b.current = 1
      AND a.status = 'ok' AND b.status = 'ok'
), ranked AS (
    SELECT profile_id, block, latency_ns,
           row_number() OVER (PARTITION BY profile_id, block ORDER BY latency_ns) AS rank,
           count(*) OVER (PARTITION BY profile_id, block) AS n
    FROM profile_sample
    WHERE profile_id IN (SELECT first FROM twice UNION SELECT second FROM twice)
), middle AS MATERIALIZED (
    SELECT profile_id, block, avg(latency_ns) AS median
    FROM ranked WHERE rank IN ((n + 1) / 2, (n + 2) / 2) GROUP BY profile_id, block
), pair AS (
    SELECT t.*, s.median / f.median AS ratio
    FROM twice t JOIN middle f ON f.profile_id = t.first
    JOIN middle s ON s.profile_id = t.second AND s.block = f.block
), centred AS (
    SELECT *, avg(ratio) OVER (PARTITION BY first) AS mean FROM pair
), summary AS (
    SELECT workload, arm, seed, batch_size, count(*) AS n, avg(ratio) AS mean,
           sqrt(sum((ratio - mean) * (ratio - mean)) / (count(*) - 1) / count(*)) AS error
    FROM centred GROUP BY first
)
SELECT workload, arm, seed, batch_size, n, mean, mean - t95 * error, mean + t95 * error,
       max(abs(mean - t95 * error - 1), abs(mean + t95 * error - 1))
FROM summary LEFT JOIN t_quantile ON df = min(n - 1, 30);

-- How quiet the machine was while a workload was timed: runnable threads beside the timed one (mean over
-- blocks), and the share of its time that it had a core.
CREATE VIEW timing_noise (workload, n_blocks, others_running, cpu_share) AS
SELECT w.name, count(*), avg(b.others_running), avg(b.cpu_share)
FROM trial t JOIN workload w ON w.id = t.workload_id JOIN profile p ON p.trial_id = t.id
JOIN profile_block b ON b.profile_id = p.id
WHERE t.current = 1 AND t.kind <> 'train' AND t.status = 'ok'
GROUP BY w.id;

-- Samples that stand apart: more than 3 scaled median absolute deviations (1.4826 MAD is the standard
-- deviation of a normal distribution) and also more than 2% from the median of their profile. They
-- stay in the medians; worst is the longest of them in medians.
CREATE VIEW latency_outlier (workload, arm, seed, batch_size, n_samples, n_outliers, worst) AS
WITH sample AS (
    SELECT p.id, t.workload_id, t.arm, t.seed, p.batch_size, s.latency_ns AS ns,
           row_number() OVER (PARTITION BY p.id ORDER BY s.latency_ns) AS rank,
           count(*) OVER (PARTITION BY p.id) AS n
    FROM trial t JOIN profile p ON p.trial_id = t.id JOIN profile_sample s ON s.profile_id = p.id
    WHERE t.current = 1 AND t.kind = 'profile' AND t.status = 'ok'
), middle AS (
    SELECT id, avg(ns) AS median FROM sample WHERE rank IN ((n + 1) / 2, (n + 2) / 2) GROUP BY id
), away AS (
    SELECT s.*, m.median, abs(s.ns - m.median) AS distance,
           row_number() OVER (PARTITION BY s.id ORDER BY abs(s.ns - m.median)) AS place
    FROM sample s JOIN middle m ON m.id = s.id
), spread AS (
    SELECT id, avg(distance) AS mad FROM away WHERE place IN ((n + 1) / 2, (n + 2) / 2) GROUP BY id
)
SELECT w.name, a.arm, a.seed, a.batch_size, a.n, count(*), max(a.ns / a.median)
FROM away a JOIN spread s ON s.id = a.id JOIN workload w ON w.id = a.workload_id
WHERE a.distance > 3 * 1.4826 * s.mad AND a.distance > 0.02 * a.median
GROUP BY a.id;

-- What the training of a model took, with all that led to it: the other candidates it was chosen from,
-- and the base it started from with its own, whatever became of the base later. FLOPs are nominal. A
-- candidate that diverged is counted as far as its cost is known: not at all.
CREATE VIEW training_cost (workload, arm, policy, seed, trial_id, n_tuning_trials, train_flops,
                           tuning_flops, base_flops, total_flops, train_seconds, total_seconds) AS
WITH RECURSIVE spent AS (
    SELECT t.*, count(u.trial_id) AS n, coalesce(sum(u.train_flops), t.train_flops) AS all_flops,
           coalesce(sum(u.train_seconds), t.train_seconds) AS all_seconds
    FROM trial t LEFT JOIN tuning u ON u.trial_id = t.id
    WHERE t.kind = 'train' GROUP BY t.id
), chain (id, part) AS ( -- a trial with itself, its base, the base of that, ...
    SELECT id, id FROM spent
    UNION ALL
    SELECT c.id, s.base_trial_id FROM chain c JOIN spent s ON s.id = c.part
    WHERE s.base_trial_id IS NOT NULL
), total AS (
    SELECT c.id, sum(s.all_flops) AS flops, sum(s.all_seconds) AS seconds
    FROM chain c JOIN spent s ON s.id = c.part GROUP BY c.id
)
SELECT w.name, s.arm, s.policy, s.seed, s.id, max(1, s.n), s.train_flops,
       s.all_flops - s.train_flops, o.flops - s.all_flops, o.flops, s.train_seconds, o.seconds
FROM spent s JOIN total o ON o.id = s.id JOIN workload w ON w.id = s.workload_id
WHERE s.current = 1 AND s.status = 'ok';

-- Median forward pass of one model at one batch size. Times with a warning are left out.
CREATE VIEW latency_by_seed (workload, arm, seed, batch_size, latency_ns_median) AS
WITH ranked AS (
    SELECT profile_id, latency_ns, row_number() OVER (PARTITION BY profile_id ORDER BY latency_ns) AS rank,
           count(*) OVER (PARTITION BY profile_id) AS n
    FROM profile_sample
)
SELECT w.name, t.arm, t.seed, p.batch_size, avg(r.latency_ns)
FROM trial t JOIN workload w ON w.id = t.workload_id JOIN profile p ON p.trial_id = t.id
JOIN ranked r ON r.profile_id = p.id AND r.rank IN ((r.n + 1) / 2, (r.n + 2) / 2)
WHERE t.current = 1 AND t.kind = 'profile' AND t.status = 'ok'
  AND NOT EXISTS (SELECT 1 FROM warning m WHERE m.trial_id = t.id)
GROUP BY p.id;

-- All that methods are compared by, one number per row, so that each gets its interval alike. FLOPs
-- are per input, latencies per forward pass of a batch.
CREATE VIEW measure_by_seed (workload, arm, policy, seed, measure, value) AS
WITH model AS MATERIALIZED (
    SELECT r.*, CAST(e.dense_flops AS REAL) / e.n_inputs AS dense_flops_per_input
    FROM accuracy_by_seed r JOIN evaluation e ON e.id = r.evaluation_id
)
SELECT workload, arm, policy, seed, 'accuracy', accuracy FROM model
UNION ALL SELECT workload, arm, policy, seed, 'heads', mean_heads FROM model
UNION ALL SELECT workload, arm, policy, seed, 'executed_flops', executed_flops_per_input FROM model
UNION ALL SELECT workload, arm, policy, seed, 'active_flops', active_flops_per_input FROM model
UNION ALL SELECT workload, arm, policy, seed, 'dense_flops', dense_flops_per_input FROM model
UNION ALL SELECT m.workload, m.arm, m.policy, m.seed, 'latency_ns_batch_' || l.batch_size,
                 l.latency_ns_median
          FROM model m JOIN latency_by_seed l USING (workload, arm, seed)
UNION ALL SELECT workload, arm, policy, seed, 'training_flops', total_flops FROM training_cost
UNION ALL SELECT workload, arm, policy, seed, 'training_seconds', total_seconds FROM training_cost;

-- Means over seeds with two-sided 95% t intervals, as in accuracy_vs_budget.
CREATE VIEW measure (workload, arm, policy, measure, mean, ci95_low, ci95_high, n_seeds) AS
WITH centred AS (
    SELECT *, avg(value) OVER (PARTITION BY workload, arm, measure) AS mean FROM measure_by_seed
), summary AS (
    SELECT workload, arm, policy, measure, avg(value) AS mean, count(value) AS n,
           sqrt(sum((value - mean) * (value - mean)) / (count(value) - 1) / count(value)) AS error
    FROM centred GROUP BY workload, arm, measure
)
SELECT workload, arm, policy, measure, mean, mean - t95 * error, mean + t95 * error, n
FROM summary LEFT JOIN t_quantile ON df = min(n - 1, 30);

-- Methods x what they are compared by: means over seeds, each with its 95% interval. One row per arm
-- and control. FLOPs are per input, latencies per forward pass of the smallest and of the largest
-- profiled batch; the training cost includes base and tuning. first_trial_id keeps the file's order.
CREATE VIEW methods (workload, arm, policy, first_trial_id, n_seeds, n_tuning_trials,
                     accuracy, accuracy_ci95_low, accuracy_ci95_high,
                     mean_heads, mean_heads_ci95_low, mean_heads_ci95_high,
                     executed_flops, executed_flops_ci95_low, executed_flops_ci95_high,
                     active_flops, dense_flops, latency_seeds,
                     batch_small, latency_small_ns, latency_small_ns_ci95_low, latency_small_ns_ci95_high,
                     batch_large, latency_large_ns, latency_large_ns_ci95_low, latency_large_ns_ci95_high,
                     training_flops, training_seconds) AS
WITH model AS (
    SELECT workload, arm, min(trial_id) AS first_trial_id, max(n_tuning_trials) AS n_tuning_trials
    FROM accuracy_by_seed GROUP BY workload, arm
), batches AS (
    SELECT workload, min(batch_size) AS small, max(batch_size) AS large
    FROM latency_by_seed GROUP BY workload
), known AS MATERIALIZED (
    SELECT m.*, CASE m.measure WHEN 'latency_ns_batch_' || b.small THEN 'small'
                               WHEN 'latency_ns_batch_' || b.large THEN 'large'
                               ELSE m.measure END AS what, b.small, b.large
    FROM measure m LEFT JOIN batches b USING (workload)
)
SELECT k.workload, k.arm, k.policy, o.first_trial_id,
       max(CASE what WHEN 'accuracy' THEN n_seeds END), o.n_tuning_trials,
       max(CASE what WHEN 'accuracy' THEN mean END),
       max(CASE what WHEN 'accuracy' THEN ci95_low END), max(CASE what WHEN 'accuracy' THEN ci95_high END),
       max(CASE what WHEN 'heads' THEN mean END),
       max(CASE what WHEN 'heads' THEN ci95_low END), max(CASE what WHEN 'heads' THEN ci95_high END),
       max(CASE what WHEN 'executed_flops' THEN mean END),
       max(CASE what WHEN 'executed_flops' THEN ci95_low END),
       max(CASE what WHEN 'executed_flops' THEN ci95_high END),
       max(CASE what WHEN 'active_flops' THEN mean END), max(CASE what WHEN 'dense_flops' THEN mean END),
       max(CASE what WHEN 'small' THEN n_seeds END),
       max(k.small), max(CASE what WHEN 'small' THEN mean END),
       max(CASE what WHEN 'small' THEN ci95_low END), max(CASE what WHEN 'small' THEN ci95_high END),
       max(k.large), max(CASE what WHEN 'large' THEN mean END),
       max(CASE what WHEN 'large' THEN ci95_low END), max(CASE what WHEN 'large' THEN ci95_high END),
       max(CASE what WHEN 'training_flops' THEN mean END),
       max(CASE what WHEN 'training_seconds' THEN mean END)
FROM known k JOIN model o USING (workload, arm)
GROUP BY k.workload, k.arm;

-- Hardware and software counters of one forward pass, per input, at every profiled batch size.
CREATE VIEW counter_by_batch (workload, arm, batch_size, mean_heads, role, value_per_input, status,
                              reason, scope) AS
SELECT w.name, t.arm, p.batch_size, avg(p.mean_heads), c.role, avg(c.value_per_input),
       min(c.status), max(c.reason), c.scope
FROM trial t JOIN workload w ON w.id = t.workload_id JOIN profile p ON p.trial_id = t.id
JOIN counter c ON c.profile_id = p.id
WHERE t.current = 1 AND t.kind = 'profile' AND t.status = 'ok'
GROUP BY w.id, t.arm, p.batch_size, c.role, c.scope;

-- The same at the smallest profiled batch size: value is per input. Join accuracy_vs_budget for the
-- budget of the arm.
CREATE VIEW counter_vs_budget (workload, arm, role, value, status, reason, scope) AS
SELECT workload, arm, role, value_per_input, status, reason, scope
FROM counter_by_batch c
WHERE batch_size = (SELECT min(batch_size) FROM counter_by_batch s
                    WHERE s.workload = c.workload AND s.arm = c.arm);

-- Where a forward pass spends its time, against the heads that run: means over seeds. Profiles with a
-- warning are left out. The dense arm's own rows are what a share falls from.
CREATE VIEW phase_by_budget (workload, arm, policy, batch_size, mean_heads, phase, time_ns, time_share,
                             flops, flops_share, bytes, n_seeds) AS
WITH known AS (
    SELECT w.name AS workload, t.arm, t.policy, p.batch_size, p.mean_heads, h.*,
           h.flops / sum(h.flops) OVER (PARTITION BY p.id) AS flops_share
    FROM trial t JOIN workload w ON w.id = t.workload_id JOIN profile p ON p.trial_id = t.id
    JOIN phase h ON h.profile_id = p.id
    WHERE t.current = 1 AND t.kind = 'profile' AND t.status = 'ok'
      AND NOT EXISTS (SELECT 1 FROM warning m WHERE m.trial_id = t.id)
)
SELECT workload, arm, policy, batch_size, avg(mean_heads), phase, avg(time_ns), avg(share), avg(flops),
       avg(flops_share), avg(bytes), count(*)
FROM known GROUP BY workload, arm, batch_size, phase;

-- What the markers cost: time of a pass with them over the time of the same batch without (the median of
-- these ratios, pass by pass); the time that as many marks should take as a share of the pass; and how far the phases'
-- sum is from the wall time.
CREATE VIEW phase_cost (workload, arm, seed, batch_size, marks_per_pass, mark_ns, marks_share,
                        marked_over_unmarked, unaccounted_share) AS
WITH ranked AS (
    SELECT profile_id, marked_ns, marked_ns / unmarked_ns AS ratio,
           row_number() OVER (PARTITION BY profile_id ORDER BY marked_ns / unmarked_ns) AS rank,
           count(*) OVER (PARTITION BY profile_id) AS n
    FROM profile_sample WHERE marked_ns IS NOT NULL
), marked AS (
    SELECT profile_id, avg(marked_ns) AS ns,
           avg(CASE WHEN rank IN ((n + 1) / 2, (n + 2) / 2) THEN ratio END) AS ratio
    FROM ranked GROUP BY profile_id
)
SELECT w.name, t.arm, t.seed, p.batch_size, p.marks_per_pass, p.mark_ns,
       p.marks_per_pass * p.mark_ns / m.ns, m.ratio,
       1 - (SELECT sum(time_ns) FROM phase h WHERE h.profile_id = p.id) * p.inputs_per_sample / m.ns
FROM trial t JOIN workload w ON w.id = t.workload_id JOIN profile p ON p.trial_id = t.id
JOIN marked m ON m.profile_id = p.id
WHERE t.current = 1 AND t.kind = 'profile' AND t.status = 'ok';

-- Every phase that computes, by its arithmetic intensity (FLOPs per byte of its operands) below the roof
-- that the machine has there: the sgemm peak, or the intensity times the triad's bandwidth. A phase whose
-- operands lie in cache may stand above the slanted part. Means over seeds; the time holds the markers'
-- own (phase_cost). The roof is NULL where no ceiling was measured.
CREATE VIEW roofline (workload, arm, policy, batch_size, mean_heads, phase, flops_per_byte,
                      flops_per_second, roof_flops_per_second, roof_share, bound, time_share,
                      sgemm_flops_per_second, triad_bytes_per_second, n_seeds) AS
WITH known AS (
    SELECT w.name AS workload, t.arm, t.policy, p.batch_size, h.phase, avg(p.mean_heads) AS mean_heads,
           sum(h.flops) / sum(h.bytes) AS intensity, 1e9 * sum(h.flops) / sum(h.time_ns) AS rate,
           avg(h.share) AS time_share, avg(c.sgemm_flops_per_second) AS peak,
           avg(c.triad_bytes_per_second) AS bandwidth, count(*) AS n
    FROM trial t JOIN workload w ON w.id = t.workload_id JOIN profile p ON p.trial_id = t.id
    JOIN phase h ON h.profile_id = p.id LEFT JOIN ceiling c USING (environment_id)
    WHERE t.current = 1 AND t.kind = 'profile' AND t.status = 'ok'
      AND h.flops > 0 AND h.bytes > 0 AND h.time_ns > 0
      AND NOT EXISTS (SELECT 1 FROM warning m WHERE m.trial_id = t.id)
    GROUP BY w.id, t.arm, p.batch_size, h.phase
)
SELECT workload, arm, policy, batch_size, mean_heads, phase, intensity, rate,
       min(peak, intensity * bandwidth), rate / min(peak, intensity * bandwidth),
       CASE WHEN intensity * bandwidth < peak THEN 'memory' WHEN peak IS NOT NULL THEN 'compute' END,
       time_share, peak, bandwidth, n
FROM known;

-- Memory by purpose and by stretch of time, beside what the closed form predicts: means over seeds.
CREATE VIEW memory_by_purpose (workload, arm, kind, what, bytes, predicted_bytes, ratio, page_faults,
                               reason, n_seeds) AS
SELECT w.name, t.arm, t.kind, m.what, avg(m.bytes), avg(m.predicted_bytes),
       avg(m.bytes) / avg(m.predicted_bytes), avg(m.page_faults), max(m.reason), count(*)
FROM trial t JOIN workload w ON w.id = t.workload_id JOIN memory m ON m.trial_id = t.id
WHERE t.current = 1 AND t.status = 'ok'
GROUP BY w.id, t.arm, t.kind, m.what;

-- Where training spends its time: means over seeds.
CREATE VIEW training_phase_share (workload, arm, policy, phase, seconds, share, n_seeds) AS
SELECT w.name, t.arm, t.policy, h.phase, avg(h.seconds), avg(h.share), count(*)
FROM trial t JOIN workload w ON w.id = t.workload_id JOIN training_phase h ON h.trial_id = t.id
WHERE t.current = 1 AND t.status = 'ok'
GROUP BY w.id, t.arm, h.phase;

-- Energy per input, means over seeds; added is what the machine at rest would not have used. gCO2 is
-- energy x the grid's intensity that the workload file gives, and NULL where it gives none.
CREATE VIEW energy_by_batch (workload, arm, batch_size, domain, joules_per_input,
                             added_joules_per_input, gco2_per_input, reason) AS
SELECT w.name, t.arm, p.batch_size, e.domain, avg(e.joules_per_input),
       avg(e.joules_per_input - e.idle_watts * e.seconds_per_input),
       avg(e.joules_per_input) / 3.6e6
           * nullif(max(json_extract(t.config, '$.profile.grid_gco2_per_kwh')), 0),
       max(e.reason)
FROM trial t JOIN workload w ON w.id = t.workload_id JOIN profile p ON p.trial_id = t.id
JOIN energy e ON e.profile_id = p.id
WHERE t.current = 1 AND t.kind = 'profile' AND t.status = 'ok'
GROUP BY w.id, t.arm, p.batch_size, e.domain;

-- What the counters of one model's passes say together, per input and as rates. source is 'measured',
-- 'multiplexed' (extrapolated from a part of the time) or 'simulated', and a row never mixes them; a
-- rate is NULL where one of its counts is missing, and a simulator has no cycles. FLOPs are those of the
-- passes counted, by the formula; fp_operations_per_flop holds what the hardware counted against them
-- (single precision where that is all it counts: the models compute in nothing else).
CREATE VIEW counter_rates (workload, arm, policy, seed, batch_size, source, mean_heads,
                           executed_flops_per_input, instructions_per_input, instructions_per_cycle,
                           l1d_misses_per_1000_instructions, llc_misses_per_1000_instructions,
                           branch_misses_per_1000_instructions, flops_per_cycle,
                           flops_per_instruction, fp_operations_per_flop) AS
WITH wide AS (
    SELECT p.id, CASE WHEN max(scope = 'simulator') THEN 'simulated'
                      WHEN max(status = 'multiplexed') THEN 'multiplexed' ELSE 'measured' END AS source,
           max(CASE role WHEN 'cycles' THEN value_per_input END) AS cycles,
           max(CASE role WHEN 'instructions' THEN value_per_input END) AS instructions,
           max(CASE role WHEN 'l1d_misses' THEN value_per_input END) AS l1d_misses,
           max(CASE role WHEN 'llc_misses' THEN value_per_input END) AS llc_misses,
           max(CASE role WHEN 'branch_misses' THEN value_per_input END) AS branch_misses,
           coalesce(max(CASE role WHEN 'fp_operations' THEN value_per_input END),
                    max(CASE role WHEN 'fp_single' THEN value_per_input END)) AS fp_operations,
           max(CASE WHEN scope = 'simulator' AND role = 'executed_flops' THEN value_per_input END) AS flops,
           max(CASE WHEN scope = 'simulator' AND role = 'heads_run' THEN value_per_input END) AS heads
    FROM counter c JOIN profile p ON p.id = c.profile_id GROUP BY p.id, scope = 'simulator'
), known AS (
    SELECT x.*, p.trial_id, p.batch_size,
           CASE source WHEN 'simulated' THEN heads ELSE p.mean_heads END AS mean_heads,
           CASE source WHEN 'simulated' THEN flops ELSE p.executed_flops_per_input END AS executed
    FROM wide x JOIN profile p USING (id)
)
SELECT w.name, t.arm, t.policy, t.seed, k.batch_size, k.source, k.mean_heads, k.executed,
       k.instructions, k.instructions / k.cycles, 1000 * k.l1d_misses / k.instructions,
       1000 * k.llc_misses / k.instructions, 1000 * k.branch_misses / k.instructions,
       k.executed / k.cycles, k.executed / k.instructions, k.fp_operations / k.executed
FROM known k JOIN trial t ON t.id = k.trial_id JOIN workload w ON w.id = t.workload_id
WHERE t.current = 1 AND t.kind = 'profile' AND t.status = 'ok';

-- Instructions and executed FLOPs relative to the arm that runs all heads: same seed, batch size and
-- source, so the same inputs. instructions_over_flops is 1 where instructions fall exactly as the
-- FLOP formula says; below 1 they fall faster. NULL where instructions were not counted.
CREATE VIEW instructions_vs_flops (workload, arm, policy, seed, batch_size, source, mean_heads,
                                   executed_flops_per_input, instructions_per_input, flops_ratio,
                                   instructions_ratio, instructions_over_flops) AS
SELECT r.workload, r.arm, r.policy, r.seed, r.batch_size, r.source, r.mean_heads,
       r.executed_flops_per_input, r.instructions_per_input,
       r.executed_flops_per_input / d.executed_flops_per_input,
       r.instructions_per_input / d.instructions_per_input,
       (r.instructions_per_input / d.instructions_per_input)
           / (r.executed_flops_per_input / d.executed_flops_per_input)
FROM counter_rates r JOIN dense_arm a USING (workload)
JOIN counter_rates d ON d.workload = r.workload AND d.arm = a.arm AND d.seed = r.seed
                    AND d.batch_size = r.batch_size AND d.source = r.source;

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
