-- From version 6 to 7: what the variance of a difference is made of, so that what more seeds or inputs
-- would resolve can be worked out from the row.
ALTER TABLE comparison ADD COLUMN seed_variance REAL;
ALTER TABLE comparison ADD COLUMN input_variance REAL;
ALTER TABLE comparison ADD COLUMN rest_variance REAL;
ALTER TABLE comparison ADD COLUMN pseudo REAL;
PRAGMA user_version = 7;
