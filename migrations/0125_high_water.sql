-- The high-water mark of this database (ADR 0125). It rises while journals do, and a copy of it stands in the object store, where
-- a restore of the database to an older state does not reach: a copy above what stands here tells that this is an older state.
CREATE TABLE files.high_water (
    one  boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (one),
    -- Keeps the copies apart from those of another database that uses, or used, the same bucket.
    id   uuid    NOT NULL DEFAULT gen_random_uuid(),
    mark bigint  NOT NULL DEFAULT 0 CHECK (mark >= 0)
);
INSERT INTO files.high_water DEFAULT VALUES;
ALTER TABLE files.high_water ENABLE ROW LEVEL SECURITY;
ALTER TABLE files.high_water FORCE ROW LEVEL SECURITY;
CREATE POLICY worker ON files.high_water FOR ALL TO bitvault_worker USING (true) WITH CHECK (true);
GRANT SELECT, UPDATE (mark) ON files.high_water TO bitvault_worker;

-- An older state begins another epoch of every journal: what was told of those that were lost is then not built on.
GRANT UPDATE (epoch) ON files.journal_heads TO bitvault_worker;
CREATE POLICY worker_begins_an_epoch ON files.journal_heads FOR UPDATE TO bitvault_worker USING (true) WITH CHECK (epoch > 1);
