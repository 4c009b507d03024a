-- The tables of the results database, version 10. One file holds everything a sweep planned, did and
-- found: a trial is a row with its resolved configuration, and every number hangs on the trial that
-- measured it. Tables are for the program; people and figures read the views (views.sql). A value that
-- could not be measured is NULL, never 0. Units stand in column names; accuracies and shares are 0..1.
-- The program embeds both files, so a database never needs them next to it; by hand:
--     cat results/tables.sql results/views.sql | sqlite3 new.db

-- A machine with its software; trials that saw the same one share the row.
CREATE TABLE environment (
    id       INTEGER PRIMARY KEY,
    hash     TEXT NOT NULL UNIQUE,                       -- of json, without what changes by the minute
    host     TEXT NOT NULL,
    machine  TEXT NOT NULL,                              -- one line for captions
    json     TEXT NOT NULL CHECK (json_valid(json)),     -- everything known: CPU, BLAS, flags, git, ...;
                                                         -- card and what is known of it where one ran
    seen_at  TEXT NOT NULL
) STRICT;

CREATE TABLE workload (
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    summary     TEXT NOT NULL,
    granularity TEXT NOT NULL,                           -- label of the axis: synthetic, coarse, fine
    corpus      TEXT,                                    -- the same for workloads on the same texts; NULL: none
    n_classes   INTEGER,                                 -- NULL until a trial has read the data
    file        TEXT NOT NULL                            -- real path of the YAML file it was planned from
) STRICT;

