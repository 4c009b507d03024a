-- From version 9 to 10: which heads run for which class, and what a report asks of the samples of a profile, once
-- and not in each report.
CREATE TABLE class_head_usage (
    evaluation_id INTEGER NOT NULL REFERENCES evaluation (id),
    class         INTEGER NOT NULL,
    layer         INTEGER NOT NULL,
    head          INTEGER NOT NULL,
    n_inputs      INTEGER NOT NULL,
    PRIMARY KEY (evaluation_id, class, layer, head)
) STRICT, WITHOUT ROWID;
ALTER TABLE profile ADD COLUMN n_samples INTEGER;
ALTER TABLE profile ADD COLUMN latency_ns_median REAL;
ALTER TABLE profile ADD COLUMN latency_ns_mad REAL;
ALTER TABLE profile ADD COLUMN marked_over_unmarked REAL;
WITH ranked AS (
    SELECT profile_id, latency_ns, count(*) OVER (PARTITION BY profile_id) AS n,
           row_number() OVER (PARTITION BY profile_id ORDER BY latency_ns) AS rank
    FROM profile_sample
), centred AS (
    SELECT profile_id, latency_ns, n, avg(CASE WHEN rank IN ((n + 1) / 2, (n + 2) / 2) THEN latency_ns END)
                                          OVER (PARTITION BY profile_id) AS median
    FROM ranked
), away AS (
    SELECT profile_id, n, median, abs(latency_ns - median) AS distance,
           row_number() OVER (PARTITION BY profile_id ORDER BY abs(latency_ns - median)) AS rank
    FROM centred
)
UPDATE profile SET n_samples = s.n, latency_ns_median = s.median, latency_ns_mad = s.mad
FROM (SELECT profile_id, n, median, avg(distance) AS mad FROM away
      WHERE rank IN ((n + 1) / 2, (n + 2) / 2) GROUP BY profile_id) s
WHERE s.profile_id = profile.id;
WITH ranked AS (
    SELECT profile_id, marked_ns / unmarked_ns AS ratio, count(*) OVER (PARTITION BY profile_id) AS n,
           row_number() OVER (PARTITION BY profile_id ORDER BY marked_ns / unmarked_ns) AS rank
    FROM profile_sample WHERE marked_ns IS NOT NULL
)
UPDATE profile SET marked_over_unmarked = s.median
FROM (SELECT profile_id, avg(ratio) AS median FROM ranked
      WHERE rank IN ((n + 1) / 2, (n + 2) / 2) GROUP BY profile_id) s
WHERE s.profile_id = profile.id;
PRAGMA user_version = 10;
