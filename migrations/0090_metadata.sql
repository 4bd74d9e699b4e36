-- What helps people to find files again: tags and fields on nodes, each account's favourites, listings by time, and what an
-- account changed lately.

-- Tags and fields of a node; no row where there are none.
CREATE TABLE files.metadata (
    tenant_id uuid   NOT NULL,
    node_id   uuid   NOT NULL,
    -- Folded, sorted, each once.
    tags      text[] NOT NULL,
    -- Texts by their names.
    fields    jsonb  NOT NULL CHECK (jsonb_typeof(fields) = 'object'),
    PRIMARY KEY (tenant_id, node_id),
    FOREIGN KEY (tenant_id, node_id) REFERENCES files.nodes (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE files.favourites (
    tenant_id  uuid        NOT NULL,
    account_id uuid        NOT NULL,
    node_id    uuid        NOT NULL,
    added_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, account_id, node_id),
    FOREIGN KEY (tenant_id, node_id) REFERENCES files.nodes (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX favourites_added ON files.favourites (tenant_id, account_id, added_at, node_id);
-- For the foreign key: a node that goes takes its favourites with it.
CREATE INDEX favourites_node ON files.favourites (tenant_id, node_id);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['metadata', 'favourites'] LOOP
        EXECUTE format('ALTER TABLE files.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE files.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY tenant ON files.%I FOR ALL TO bitvault_files
                        USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant())', name);
    END LOOP;
END
$$;
GRANT SELECT, INSERT ON files.metadata TO bitvault_files;
GRANT UPDATE (tags, fields) ON files.metadata TO bitvault_files;
GRANT SELECT, INSERT, DELETE ON files.favourites TO bitvault_files;

-- What an older release puts right below a tenant's root, in no home: a job looks for it across tenants.
CREATE INDEX nodes_astray ON files.nodes (id) WHERE parent_id = tenant_id AND NOT starts_with(name_key, '/');
GRANT SELECT (parent_id, created_by, name_key) ON files.nodes TO bitvault_worker;
CREATE POLICY worker_takes_in ON files.nodes FOR SELECT TO bitvault_worker USING (parent_id = tenant_id);
GRANT SELECT (tenant_id, node_id) ON files.spaces TO bitvault_worker;
CREATE POLICY worker_sees ON files.spaces FOR SELECT TO bitvault_worker USING (true);

-- A folder by time of change and by time of creation.
CREATE INDEX nodes_updated ON files.nodes (tenant_id, parent_id, updated_at, id) WHERE trashed_at IS NULL;
CREATE INDEX nodes_created ON files.nodes (tenant_id, parent_id, created_at, id) WHERE trashed_at IS NULL;
-- What an account changed lately.
CREATE INDEX nodes_recent ON files.nodes (tenant_id, updated_by, updated_at, id)
    WHERE kind = 'file' AND trashed_at IS NULL;
