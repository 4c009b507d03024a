-- From version 7 to 8: what a trial computes on. All that is stored was computed by a CPU.
ALTER TABLE trial ADD COLUMN device TEXT NOT NULL DEFAULT 'cpu' CHECK (device IN ('cpu', 'cuda'));
ALTER TABLE trial ADD COLUMN precision TEXT NOT NULL DEFAULT 'fp32' CHECK (precision IN ('fp32', 'tf32', 'bf16'));
DROP INDEX trial_current;
CREATE UNIQUE INDEX trial_current ON trial (workload_id, kind, arm, seed, device, precision) WHERE current = 1;
PRAGMA user_version = 8;
