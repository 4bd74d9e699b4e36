-- Folders are put in place as well; they have no content.
ALTER TABLE fetched RENAME TO fetched_files;
CREATE TABLE fetched (
    node BLOB PRIMARY KEY,
    -- Of a file; all three or none.
    version BLOB, sha256 BLOB, size INTEGER
) WITHOUT ROWID;
INSERT INTO fetched SELECT node, version, sha256, size FROM fetched_files;
DROP TABLE fetched_files;
