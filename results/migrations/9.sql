-- From version 8 to 9: joules of a card, and an interval where energy was measured in several regions. The table is
-- made anew, because the domains that it knows are part of it.
CREATE TEMP TABLE energy_of_8 AS SELECT * FROM main.energy;
DROP TABLE main.energy;
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
INSERT INTO energy
SELECT profile_id, domain, joules_per_input, idle_watts, seconds, seconds_per_input,
       CASE WHEN joules_per_input IS NOT NULL THEN 1 END, NULL, reason
FROM temp.energy_of_8;
DROP TABLE temp.energy_of_8;
PRAGMA user_version = 9;
