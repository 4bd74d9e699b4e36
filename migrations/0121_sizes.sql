-- What folders are listed by besides names and times: the size of a file's current version. Folders count as empty.

ALTER TABLE files.nodes ADD COLUMN size bigint NOT NULL DEFAULT 0 CHECK (size >= 0);
GRANT UPDATE (size) ON files.nodes TO bitvault_files;

-- What is there already. The owner is bound by the policies too, and none of them lets it see anything. Nothing that
-- triggers count changes.
ALTER TABLE files.nodes NO FORCE ROW LEVEL SECURITY;
ALTER TABLE files.versions NO FORCE ROW LEVEL SECURITY;
ALTER TABLE files.blobs NO FORCE ROW LEVEL SECURITY;
ALTER TABLE files.nodes DISABLE TRIGGER USER;
UPDATE files.nodes n SET size = b.length
    FROM files.versions v JOIN files.blobs b ON b.tenant_id = v.tenant_id AND b.id = v.blob_id
    WHERE v.tenant_id = n.tenant_id AND v.id = n.current_version AND b.length <> 0;
ALTER TABLE files.nodes ENABLE TRIGGER USER;
ALTER TABLE files.nodes FORCE ROW LEVEL SECURITY;
ALTER TABLE files.versions FORCE ROW LEVEL SECURITY;
ALTER TABLE files.blobs FORCE ROW LEVEL SECURITY;

-- Without the tenant, as the indexes of times (0120).
CREATE INDEX nodes_size ON files.nodes (parent_id, size, id) WHERE trashed_at IS NULL;

-- The release before knows no sizes. What it writes gets them here: where a file takes a version that is there already, as
-- when one is restored, and where a version comes after the file that shows it, below.
CREATE FUNCTION files.size_of_current() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.size := coalesce((
        SELECT b.length FROM files.versions v
        CROSS JOIN LATERAL (SELECT length FROM files.blobs WHERE tenant_id = v.tenant_id AND id = v.blob_id LIMIT 1) b
        WHERE v.tenant_id = NEW.tenant_id AND v.id = NEW.current_version LIMIT 1), NEW.size);
    RETURN NEW;
END
$$;
CREATE TRIGGER size_untold BEFORE UPDATE OF current_version ON files.nodes FOR EACH ROW
    WHEN (NEW.current_version IS DISTINCT FROM OLD.current_version AND NEW.size = OLD.size)
    EXECUTE FUNCTION files.size_of_current();

-- As in 0070, and it looks whether files show the size of a version that came.
CREATE OR REPLACE FUNCTION files.count_versions() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    direction bigint := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
    untold boolean := false;
    tree record;
BEGIN
    FOR tree IN
        SELECT folder.tenant_id, files.tree_of(folder.tenant_id, folder.anchor) AS id, sum(folder.files)::bigint AS files,
               sum(folder.current_bytes)::bigint AS current_bytes, sum(folder.versions)::bigint AS versions,
               sum(folder.version_bytes)::bigint AS version_bytes, bool_or(folder.untold) AS untold
        FROM (SELECT v.tenant_id, CASE n.parent_id WHEN v.tenant_id THEN n.id ELSE n.parent_id END AS anchor,
                     count(*) FILTER (WHERE n.current_version = v.id) AS files,
                     coalesce(sum(b.length) FILTER (WHERE n.current_version = v.id), 0) AS current_bytes,
                     count(*) AS versions, sum(b.length) AS version_bytes,
                     bool_or(n.current_version = v.id AND n.size <> b.length) AS untold
              FROM changed v
              CROSS JOIN LATERAL (SELECT id, parent_id, current_version, size FROM files.nodes
                                  WHERE tenant_id = v.tenant_id AND id = v.node_id LIMIT 1) n
              CROSS JOIN LATERAL (SELECT length FROM files.blobs
                                  WHERE tenant_id = v.tenant_id AND id = v.blob_id LIMIT 1) b
              GROUP BY 1, 2) folder
        GROUP BY 1, 2 ORDER BY 1, 2
    LOOP
        PERFORM files.add_usage(tree.tenant_id, tree.id, direction * tree.files, direction * tree.current_bytes,
                                direction * tree.versions, direction * tree.version_bytes);
        untold := untold OR tree.untold;
    END LOOP;
    IF untold AND TG_OP = 'INSERT' THEN
        UPDATE files.nodes n SET size = b.length
        FROM changed v
        CROSS JOIN LATERAL (SELECT ctid AS at FROM files.nodes
                            WHERE tenant_id = v.tenant_id AND id = v.node_id AND current_version = v.id LIMIT 1) found
        CROSS JOIN LATERAL (SELECT length FROM files.blobs
                            WHERE tenant_id = v.tenant_id AND id = v.blob_id LIMIT 1) b
        WHERE n.ctid = found.at AND n.size <> b.length;
    END IF;
    RETURN NULL;
END
$$;
