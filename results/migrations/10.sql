-- From version 9 to 10: which heads run for which class.
CREATE TABLE class_head_usage (
    evaluation_id INTEGER NOT NULL REFERENCES evaluation (id),
    class         INTEGER NOT NULL,
    layer         INTEGER NOT NULL,
    head          INTEGER NOT NULL,
    n_inputs      INTEGER NOT NULL,
    PRIMARY KEY (evaluation_id, class, layer, head)
) STRICT, WITHOUT ROWID;
PRAGMA user_version = 10;