-- kind 'train' makes a checkpoint and its accuracies; kind 'profile' times a checkpoint; kind 'again'
-- times the same checkpoint once more, in turns with the first, so that what differs is noise (A/A).
-- key = hash of what the trial computes; names and paths are not in it. Behind a dot, 'key.1', it is
-- that of another result of the same trial: an earlier one, which was made again, or one of another
-- machine, which was merged. current = 1: in the latest plan of its workload. Views look at current
-- rows only, so an edited file never averages with its past.
CREATE TABLE trial (
    id              INTEGER PRIMARY KEY,
    kind            TEXT NOT NULL CHECK (kind IN ('train', 'profile', 'again')),
    key             TEXT NOT NULL,
    base_trial_id   INTEGER REFERENCES trial (id),       -- whose checkpoint it needs: a profile's training,
                                                         -- or the trial of a training's base arm
    workload_id     INTEGER NOT NULL REFERENCES workload (id),
    current         INTEGER NOT NULL DEFAULT 1 CHECK (current IN (0, 1)),
    arm             TEXT NOT NULL,
    policy          TEXT NOT NULL,
    cost_weight     REAL,                                -- NULL: the policy has no budget cost
    base_heads      INTEGER NOT NULL,                    -- H of the arm's model: heads per layer if
                                                         -- none is left out
    layers          INTEGER NOT NULL,
    dim             INTEGER NOT NULL,
    seed            INTEGER NOT NULL,
    config          TEXT NOT NULL CHECK (json_valid(config)),
    expected_flops  REAL,                                -- planner's estimate, for the remaining time
    status          TEXT NOT NULL DEFAULT 'planned' CHECK (status IN
        ('planned', 'running', 'ok', 'failed', 'killed', 'timeout', 'oom', 'skipped', 'interrupted')),
    reason          TEXT NOT NULL DEFAULT '',
    command         TEXT NOT NULL DEFAULT '',            -- runs this trial again
    planned_at      TEXT NOT NULL,                       -- UTC, ISO 8601
    started_at      TEXT,
    finished_at     TEXT,
    environment_id  INTEGER REFERENCES environment (id),
    host            TEXT,                                -- of the process that claimed it
    pid             INTEGER,
    pid_start_ticks INTEGER,                             -- tells a process from a later one of its pid
    wall_seconds    REAL,
    train_seconds   REAL,                                -- forward + backward + optimiser, and making batches:
                                                         -- shuffling, gathering
    train_flops     INTEGER,                             -- nominal: 3 x forward products, all heads; both
                                                         -- without its base and other candidates: training_cost
    parameters      INTEGER,
    steps           INTEGER,
    best_epoch      INTEGER,                             -- whose weights are 'best'
    checkpoint      TEXT,                                -- relative to the folder of the database
    data_sha256     TEXT,
    n_train         INTEGER,
    n_validation    INTEGER,
    n_test          INTEGER,
    vocab           INTEGER,
    n_truncated     INTEGER,                             -- inputs cut at max_len, all splits
    mean_length_tokens REAL,                             -- of a training input, after cutting
    unknown_share   REAL,                                -- of the test tokens: not in the vocabulary
    n_dropped       INTEGER,                             -- rows left out: label, empty, headers alone
    n_overlap       INTEGER,                             -- test inputs whose whole text is in training too,
                                                         -- validation included, whatever their labels,
    n_overlap_texts INTEGER,                             -- how many different texts these are, and how
    n_overlap_dropped INTEGER,                           -- many inputs of any split were left out for it
    code_sha256     TEXT,                                -- of all code, flags and libraries that can change
                                                         -- its numbers; NULL: made before this was stored
    checkpoint_sha256 TEXT,                              -- of the file's bytes
    boot_id         TEXT,                                -- of the machine that ran it, since when it is up;
                                                         -- NULL: its process held no lock
    pid_namespace   TEXT,                                -- that its pid is a number of
    sources_sha256  TEXT,                                -- of where its test inputs come from: the rows of
                                                         -- `input`; NULL: made before this was stored
    device          TEXT NOT NULL DEFAULT 'cpu' CHECK (device IN ('cpu', 'cuda')), -- what computes, and
    precision       TEXT NOT NULL DEFAULT 'fp32' CHECK (precision IN ('fp32', 'tf32', 'bf16')), -- how: of
                                                         -- products; a CPU has fp32
    UNIQUE (workload_id, key),
    CHECK (kind = 'train' OR base_trial_id IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX trial_current ON trial (workload_id, kind, arm, seed, device, precision) WHERE current = 1;

CREATE TABLE epoch (
    trial_id              INTEGER NOT NULL REFERENCES trial (id),
    epoch                 INTEGER NOT NULL,              -- from 1
    step                  INTEGER NOT NULL,              -- optimiser steps done at its end
    train_loss            REAL,
    train_regulariser     REAL,
    train_mean_s          REAL,
    validation_loss       REAL,
    validation_accuracy   REAL,
    validation_mean_heads REAL,                          -- as evaluation.mean_heads
    learning_rate         REAL,
    train_seconds         REAL,
    validation_seconds    REAL,
    train_score_entropy   REAL,                          -- as evaluation.score_entropy, while training:
                                                         -- mean over the epoch
    PRIMARY KEY (trial_id, epoch)
) STRICT, WITHOUT ROWID;

-- How far a running training is. Its process says so after an epoch, at most every two seconds and only where
-- nobody keeps the database locked: a training never waits for it. A change of its status ends the row.
CREATE TABLE progress (
    trial_id              INTEGER PRIMARY KEY REFERENCES trial (id) ON DELETE CASCADE,
    heard_at              TEXT NOT NULL,                 -- UTC, ISO 8601
    candidate             INTEGER NOT NULL,              -- that is being trained, from 1;
    n_candidates          INTEGER NOT NULL,              -- 1 of 1: nothing is tuned
    epoch                 INTEGER NOT NULL,              -- of the candidate, from 1: the last that ended
    n_epochs              INTEGER NOT NULL,
    train_loss            REAL,                          -- of that epoch, as in the table epoch
    validation_accuracy   REAL,
    validation_mean_heads REAL
) STRICT;

CREATE TRIGGER progress_ends_with_a_status AFTER UPDATE OF status ON trial BEGIN
    DELETE FROM progress WHERE trial_id = NEW.id;
END;

-- The candidates of a tuned trial: all were trained with its seed, the validation slice chose one. The
-- epochs, evaluations and training cost of the trial are those of the chosen one.
CREATE TABLE tuning (
    trial_id              INTEGER NOT NULL REFERENCES trial (id),
    candidate             INTEGER NOT NULL,              -- place in the lists of values, from 0
    settings              TEXT NOT NULL CHECK (json_valid(settings)), -- {"learning_rate":0.001}
    validation_accuracy   REAL,                          -- of its best weights; NULL: reason says why
    validation_loss       REAL,
    validation_mean_heads REAL,                          -- per input and layer
    train_seconds         REAL,
    train_flops           INTEGER,
    chosen                INTEGER NOT NULL CHECK (chosen IN (0, 1)),
    reason                TEXT NOT NULL,                 -- why it has no result; '' if it has one
    PRIMARY KEY (trial_id, candidate),
    CHECK (reason <> '' OR validation_accuracy IS NOT NULL),
    CHECK (NOT (chosen AND reason <> ''))
) STRICT, WITHOUT ROWID;

-- One pass over one split with one set of weights and one way of choosing heads: control 'none' is
-- the method's own, 'mode:...' one of its inference modes, the others replace its decisions. FLOP sums
-- are over the split, by the rules BFC-1; executed is what the kernels counted, dense is all H heads.
-- active is what the chosen (token, head) pairs would cost if an unchosen head cost a token nothing,
-- its K and V included, and gates were free: what papers on heads chosen by single tokens count.
-- Executed is more for such methods, because one token that chooses a head needs the K and V of all
-- tokens of its input; where whole inputs choose, the two differ by the gate alone.
CREATE TABLE evaluation (
    id                  INTEGER PRIMARY KEY,
    trial_id            INTEGER NOT NULL REFERENCES trial (id),
    weights             TEXT NOT NULL CHECK (weights IN ('best', 'final')),
    split               TEXT NOT NULL CHECK (split IN ('validation', 'test')),
    control             TEXT NOT NULL CHECK (control GLOB 'mode:?*' OR control IN
        ('none', 'static', 'shuffled', 'shuffled-by-length', 'shuffled-by-difficulty')),
    n_inputs            INTEGER NOT NULL CHECK (n_inputs > 0),
    layers              INTEGER NOT NULL,                -- encoder layers that exist, 0 for bag-of-words
    heads               INTEGER NOT NULL,                -- H of the arm's model, as in trial.base_heads
    accuracy            REAL CHECK (accuracy BETWEEN 0 AND 1),
    loss                REAL,                            -- mean negative log-likelihood of the labels, in nats
    mean_heads          REAL,                            -- that run for a token: mean over an input's
                                                         -- tokens, over inputs and over layers
    mean_s              REAL,                            -- NULL: the policy has no budget
    executed_flops      INTEGER NOT NULL,
    executed_gemm_flops INTEGER NOT NULL,
    executed_map_flops  INTEGER NOT NULL,
    active_flops        INTEGER NOT NULL,
    dense_flops         INTEGER NOT NULL,
    flops_by_component  TEXT NOT NULL CHECK (json_valid(flops_by_component)),
    seconds             REAL,
    trained_accuracy    REAL CHECK (trained_accuracy BETWEEN 0 AND 1), -- of the same weights on the same
                                                         -- inputs with the gates of training's last step,
                                                         -- soft or hard as the method has them there, all
                                                         -- heads computed, no noise, no dropout; NULL: not
                                                         -- measured
    score_entropy       REAL,                            -- in that pass: entropy of the softmax over a
                                                         -- layer's head scores, at the temperature at which
                                                         -- training ended, over its maximum, ln of how many
                                                         -- heads they choose among; mean over inputs and
                                                         -- layers. NULL: no learned scores
    macro_f1            REAL CHECK (macro_f1 BETWEEN 0 AND 1), -- mean over the classes that are a label or
                                                         -- a prediction somewhere in the split of
                                                         -- 2 TP / (2 TP + FP + FN): 0 for a class that is
                                                         -- never predicted, and for one that never is right
    matthews            REAL CHECK (matthews BETWEEN -1 AND 1), -- Matthews correlation of labels and
                                                         -- predictions over all classes (Gorodkin's R_K);
                                                         -- NULL: its denominator is 0, because all labels
                                                         -- or all predictions are of one class
    ece                 REAL CHECK (ece BETWEEN 0 AND 1), -- expected calibration error: |accuracy - mean
                                                         -- probability| of the predicted class, mean over
                                                         -- 15 bins (0, 1/15], (1/15, 2/15], ... of that
                                                         -- probability, weighted by their inputs
    UNIQUE (trial_id, split, weights, control)
) STRICT;

-- Test split only: one row per input.
CREATE TABLE prediction (
    evaluation_id INTEGER NOT NULL REFERENCES evaluation (id),
    input         INTEGER NOT NULL,                      -- index in the test split, from 0
    label         INTEGER NOT NULL,
    predicted     INTEGER NOT NULL,
    difficulty    INTEGER,                               -- known difficulty; NULL where unknown
    length_tokens INTEGER NOT NULL,
    heads_run     INTEGER NOT NULL,                      -- heads computed (any token chose them), sum
                                                         -- over layers
    heads_per_layer TEXT NOT NULL CHECK (json_valid(heads_per_layer)), -- '[3,2]': k of each layer
    mean_s        REAL,                                  -- mean over layers
    p_predicted   REAL CHECK (p_predicted BETWEEN 0 AND 1), -- softmax of the logits: the predicted class,
    p_true        REAL CHECK (p_true BETWEEN 0 AND 1),   -- and the labelled one
    PRIMARY KEY (evaluation_id, input)
) STRICT, WITHOUT ROWID;

-- What the numbers of labels and predictions mean, and how often each class is a label. Stands once for
-- each data set: data_sha256 covers names and labels, so other data are other rows.
CREATE TABLE class (
    data_sha256  TEXT NOT NULL,                          -- as trial.data_sha256
    class        INTEGER NOT NULL,                       -- from 0
    name         TEXT NOT NULL,
    n_train      INTEGER NOT NULL,                       -- inputs
    n_validation INTEGER NOT NULL,
    n_test       INTEGER NOT NULL,
    PRIMARY KEY (data_sha256, class)
) STRICT, WITHOUT ROWID;

-- Where the test inputs come from. Stands once for each set of sources: files that were renamed, or texts
-- that differ in what no token shows, are the same data but other rows here.
CREATE TABLE input (
    sources_sha256 TEXT NOT NULL,                        -- as trial.sources_sha256
    input          INTEGER NOT NULL,                     -- as prediction.input
    file           TEXT NOT NULL,                        -- as below the data folder, or an absolute path;
                                                         -- '': generated
    row            INTEGER NOT NULL,                     -- place among the file's records from 1, a header
                                                         -- included: the line, where a record is a line;
                                                         -- generated: among the inputs, from 0
    text_sha256    TEXT NOT NULL,                        -- of the text that was cut into tokens: its parts
                                                         -- joined by a space, those of a pair by ' <sep> ';
                                                         -- generated: of the tokens, int32 little-endian
    text           TEXT,                                 -- that text; NULL unless `store_texts: true`
    PRIMARY KEY (sources_sha256, input)
) STRICT, WITHOUT ROWID;

-- Two arms of a workload, input by input: how far their test accuracies are apart, in points, and how well
-- that is known. Half widths and two-sided p values (of no difference) are given for what else could have
-- been drawn: other seeds (initialisation and order) with these test inputs, other inputs with these
-- seeds, or both, which is what a claim about the methods needs. Worked out by the program
-- (harness/store/comparison.c) when a sweep ends. A row counts while its evaluations are those of the
-- current trainings: read it through the views, which compare them.
CREATE TABLE comparison (
    workload_id         INTEGER NOT NULL REFERENCES workload (id),
    arm_a               TEXT NOT NULL,                   -- as in the views, its control behind it; each pair
    arm_b               TEXT NOT NULL,                   -- stands once, arm_a before arm_b
    evaluations_a       TEXT NOT NULL,                   -- ids of all evaluations of arm_a, by seed: '3,9,14'
    evaluations_b       TEXT NOT NULL,
    formulas            INTEGER NOT NULL,                -- which it was worked out by; views show the latest
    n_seeds             INTEGER NOT NULL,                -- that both have; 0: the arms cannot be compared
    n_inputs            INTEGER,                         -- of each seed
    inputs              TEXT CHECK (inputs IN ('crossed', 'nested')), -- nested: every seed drew its own
    points              REAL,                            -- 100 x (accuracy of a - accuracy of b)
    seeds_half95_points REAL,                            -- NULL: one seed, or nested inputs, where both is
    seeds_half90_points REAL,                            -- the interval over seeds
    seeds_df            REAL,
    seeds_p             REAL,
    inputs_half95_points REAL,
    inputs_half90_points REAL,
    inputs_df           REAL,
    inputs_p            REAL,
    both_half95_points  REAL,                            -- NULL: one seed
    both_half90_points  REAL,
    both_df             REAL,                            -- Satterthwaite's, of the sum of components; the
                                                         -- interval is at least that of seeds, of inputs
    both_p              REAL,
    seed_variance       REAL,                            -- of one answer: what it owes to its seed (NULL: one
    input_variance      REAL,                            -- seed), to its input (0: nested) and to neither, as
    rest_variance       REAL,                            -- shares squared; and the squares that inputs nobody
    pseudo              REAL,                            -- drew add to all (statistics.h)
    PRIMARY KEY (workload_id, arm_a, arm_b),
    CHECK (arm_a < arm_b),
    CHECK ((n_seeds = 0) = (points IS NULL))
) STRICT, WITHOUT ROWID;

-- The id of an evaluation that is gone may be given again.
CREATE TRIGGER comparison_without_evaluation AFTER DELETE ON evaluation BEGIN
    DELETE FROM comparison WHERE workload_id = (SELECT workload_id FROM trial WHERE id = OLD.trial_id);
END;

-- For how many inputs k heads of a layer (from 0) were computed: any of their tokens chose them.
CREATE TABLE layer_budget (
    evaluation_id INTEGER NOT NULL REFERENCES evaluation (id),
    layer         INTEGER NOT NULL,
    k             INTEGER NOT NULL,
    n_inputs      INTEGER NOT NULL,
    PRIMARY KEY (evaluation_id, layer, k)
) STRICT, WITHOUT ROWID;

-- For how many inputs this head was computed. Heads that a method removed from a trained model count as
-- not computed; the others keep the numbers they have in that model.
CREATE TABLE head_usage (
    evaluation_id INTEGER NOT NULL REFERENCES evaluation (id),
    layer         INTEGER NOT NULL,
    head          INTEGER NOT NULL,
    n_inputs      INTEGER NOT NULL,
    PRIMARY KEY (evaluation_id, layer, head)
) STRICT, WITHOUT ROWID;

-- The same for the inputs of one class, of the best weights on the test split, for heads that run for some of
-- its inputs and not for all: of the others head_usage says it for every class. No rows of a head that runs
-- for some: stored before there was this table.
CREATE TABLE class_head_usage (
    evaluation_id INTEGER NOT NULL REFERENCES evaluation (id),
    class         INTEGER NOT NULL,
    layer         INTEGER NOT NULL,
    head          INTEGER NOT NULL,
    n_inputs      INTEGER NOT NULL,
    PRIMARY KEY (evaluation_id, class, layer, head)
) STRICT, WITHOUT ROWID;

-- Forward passes of a checkpoint at one batch size, alone on the machine.
CREATE TABLE profile (
    id                       INTEGER PRIMARY KEY,
    trial_id                 INTEGER NOT NULL REFERENCES trial (id),
    batch_size               INTEGER NOT NULL,
    warmup_passes            INTEGER NOT NULL,
    inputs_per_sample        INTEGER NOT NULL,           -- inputs in one timed sample
    mean_heads               REAL,
    mean_s                   REAL,
    executed_flops_per_input REAL,
    dense_flops_per_input    REAL,
    marks_per_pass           REAL,                       -- phases entered in one forward pass of one batch
    mark_ns                  REAL,                       -- what one mark costs here
    n_samples                INTEGER,                    -- of profile_sample, and of their latency_ns
    latency_ns_median        REAL,                       -- the median and the median absolute deviation
    latency_ns_mad           REAL,                       -- from it, unscaled; of marked_ns / unmarked_ns
    marked_over_unmarked     REAL,                       -- the median: worked out when they are stored
    UNIQUE (trial_id, batch_size)
) STRICT;

-- Where a forward pass spends its time: passes of their own, with a marker between the phases, so that
-- the marks cost the timed samples nothing. Every moment belongs to one phase. Bytes are those of the
-- operands, each read once and each result written once (read first where it is updated), whichever
-- level of the memory serves them; the map's tiles and the element-wise part of gates count nothing.
CREATE TABLE phase (
    profile_id INTEGER NOT NULL REFERENCES profile (id),
    phase      TEXT NOT NULL,                            -- embedding, norm, gate, gather, qkv, map, ...
    time_ns    REAL NOT NULL,                            -- mean, per input
    share      REAL NOT NULL,                            -- of all phases
    flops      REAL NOT NULL,                            -- executed, per input
    bytes      REAL NOT NULL,                            -- read and written, per input
    PRIMARY KEY (profile_id, phase)
) STRICT, WITHOUT ROWID;

-- What bounds a phase on a machine: the better of two large products (4096x768x768, 1024^3) and a triad
-- c = a + 3 b over arrays of 128 MiB whose bytes count each array once, in the best of some rounds, of the time
-- that the thread had a core for. One thread. Measured before the first profile of a sweep and, in a long one,
-- each minute; of each the best that was ever seen stays. measured_at: the last time.
CREATE TABLE ceiling (
    environment_id         INTEGER PRIMARY KEY REFERENCES environment (id),
    sgemm_flops_per_second REAL NOT NULL,
    triad_bytes_per_second REAL NOT NULL,
    measured_at            TEXT NOT NULL                 -- UTC, ISO 8601
) STRICT;

-- The same for trial.train_seconds: data (shuffling, gathering), forward, backward, optimiser.
CREATE TABLE training_phase (
    trial_id INTEGER NOT NULL REFERENCES trial (id),
    phase    TEXT NOT NULL,
    seconds  REAL NOT NULL,
    share    REAL NOT NULL,                              -- of all phases
    PRIMARY KEY (trial_id, phase)
) STRICT, WITHOUT ROWID;

-- Samples are taken in blocks. The profiles of a workload take turns, one block each, in an order
-- that is shuffled anew for every round, so that a machine that slows down favours no arm.
CREATE TABLE profile_block (
    profile_id     INTEGER NOT NULL REFERENCES profile (id),
    block          INTEGER NOT NULL,                     -- from 0
    started_s      REAL NOT NULL,                        -- seconds of the machine's monotonic clock:
                                                         -- orders the blocks of all trials of a sweep
    cpu_share      REAL,                                 -- of the block's time that the thread had a core
    others_running INTEGER,                              -- runnable threads of the machine beside this one
    PRIMARY KEY (profile_id, block)
) STRICT, WITHOUT ROWID;

CREATE TABLE profile_sample (
    profile_id INTEGER NOT NULL REFERENCES profile (id),
    sample     INTEGER NOT NULL,                         -- in the order they were taken, from 0
    latency_ns REAL NOT NULL,                            -- one forward pass of one batch
    block      INTEGER NOT NULL DEFAULT 0,               -- that it was taken in
    marked_ns  REAL,                                     -- the same batch later, with phase markers, and
    unmarked_ns REAL,                                    -- without, just before or after
    PRIMARY KEY (profile_id, sample)
) STRICT, WITHOUT ROWID;

-- Events of the profile's passes, or of some of them run again in a simulator: what that counts has the
-- scope 'simulator' and the status 'simulated', and stands beside what was measured, never for it.
CREATE TABLE counter (
    profile_id      INTEGER NOT NULL REFERENCES profile (id),
    role            TEXT NOT NULL,                       -- cycles, instructions, fp_operations, ...
    event           TEXT NOT NULL,                       -- the name it was counted by; '' if none worked
    value_per_input REAL,
    -- multiplexed: the event had the hardware for a part of the time and was scaled up
    status          TEXT NOT NULL CHECK (status IN ('counted', 'multiplexed', 'simulated', 'unavailable')),
    reason          TEXT NOT NULL,                       -- why unavailable
    scope           TEXT NOT NULL,                       -- thread; 'thread, user': without what the kernel
                                                         -- does for it (PAPI's default domain); simulator;
                                                         -- gpu: counters of the card that ran the passes
    pass            INTEGER,                             -- from 0; roles of one pass saw the same runs
    repeats         INTEGER NOT NULL,                    -- forward passes the value is a mean of
    empty_per_input REAL,                                -- what of the value is reading the counters: the
                                                         -- least of some passes around nothing
    PRIMARY KEY (profile_id, role, scope),
    CHECK ((status = 'unavailable') = (value_per_input IS NULL)),
    CHECK (status <> 'unavailable' OR reason <> ''),
    CHECK (status = 'unavailable' OR (status = 'simulated') = (scope = 'simulator'))
) STRICT, WITHOUT ROWID;

-- Energy while the forward passes of a profile ran over and over, whoever caused it: of the whole socket
-- (package: cores, caches, memory controller) and of its memory, or of the whole card that ran them (with its
-- memory). idle_watts was measured just before, with this machine or card at rest: (joules_per_input -
-- idle_watts x seconds per input) is what the work added.
CREATE TABLE energy (
    profile_id       INTEGER NOT NULL REFERENCES profile (id),
    domain           TEXT NOT NULL CHECK (domain IN ('package', 'dram', 'card')), -- summed over sockets
    joules_per_input REAL,
    idle_watts       REAL,
    seconds          REAL,                               -- that the passes took, all regions
    seconds_per_input REAL,
    n_regions        INTEGER,                            -- measured one after the other; the mean stands here
    ci95_half_joules_per_input REAL,                     -- half of the 95% t-interval over regions; NULL: one
    reason           TEXT NOT NULL,                      -- why not measured; '' if it was
    PRIMARY KEY (profile_id, domain),
    CHECK ((joules_per_input IS NULL) = (reason <> ''))
) STRICT, WITHOUT ROWID;

CREATE TABLE memory (
    trial_id INTEGER NOT NULL REFERENCES trial (id),
    what     TEXT NOT NULL,                              -- arena ..., peak resident, device memory ...
    bytes    INTEGER,
    reason   TEXT NOT NULL,                              -- why not measured
    predicted_bytes INTEGER,                             -- by the closed form of the model's shape; NULL:
                                                         -- it says nothing about this
    page_faults INTEGER,                                 -- of a stretch of time, minor and major
    PRIMARY KEY (trial_id, what),
    CHECK (bytes IS NOT NULL OR reason <> '')
) STRICT, WITHOUT ROWID;

CREATE TABLE warning (
    id       INTEGER PRIMARY KEY,
    trial_id INTEGER NOT NULL REFERENCES trial (id),
    text     TEXT NOT NULL,
    at       TEXT NOT NULL
) STRICT;
CREATE INDEX warning_trial ON warning (trial_id);

-- One run of `headroom bench`. quick = 1: small shapes, which say nothing about speed.
CREATE TABLE bench_run (
    id             INTEGER PRIMARY KEY,
    environment_id INTEGER NOT NULL REFERENCES environment (id),
    finished_at    TEXT NOT NULL,                        -- UTC, ISO 8601
    quick          INTEGER NOT NULL CHECK (quick IN (0, 1)),
    wall_seconds   REAL NOT NULL
) STRICT;

-- One line of its table. Rows differ in what they measure, so the unit is a column of its own.
CREATE TABLE bench_result (
    bench_run_id INTEGER NOT NULL REFERENCES bench_run (id),
    position     INTEGER NOT NULL,                       -- line of the table, from 0
    section      TEXT NOT NULL CHECK (section IN ('memory', 'kernels', 'model', 'saving')),
    name         TEXT NOT NULL,
    unit         TEXT NOT NULL CHECK (unit IN ('GFLOP/s', 'GB/s', 'ms', 'ratio', 'MiB')),
    n_samples    INTEGER NOT NULL,
    median       REAL,                                   -- in unit; NULL: reason says why
    lowest       REAL,
    highest      REAL,
    share        REAL,                                   -- of the sgemm peak or of the bandwidth
    target_kind  TEXT CHECK (target_kind IN ('at least', 'at most')),
    target       REAL,                                   -- of share where there is one, else of median
    reason       TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (bench_run_id, position),
    UNIQUE (bench_run_id, section, name),
    CHECK (median IS NOT NULL OR reason <> ''),
    CHECK ((target IS NULL) = (target_kind IS NULL))
) STRICT, WITHOUT ROWID;

PRAGMA application_id = 1212498244; -- 'HEAD': this is a Headroom database
PRAGMA user_version = 10;
