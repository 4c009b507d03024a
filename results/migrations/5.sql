-- From version 4 to 5: what a budget is worth without its hard choice, and how sure its scores are; arms
-- compared input by input.
ALTER TABLE epoch ADD COLUMN train_score_entropy REAL;
ALTER TABLE evaluation ADD COLUMN trained_accuracy REAL CHECK (trained_accuracy BETWEEN 0 AND 1);
ALTER TABLE evaluation ADD COLUMN score_entropy REAL;
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
    PRIMARY KEY (workload_id, arm_a, arm_b),
    CHECK (arm_a < arm_b),
    CHECK ((n_seeds = 0) = (points IS NULL))
) STRICT, WITHOUT ROWID;
CREATE TRIGGER comparison_without_evaluation AFTER DELETE ON evaluation BEGIN
    DELETE FROM comparison WHERE workload_id = (SELECT workload_id FROM trial WHERE id = OLD.trial_id);
END;
PRAGMA user_version = 5;
