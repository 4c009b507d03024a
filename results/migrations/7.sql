-- From version 6 to 7: what the variance of a difference is made of, so that what more seeds or inputs
-- would resolve can be worked out from the row; and how far trainings are that run.
ALTER TABLE comparison ADD COLUMN seed_variance REAL;
ALTER TABLE comparison ADD COLUMN input_variance REAL;
ALTER TABLE comparison ADD COLUMN rest_variance REAL;
ALTER TABLE comparison ADD COLUMN pseudo REAL;
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
PRAGMA user_version = 7;
