-- From version 5 to 6: more than accuracy of an evaluation, what classes are called, and for every
-- prediction how sure it was and where its input comes from.
ALTER TABLE trial ADD COLUMN sources_sha256 TEXT;
ALTER TABLE evaluation ADD COLUMN macro_f1 REAL CHECK (macro_f1 BETWEEN 0 AND 1);
ALTER TABLE evaluation ADD COLUMN matthews REAL CHECK (matthews BETWEEN -1 AND 1);
ALTER TABLE evaluation ADD COLUMN ece REAL CHECK (ece BETWEEN 0 AND 1);
ALTER TABLE prediction ADD COLUMN p_predicted REAL CHECK (p_predicted BETWEEN 0 AND 1);
ALTER TABLE prediction ADD COLUMN p_true REAL CHECK (p_true BETWEEN 0 AND 1);
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
PRAGMA user_version = 6;
