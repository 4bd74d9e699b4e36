-- A device's state (ADR-0023). Ids of the server are 16 bytes, hashes 32; unsigned numbers are kept as the signed number of
-- the same bits.
CREATE TABLE nodes (
    id BLOB PRIMARY KEY,
    parent BLOB,
    name TEXT NOT NULL,
    -- Of a file; all three or none.
    version BLOB, sha256 BLOB, size INTEGER,
    revision INTEGER NOT NULL,
    writable INTEGER NOT NULL,
    -- To be seen elsewhere than in the folder that is synced.
    outside INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE tombstones (
    id BLOB PRIMARY KEY,
    seq INTEGER NOT NULL,
    actor BLOB,
    cause INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE entries (
    id INTEGER PRIMARY KEY,
    parent INTEGER,
    name TEXT NOT NULL,
    kind INTEGER NOT NULL,
    device INTEGER NOT NULL, inode INTEGER NOT NULL, born INTEGER,
    size INTEGER NOT NULL, modified INTEGER NOT NULL, changed INTEGER NOT NULL,
    content BLOB,
    sent BLOB,
    ignored INTEGER NOT NULL
);
CREATE TABLE synced (
    node BLOB PRIMARY KEY,
    entry INTEGER NOT NULL,
    parent BLOB NOT NULL,
    name TEXT NOT NULL,
    version BLOB, sha256 BLOB, size INTEGER,
    -- What the file system told; all or, but for `born`, none.
    device INTEGER, inode INTEGER, born INTEGER,
    length INTEGER, modified INTEGER, changed INTEGER
) WITHOUT ROWID;
CREATE TABLE facts (
    name TEXT PRIMARY KEY,
    json TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    json TEXT NOT NULL
);
