-- Where the server was asked to have entries of the device, as long as its answers are not known.
CREATE TABLE asked (
    entry INTEGER PRIMARY KEY,
    parent BLOB NOT NULL,
    name TEXT NOT NULL
);
