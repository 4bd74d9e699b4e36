-- Tenants settle how long their trash is kept, so the purge looks at one tenant after the other: each look begins where the
-- tenant does, however much is in the trash of others.
CREATE INDEX nodes_trashed_of_tenant ON files.nodes (tenant_id, trashed_at, id) WHERE trashed_at IS NOT NULL;
-- By time over all tenants nobody asks any more.
DROP INDEX files.nodes_trashed;
