-- The journal tells when somebody was given a role on a node, or lost one.
ALTER TABLE files.journal DROP CONSTRAINT journal_kind_check;
ALTER TABLE files.journal ADD CONSTRAINT journal_kind_check
    CHECK (kind IN ('created', 'updated', 'moved', 'trashed', 'restored', 'deleted', 'shared'));

-- A space's top folder gets another name; the space another group.
GRANT UPDATE (group_id) ON files.spaces TO bitvault_files;
