-- What the server answered that it has, as long as the journal does not tell of it as well.
CREATE TABLE untold (
    node BLOB PRIMARY KEY,
    revision INTEGER NOT NULL,
    -- Of a file: its version, and the one that it took the place of.
    version BLOB, replaced BLOB
) WITHOUT ROWID;
