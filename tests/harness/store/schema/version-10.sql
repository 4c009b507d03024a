-- A database as version 10 of the schema made it: all tables, and one trained model of accuracy 0.75.
-- Written once; the tests bring it to the version of today.
CREATE TABLE environment (
    id       INTEGER PRIMARY KEY,
    hash     TEXT NOT NULL UNIQUE,
    host     TEXT NOT NULL,
    machine  TEXT NOT NULL,
    json     TEXT NOT NULL CHECK (json_valid(json)),
    seen_at  TEXT NOT NULL
) STRICT;
CREATE TABLE workload (
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    summary     TEXT NOT NULL,
    granularity TEXT NOT NULL,
    corpus      TEXT,
    n_classes   INTEGER,
    file        TEXT NOT NULL
) STRICT;
CREATE TABLE trial (
    id              INTEGER PRIMARY KEY,
    kind            TEXT NOT NULL CHECK (kind IN ('train', 'profile', 'again')),
    key             TEXT NOT NULL,
    base_trial_id   INTEGER REFERENCES trial (id),
    workload_id     INTEGER NOT NULL REFERENCES workload (id),
    current         INTEGER NOT NULL DEFAULT 1 CHECK (current IN (0, 1)),
    arm             TEXT NOT NULL,
    policy          TEXT NOT NULL,
    cost_weight     REAL,
    base_heads      INTEGER NOT NULL,
    layers          INTEGER NOT NULL,
    dim             INTEGER NOT NULL,
    seed            INTEGER NOT NULL,
    config          TEXT NOT NULL CHECK (json_valid(config)),
    expected_flops  REAL,
    status          TEXT NOT NULL DEFAULT 'planned' CHECK (status IN
        ('planned', 'running', 'ok', 'failed', 'killed', 'timeout', 'oom', 'skipped', 'interrupted')),
    reason          TEXT NOT NULL DEFAULT '',
    command         TEXT NOT NULL DEFAULT '',
    planned_at      TEXT NOT NULL,
    started_at      TEXT,
    finished_at     TEXT,
    environment_id  INTEGER REFERENCES environment (id),
    host            TEXT,
    pid             INTEGER,
    pid_start_ticks INTEGER,
    wall_seconds    REAL,
    train_seconds   REAL,
    train_flops     INTEGER,
    parameters      INTEGER,
    steps           INTEGER,
    best_epoch      INTEGER,
    checkpoint      TEXT,
    data_sha256     TEXT,
    n_train         INTEGER,
    n_validation    INTEGER,
    n_test          INTEGER,
    vocab           INTEGER,
    n_truncated     INTEGER,
    mean_length_tokens REAL,
    unknown_share   REAL,
    n_dropped       INTEGER,
    n_overlap       INTEGER,
    n_overlap_texts INTEGER,
    n_overlap_dropped INTEGER,
    code_sha256     TEXT,
    checkpoint_sha256 TEXT,
    boot_id         TEXT,
    pid_namespace   TEXT,
    sources_sha256  TEXT,
    device          TEXT NOT NULL DEFAULT 'cpu' CHECK (device IN ('cpu', 'cuda')),
    precision       TEXT NOT NULL DEFAULT 'fp32' CHECK (precision IN ('fp32', 'tf32', 'bf16')),
    UNIQUE (workload_id, key),
    CHECK (kind = 'train' OR base_trial_id IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX trial_current ON trial (workload_id, kind, arm, seed, device, precision) WHERE current = 1;
CREATE TABLE epoch (
    trial_id              INTEGER NOT NULL REFERENCES trial (id),
    epoch                 INTEGER NOT NULL,
    step                  INTEGER NOT NULL,
    train_loss            REAL,
    train_regulariser     REAL,
    train_mean_s          REAL,
    validation_loss       REAL,
    validation_accuracy   REAL,
    validation_mean_heads REAL,
    learning_rate         REAL,
    train_seconds         REAL,
    validation_seconds    REAL,
    train_score_entropy   REAL,
    PRIMARY KEY (trial_id, epoch)
) STRICT, WITHOUT ROWID;
CREATE TABLE progress (
    trial_id              INTEGER PRIMARY KEY REFERENCES trial (id) ON DELETE CASCADE,
    heard_at              TEXT NOT NULL,
    candidate             INTEGER NOT NULL,
    n_candidates          INTEGER NOT NULL,
    epoch                 INTEGER NOT NULL,
    n_epochs              INTEGER NOT NULL,
    train_loss            REAL,
    validation_accuracy   REAL,
    validation_mean_heads REAL
) STRICT;
CREATE TRIGGER progress_ends_with_a_status AFTER UPDATE OF status ON trial BEGIN
    DELETE FROM progress WHERE trial_id = NEW.id;
END;
CREATE TABLE tuning (
    trial_id              INTEGER NOT NULL REFERENCES trial (id),
    candidate             INTEGER NOT NULL,
    settings              TEXT NOT NULL CHECK (json_valid(settings)),
    validation_accuracy   REAL,
    validation_loss       REAL,
    validation_mean_heads REAL,
    train_seconds         REAL,
    train_flops           INTEGER,
    chosen                INTEGER NOT NULL CHECK (chosen IN (0, 1)),
    reason                TEXT NOT NULL,
    PRIMARY KEY (trial_id, candidate),
    CHECK (reason <> '' OR validation_accuracy IS NOT NULL),
    CHECK (NOT (chosen AND reason <> ''))
) STRICT, WITHOUT ROWID;
CREATE TABLE evaluation (
    id                  INTEGER PRIMARY KEY,
    trial_id            INTEGER NOT NULL REFERENCES trial (id),
    weights             TEXT NOT NULL CHECK (weights IN ('best', 'final')),
    split               TEXT NOT NULL CHECK (split IN ('validation', 'test')),
    control             TEXT NOT NULL CHECK (control GLOB 'mode:?*' OR control IN
        ('none', 'static', 'shuffled', 'shuffled-by-length', 'shuffled-by-difficulty')),
    n_inputs            INTEGER NOT NULL CHECK (n_inputs > 0),
    layers              INTEGER NOT NULL,
    heads               INTEGER NOT NULL,
    accuracy            REAL CHECK (accuracy BETWEEN 0 AND 1),
    loss                REAL,
    mean_heads          REAL,
    mean_s              REAL,
    executed_flops      INTEGER NOT NULL,
    executed_gemm_flops INTEGER NOT NULL,
    executed_map_flops  INTEGER NOT NULL,
    active_flops        INTEGER NOT NULL,
    dense_flops         INTEGER NOT NULL,
    flops_by_component  TEXT NOT NULL CHECK (json_valid(flops_by_component)),
    seconds             REAL,
    trained_accuracy    REAL CHECK (trained_accuracy BETWEEN 0 AND 1),
    score_entropy       REAL,
    macro_f1            REAL CHECK (macro_f1 BETWEEN 0 AND 1),
    matthews            REAL CHECK (matthews BETWEEN -1 AND 1),
    ece                 REAL CHECK (ece BETWEEN 0 AND 1),
    UNIQUE (trial_id, split, weights, control)
) STRICT;
CREATE TABLE prediction (
    evaluation_id INTEGER NOT NULL REFERENCES evaluation (id),
    input         INTEGER NOT NULL,
    label         INTEGER NOT NULL,
    predicted     INTEGER NOT NULL,
    difficulty    INTEGER,
    length_tokens INTEGER NOT NULL,
    heads_run     INTEGER NOT NULL,
    heads_per_layer TEXT NOT NULL CHECK (json_valid(heads_per_layer)),
    mean_s        REAL,
    p_predicted   REAL CHECK (p_predicted BETWEEN 0 AND 1),
    p_true        REAL CHECK (p_true BETWEEN 0 AND 1),
    PRIMARY KEY (evaluation_id, input)
) STRICT, WITHOUT ROWID;
CREATE TABLE class (
    data_sha256  TEXT NOT NULL,
    class        INTEGER NOT NULL,
    name         TEXT NOT NULL,
    n_train      INTEGER NOT NULL,
    n_validation INTEGER NOT NULL,
    n_test       INTEGER NOT NULL,
    PRIMARY KEY (data_sha256, class)
) STRICT, WITHOUT ROWID;
CREATE TABLE input (
    sources_sha256 TEXT NOT NULL,
    input          INTEGER NOT NULL,
    file           TEXT NOT NULL,
    row            INTEGER NOT NULL,
    text_sha256    TEXT NOT NULL,
    text           TEXT,
    PRIMARY KEY (sources_sha256, input)
) STRICT, WITHOUT ROWID;
CREATE TABLE comparison (
    workload_id         INTEGER NOT NULL REFERENCES workload (id),
    arm_a               TEXT NOT NULL,
    arm_b               TEXT NOT NULL,
    evaluations_a       TEXT NOT NULL,
    evaluations_b       TEXT NOT NULL,
    formulas            INTEGER NOT NULL,
    n_seeds             INTEGER NOT NULL,
    n_inputs            INTEGER,
    inputs              TEXT CHECK (inputs IN ('crossed', 'nested')),
    points              REAL,
    seeds_half95_points REAL,
    seeds_half90_points REAL,
    seeds_df            REAL,
    seeds_p             REAL,
    inputs_half95_points REAL,
    inputs_half90_points REAL,
    inputs_df           REAL,
    inputs_p            REAL,
    both_half95_points  REAL,
    both_half90_points  REAL,
    both_df             REAL,
    both_p              REAL,
    seed_variance       REAL,
    input_variance      REAL,
    rest_variance       REAL,
    pseudo              REAL,
    PRIMARY KEY (workload_id, arm_a, arm_b),
    CHECK (arm_a < arm_b),
    CHECK ((n_seeds = 0) = (points IS NULL))
) STRICT, WITHOUT ROWID;
CREATE TRIGGER comparison_without_evaluation AFTER DELETE ON evaluation BEGIN
    DELETE FROM comparison WHERE workload_id = (SELECT workload_id FROM trial WHERE id = OLD.trial_id);
END;
CREATE TABLE layer_budget (
    evaluation_id INTEGER NOT NULL REFERENCES evaluation (id),
    layer         INTEGER NOT NULL,
    k             INTEGER NOT NULL,
    n_inputs      INTEGER NOT NULL,
    PRIMARY KEY (evaluation_id, layer, k)
) STRICT, WITHOUT ROWID;
CREATE TABLE head_usage (
    evaluation_id INTEGER NOT NULL REFERENCES evaluation (id),
    layer         INTEGER NOT NULL,
    head          INTEGER NOT NULL,
    n_inputs      INTEGER NOT NULL,
    PRIMARY KEY (evaluation_id, layer, head)
) STRICT, WITHOUT ROWID;
CREATE TABLE class_head_usage (
    evaluation_id INTEGER NOT NULL REFERENCES evaluation (id),
    class         INTEGER NOT NULL,
    layer         INTEGER NOT NULL,
    head          INTEGER NOT NULL,
    n_inputs      INTEGER NOT NULL,
    PRIMARY KEY (evaluation_id, class, layer, head)
) STRICT, WITHOUT ROWID;
CREATE TABLE profile (
    id                       INTEGER PRIMARY KEY,
    trial_id                 INTEGER NOT NULL REFERENCES trial (id),
    batch_size               INTEGER NOT NULL,
    warmup_passes            INTEGER NOT NULL,
    inputs_per_sample        INTEGER NOT NULL,
    mean_heads               REAL,
    mean_s                   REAL,
    executed_flops_per_input REAL,
    dense_flops_per_input    REAL,
    marks_per_pass           REAL,
    mark_ns                  REAL,
    n_samples                INTEGER,
    latency_ns_median        REAL,
    latency_ns_mad           REAL,
    marked_over_unmarked     REAL,
    UNIQUE (trial_id, batch_size)
) STRICT;
CREATE TABLE phase (
    profile_id INTEGER NOT NULL REFERENCES profile (id),
    phase      TEXT NOT NULL,
    time_ns    REAL NOT NULL,
    share      REAL NOT NULL,
    flops      REAL NOT NULL,
    bytes      REAL NOT NULL,
    PRIMARY KEY (profile_id, phase)
) STRICT, WITHOUT ROWID;
CREATE TABLE ceiling (
    environment_id         INTEGER PRIMARY KEY REFERENCES environment (id),
    sgemm_flops_per_second REAL NOT NULL,
    triad_bytes_per_second REAL NOT NULL,
    measured_at            TEXT NOT NULL
) STRICT;
CREATE TABLE training_phase (
    trial_id INTEGER NOT NULL REFERENCES trial (id),
    phase    TEXT NOT NULL,
    seconds  REAL NOT NULL,
    share    REAL NOT NULL,
    PRIMARY KEY (trial_id, phase)
) STRICT, WITHOUT ROWID;
CREATE TABLE profile_block (
    profile_id     INTEGER NOT NULL REFERENCES profile (id),
    block          INTEGER NOT NULL,
    started_s      REAL NOT NULL,
    cpu_share      REAL,
    others_running INTEGER,
    PRIMARY KEY (profile_id, block)
) STRICT, WITHOUT ROWID;
CREATE TABLE profile_sample (
    profile_id INTEGER NOT NULL REFERENCES profile (id),
    sample     INTEGER NOT NULL,
    latency_ns REAL NOT NULL,
    block      INTEGER NOT NULL DEFAULT 0,
    marked_ns  REAL,
    unmarked_ns REAL,
    PRIMARY KEY (profile_id, sample)
) STRICT, WITHOUT ROWID;
CREATE TABLE counter (
    profile_id      INTEGER NOT NULL REFERENCES profile (id),
    role            TEXT NOT NULL,
    event           TEXT NOT NULL,
    value_per_input REAL,
    status          TEXT NOT NULL CHECK (status IN ('counted', 'multiplexed', 'simulated', 'unavailable')),
    reason          TEXT NOT NULL,
    scope           TEXT NOT NULL,
    pass            INTEGER,
    repeats         INTEGER NOT NULL,
    empty_per_input REAL,
    PRIMARY KEY (profile_id, role, scope),
    CHECK ((status = 'unavailable') = (value_per_input IS NULL)),
    CHECK (status <> 'unavailable' OR reason <> ''),
    CHECK (status = 'unavailable' OR (status = 'simulated') = (scope = 'simulator'))
) STRICT, WITHOUT ROWID;
CREATE TABLE energy (
    profile_id       INTEGER NOT NULL REFERENCES profile (id),
    domain           TEXT NOT NULL CHECK (domain IN ('package', 'dram', 'card')),
    joules_per_input REAL,
    idle_watts       REAL,
    seconds          REAL,
    seconds_per_input REAL,
    n_regions        INTEGER,
    ci95_half_joules_per_input REAL,
    reason           TEXT NOT NULL,
    PRIMARY KEY (profile_id, domain),
    CHECK ((joules_per_input IS NULL) = (reason <> ''))
) STRICT, WITHOUT ROWID;
CREATE TABLE memory (
    trial_id INTEGER NOT NULL REFERENCES trial (id),
    what     TEXT NOT NULL,
    bytes    INTEGER,
    reason   TEXT NOT NULL,
    predicted_bytes INTEGER,
    page_faults INTEGER,
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
CREATE TABLE bench_run (
    id             INTEGER PRIMARY KEY,
    environment_id INTEGER NOT NULL REFERENCES environment (id),
    finished_at    TEXT NOT NULL,
    quick          INTEGER NOT NULL CHECK (quick IN (0, 1)),
    wall_seconds   REAL NOT NULL
) STRICT;
CREATE TABLE bench_result (
    bench_run_id INTEGER NOT NULL REFERENCES bench_run (id),
    position     INTEGER NOT NULL,
    section      TEXT NOT NULL CHECK (section IN ('memory', 'kernels', 'model', 'saving')),
    name         TEXT NOT NULL,
    unit         TEXT NOT NULL CHECK (unit IN ('GFLOP/s', 'GB/s', 'ms', 'ratio', 'MiB')),
    n_samples    INTEGER NOT NULL,
    median       REAL,
    lowest       REAL,
    highest      REAL,
    share        REAL,
    target_kind  TEXT CHECK (target_kind IN ('at least', 'at most')),
    target       REAL,
    reason       TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (bench_run_id, position),
    UNIQUE (bench_run_id, section, name),
    CHECK (median IS NOT NULL OR reason <> ''),
    CHECK ((target IS NULL) = (target_kind IS NULL))
) STRICT, WITHOUT ROWID;
PRAGMA application_id = 1212498244;
PRAGMA user_version = 10;
INSERT INTO environment VALUES (1, '0', 'host', 'machine', '{"git_revision": "0000000"}', '2026-11-26T00:00:00Z');
INSERT INTO workload VALUES (1, 'w', 'a made-up workload', 'synthetic', NULL, 2, 'w.yaml');
INSERT INTO trial (id, kind, key, workload_id, arm, policy, base_heads, layers, dim, seed, config, status, planned_at,
                   environment_id)
VALUES (1, 'train', 'k', 1, 'fixed-8', 'fixed', 8, 1, 16, 1, '{}', 'ok', '2026-11-26T00:00:00Z', 1);
INSERT INTO evaluation (id, trial_id, weights, split, control, n_inputs, layers, heads, accuracy, mean_heads,
                        executed_flops, executed_gemm_flops, executed_map_flops, active_flops, dense_flops,
                        flops_by_component)
VALUES (1, 1, 'best', 'test', 'none', 4, 1, 8, 0.75, 8, 100, 80, 10, 100, 100, '{}');
