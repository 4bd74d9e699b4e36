-- Nodes get other names and other folders; the journal says so.
ALTER TABLE files.journal DROP CONSTRAINT journal_kind_check;
ALTER TABLE files.journal ADD CONSTRAINT journal_kind_check
    CHECK (kind IN ('created', 'updated', 'moved', 'trashed', 'deleted'));
