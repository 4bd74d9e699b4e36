-- Conflicted copies (ADR 0026): which file each is a copy of, and how somebody settled it.

-- The device that content comes from, as it calls itself.
ALTER TABLE files.versions ADD COLUMN device text CHECK (octet_length(device) BETWEEN 1 AND 128);
ALTER TABLE files.uploads ADD COLUMN device text CHECK (octet_length(device) BETWEEN 1 AND 128);
-- Of an upload of a conflicted copy: the file, and the version of it that the content was made from.
ALTER TABLE files.uploads ADD COLUMN conflict_node uuid;
ALTER TABLE files.uploads ADD COLUMN conflict_base uuid;

-- Written in the transaction that makes the copy. It is open while nobody settled it, neither file is in the trash, and the
-- copy has the name that it was made under.
CREATE TABLE files.conflicts (
    tenant_id    uuid        NOT NULL,
    id           uuid        NOT NULL,
    original_id  uuid        NOT NULL,
    copy_id      uuid        NOT NULL,
    copy_key     text        NOT NULL COLLATE "C",
    -- No foreign key: old versions go, and the conflict stays.
    base_version uuid,
    device       text        NOT NULL CHECK (octet_length(device) BETWEEN 1 AND 128),
    created_at   timestamptz NOT NULL,
    created_by   uuid        NOT NULL,
    keep         text        CHECK (keep IN ('both', 'theirs', 'mine')),
    resolved_at  timestamptz,
    resolved_by  uuid,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT conflicts_resolved CHECK ((keep IS NULL) = (resolved_at IS NULL) AND (keep IS NULL) = (resolved_by IS NULL)),
    FOREIGN KEY (tenant_id, original_id) REFERENCES files.nodes (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, copy_id) REFERENCES files.nodes (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX conflicts_open ON files.conflicts (tenant_id, created_at, id) WHERE resolved_at IS NULL;
-- For the foreign keys: a file that goes takes its conflicts with it.
CREATE INDEX conflicts_original ON files.conflicts (tenant_id, original_id);
CREATE INDEX conflicts_copy ON files.conflicts (tenant_id, copy_id);

ALTER TABLE files.conflicts ENABLE ROW LEVEL SECURITY;
ALTER TABLE files.conflicts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON files.conflicts FOR ALL TO bitvault_files
    USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
GRANT SELECT, INSERT, UPDATE (keep, resolved_at, resolved_by) ON files.conflicts TO bitvault_files;
