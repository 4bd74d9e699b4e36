-- Plans that hold whatever statistics say, and functions whose plans are kept.

-- Nodes' ids are unique among all tenants, so the folder alone leads to the same rows. With the tenant in front, a planner
-- took each folder of a tenant that is one of many for empty, and these indexes for as good as the one of names: it then
-- read the whole folder for one name. Listings by time of the release before use these as well.
DROP INDEX files.nodes_updated, files.nodes_created;
CREATE INDEX nodes_updated ON files.nodes (parent_id, updated_at, id) WHERE trashed_at IS NULL;
CREATE INDEX nodes_created ON files.nodes (parent_id, created_at, id) WHERE trashed_at IS NULL;

-- The same as before. A function in SQL that can't be part of its caller is parsed and planned again at each call of it,
-- one in PL/pgSQL once a connection.
CREATE OR REPLACE FUNCTION files.tree_of(tenant uuid, node uuid) RETURNS uuid LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        WITH RECURSIVE up AS (
            SELECT id, parent_id FROM files.nodes WHERE tenant_id = tenant AND id = node
            UNION
            SELECT n.id, n.parent_id FROM up CROSS JOIN LATERAL (
                SELECT id, parent_id FROM files.nodes WHERE tenant_id = tenant AND id = up.parent_id LIMIT 1) n
            WHERE up.parent_id <> tenant
        )
        SELECT id FROM up WHERE parent_id = tenant LIMIT 1);
END
$$;

CREATE OR REPLACE FUNCTION files.add_usage(tenant uuid, tree uuid, more_files bigint, more_current_bytes bigint,
                                           more_versions bigint, more_version_bytes bigint)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO files.usage AS u (tenant_id, tree_id, files, current_bytes, versions, version_bytes)
    VALUES (tenant, tree, more_files, more_current_bytes, more_versions, more_version_bytes)
    ON CONFLICT (tenant_id, tree_id) DO UPDATE
    SET files = u.files + excluded.files, current_bytes = u.current_bytes + excluded.current_bytes,
        versions = u.versions + excluded.versions, version_bytes = u.version_bytes + excluded.version_bytes;
END
$$;

CREATE OR REPLACE FUNCTION files.add_to_quota(tenant uuid, node uuid, more_bytes bigint)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE files.quotas
    SET used_bytes = used_bytes + more_bytes,
        changed_bytes = more_bytes + CASE WHEN changed_in = pg_current_xact_id() THEN changed_bytes ELSE 0 END,
        changed_in = pg_current_xact_id()
    WHERE tenant_id = tenant AND node_id = node;
END
$$;
