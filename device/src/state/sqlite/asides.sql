-- Entries that become conflicted copies, and of which file and version: noted before they get their names, and forgotten
-- once the server has them.
CREATE TABLE IF NOT EXISTS asides (
    entry INTEGER PRIMARY KEY,
    node BLOB NOT NULL,
    base BLOB
);
