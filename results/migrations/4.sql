-- From version 3 to 4: what a result was made by, and where its process ran.
ALTER TABLE trial ADD COLUMN code_sha256 TEXT;
ALTER TABLE trial ADD COLUMN checkpoint_sha256 TEXT;
ALTER TABLE trial ADD COLUMN boot_id TEXT;
ALTER TABLE trial ADD COLUMN pid_namespace TEXT;
PRAGMA user_version = 4;
