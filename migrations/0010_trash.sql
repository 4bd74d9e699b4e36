-- The trash can be listed, restored from and emptied.

-- The tree that a node was in when it went to the trash: its home or space. It stays where it was thrown away, also when
-- the folder that held it moves to another tree. Absent on what an older release trashed: then whose home it is, as there
-- were no other trees.
ALTER TABLE files.nodes ADD COLUMN trashed_tree uuid;
GRANT UPDATE (trashed_tree) ON files.nodes TO bitvault_files;

-- Few nodes are in the trash; only those are in these indexes.
CREATE INDEX nodes_trash ON files.nodes (coalesce(trashed_tree, trashed_by), trashed_at, id) WHERE trashed_at IS NOT NULL;
CREATE INDEX nodes_trashed ON files.nodes (trashed_at, tenant_id, id) WHERE trashed_at IS NOT NULL;

ALTER TABLE files.journal DROP CONSTRAINT journal_kind_check;
ALTER TABLE files.journal ADD CONSTRAINT journal_kind_check
    CHECK (kind IN ('created', 'updated', 'moved', 'trashed', 'restored', 'deleted', 'shared'));

-- The purge looks across tenants for what has been in the trash for long: when and which, nothing else. Removing is done
-- one tenant at a time, by the role of the module.
GRANT SELECT (tenant_id, id, trashed_at) ON files.nodes TO bitvault_worker;
CREATE POLICY worker_purges ON files.nodes FOR SELECT TO bitvault_worker USING (trashed_at IS NOT NULL);
