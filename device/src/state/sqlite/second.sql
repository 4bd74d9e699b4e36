-- What is being put in place, and is not known to be there.
CREATE TABLE fetched (
    node BLOB PRIMARY KEY,
    version BLOB NOT NULL, sha256 BLOB NOT NULL, size INTEGER NOT NULL
) WITHOUT ROWID;
-- Entries that become conflicted copies, and of which file and version: noted before they get their names, and forgotten
-- once the server has them.
CREATE TABLE asides (
    entry INTEGER PRIMARY KEY,
    node BLOB NOT NULL,
    base BLOB
);
