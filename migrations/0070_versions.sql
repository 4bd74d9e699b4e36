-- Versions: labels, what is kept of them, and the space that they take.

ALTER TABLE files.versions ADD COLUMN label text CHECK (octet_length(label) BETWEEN 1 AND 255);
GRANT UPDATE (label) ON files.versions TO bitvault_files;

-- Which versions are kept of the files below a folder; on the tenant's root, of all its files. The nearest row above a file
-- counts alone. NULL: no limit.
CREATE TABLE files.retention (
    tenant_id    uuid        NOT NULL,
    node_id      uuid        NOT NULL,
    max_count    integer     CHECK (max_count >= 1),
    max_age_days integer     CHECK (max_age_days >= 1),
    thin         boolean     NOT NULL,
    set_at       timestamptz NOT NULL,
    set_by       uuid        NOT NULL,
    PRIMARY KEY (tenant_id, node_id),
    FOREIGN KEY (tenant_id, node_id) REFERENCES files.nodes (tenant_id, id) ON DELETE CASCADE
);

-- Files with old versions, and when each is looked at next by the job that applies the policies.
CREATE TABLE files.thinning (
    tenant_id uuid        NOT NULL,
    node_id   uuid        NOT NULL,
    due_at    timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, node_id),
    FOREIGN KEY (tenant_id, node_id) REFERENCES files.nodes (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX thinning_due ON files.thinning (due_at);

-- The space of each tree (a home, a space), what is in the trash included. Kept by the triggers below, in the transaction that
-- changes the rows, so that no way of changing them is forgotten, an older release's included (ADR 0114). Locked after
-- nodes, objects and blobs, before the journal's counter.
CREATE TABLE files.usage (
    tenant_id     uuid   NOT NULL,
    -- The node right below the tenant's root.
    tree_id       uuid   NOT NULL,
    -- Files, and bytes of their current versions.
    files         bigint NOT NULL,
    current_bytes bigint NOT NULL,
    -- All versions.
    versions      bigint NOT NULL,
    version_bytes bigint NOT NULL,
    PRIMARY KEY (tenant_id, tree_id)
);

-- What of a tree is in the trash is counted when somebody asks.
CREATE INDEX nodes_in_trash ON files.nodes (tenant_id, trashed_at) WHERE trashed_at IS NOT NULL;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['retention', 'thinning', 'usage'] LOOP
        EXECUTE format('ALTER TABLE files.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE files.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY tenant ON files.%I FOR ALL TO bitvault_files
                        USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant())', name);
    END LOOP;
END
$$;
GRANT SELECT, INSERT, DELETE, UPDATE (max_count, max_age_days, thin, set_at, set_by) ON files.retention TO bitvault_files;
GRANT SELECT, INSERT, DELETE, UPDATE (due_at) ON files.thinning TO bitvault_files;
GRANT SELECT, INSERT, DELETE, UPDATE (files, current_bytes, versions, version_bytes) ON files.usage TO bitvault_files;

-- Removing versions locks their blobs against copies that name them, and Postgres lets only who may change a row lock it.
GRANT UPDATE (created_at) ON files.blobs TO bitvault_files;

-- The job that applies the policies finds due files across tenants, and works within one tenant at a time.
GRANT SELECT, UPDATE (due_at) ON files.thinning TO bitvault_worker;
CREATE POLICY worker_sees ON files.thinning FOR SELECT TO bitvault_worker USING (true);
CREATE POLICY worker_claims ON files.thinning FOR UPDATE TO bitvault_worker USING (true) WITH CHECK (true);
-- So does the check of the counters.
GRANT SELECT (tenant_id) ON files.journal_heads TO bitvault_worker;
CREATE POLICY worker_sees ON files.journal_heads FOR SELECT TO bitvault_worker USING (true);

-- The tree that a node is in.
CREATE FUNCTION files.tree_of(tenant uuid, node uuid) RETURNS uuid LANGUAGE sql STABLE AS $$
    WITH RECURSIVE up AS (
        SELECT id, parent_id FROM files.nodes WHERE tenant_id = tenant AND id = node
        UNION
        SELECT n.id, n.parent_id FROM up CROSS JOIN LATERAL (
            SELECT id, parent_id FROM files.nodes WHERE tenant_id = tenant AND id = up.parent_id LIMIT 1) n
        WHERE up.parent_id <> tenant
    )
    SELECT id FROM up WHERE parent_id = tenant LIMIT 1
$$;

-- What a node and all below it take, by counting: as much work as there are nodes.
CREATE FUNCTION files.subtree_usage(tenant uuid, node uuid)
RETURNS TABLE (files bigint, current_bytes bigint, versions bigint, version_bytes bigint) LANGUAGE sql STABLE AS $$
    WITH RECURSIVE down AS (
        SELECT id, current_version FROM files.nodes WHERE tenant_id = tenant AND id = node
        UNION ALL
        SELECT n.id, n.current_version FROM down CROSS JOIN LATERAL (
            SELECT id, current_version FROM files.nodes WHERE tenant_id = tenant AND parent_id = down.id OFFSET 0) n
    )
    SELECT count(*) FILTER (WHERE v.id = down.current_version),
           coalesce(sum(b.length) FILTER (WHERE v.id = down.current_version), 0)::bigint,
           count(*), coalesce(sum(b.length), 0)::bigint
    FROM down
    CROSS JOIN LATERAL (SELECT id, blob_id FROM files.versions WHERE tenant_id = tenant AND node_id = down.id OFFSET 0) v
    CROSS JOIN LATERAL (SELECT length FROM files.blobs WHERE tenant_id = tenant AND id = v.blob_id LIMIT 1) b
    WHERE down.current_version IS NOT NULL
$$;

CREATE FUNCTION files.add_usage(tenant uuid, tree uuid, more_files bigint, more_current_bytes bigint, more_versions bigint,
                                more_version_bytes bigint) RETURNS void LANGUAGE sql AS $$
    INSERT INTO files.usage AS u (tenant_id, tree_id, files, current_bytes, versions, version_bytes)
    VALUES (tenant, tree, more_files, more_current_bytes, more_versions, more_version_bytes)
    ON CONFLICT (tenant_id, tree_id) DO UPDATE
    SET files = u.files + excluded.files, current_bytes = u.current_bytes + excluded.current_bytes,
        versions = u.versions + excluded.versions, version_bytes = u.version_bytes + excluded.version_bytes
$$;

-- Versions came or went. Each tree's row is changed once a statement, in the order of their ids.
CREATE FUNCTION files.count_versions() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    direction bigint := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
    tree record;
BEGIN
    FOR tree IN
        SELECT folder.tenant_id, files.tree_of(folder.tenant_id, folder.anchor) AS id, sum(folder.files)::bigint AS files,
               sum(folder.current_bytes)::bigint AS current_bytes, sum(folder.versions)::bigint AS versions,
               sum(folder.version_bytes)::bigint AS version_bytes
        FROM (SELECT v.tenant_id, CASE n.parent_id WHEN v.tenant_id THEN n.id ELSE n.parent_id END AS anchor,
                     count(*) FILTER (WHERE n.current_version = v.id) AS files,
                     coalesce(sum(b.length) FILTER (WHERE n.current_version = v.id), 0) AS current_bytes,
                     count(*) AS versions, sum(b.length) AS version_bytes
              FROM changed v
              CROSS JOIN LATERAL (SELECT id, parent_id, current_version FROM files.nodes
                                  WHERE tenant_id = v.tenant_id AND id = v.node_id LIMIT 1) n
              CROSS JOIN LATERAL (SELECT length FROM files.blobs
                                  WHERE tenant_id = v.tenant_id AND id = v.blob_id LIMIT 1) b
              GROUP BY 1, 2) folder
        GROUP BY 1, 2 ORDER BY 1, 2
    LOOP
        PERFORM files.add_usage(tree.tenant_id, tree.id, direction * tree.files, direction * tree.current_bytes,
                                direction * tree.versions, direction * tree.version_bytes);
    END LOOP;
    RETURN NULL;
END
$$;
-- Who deletes a whole tenant counts nothing.
CREATE TRIGGER usage_more AFTER INSERT ON files.versions
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT
    WHEN (current_user <> 'bitvault_eraser') EXECUTE FUNCTION files.count_versions();
CREATE TRIGGER usage_less AFTER DELETE ON files.versions
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT
    WHEN (current_user <> 'bitvault_eraser') EXECUTE FUNCTION files.count_versions();

-- Files show other versions, or nodes went to other folders with all below them. Who moves a folder to another tree has
-- locked all of it: what is added below meanwhile would be counted in the tree that it leaves.
--
-- A statement may move many nodes, some of them into or out of each other. What is below one of them and below no other one
-- that moved went from the tree where that one was to the tree where it is; so each node is counted with the nearest one
-- above it that moved.
CREATE FUNCTION files.count_nodes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    tenant uuid;
    -- Nodes that changed, their folders and versions, before and after.
    ids uuid[];
    folders uuid[];
    folders_now uuid[];
    versions uuid[];
    versions_now uuid[];
    -- Those that went to another folder.
    moved uuid[];
    -- All of these were tops of trees, as when a home takes in what an older release kept below the root: then their own
    -- rows of usage tell what moves.
    whole boolean;
    tree record;
BEGIN
    FOR tenant, ids, folders, folders_now, versions, versions_now, moved, whole IN
        SELECT c.tenant_id, array_agg(c.id), array_agg(c.parents[1]), array_agg(c.parents[2]),
               array_agg(c.versions[1]), array_agg(c.versions[2]),
               coalesce(array_agg(c.id) FILTER (WHERE c.parents[1] <> c.parents[2]), '{}'),
               coalesce(bool_and(c.parents[1] = c.tenant_id) FILTER (WHERE c.parents[1] <> c.parents[2]), false)
        FROM (SELECT s.tenant_id, s.id, array_agg(s.parent_id ORDER BY s.side) AS parents,
                     array_agg(s.current_version ORDER BY s.side) AS versions
              FROM (SELECT 1 AS side, o.tenant_id, o.id, o.parent_id, o.current_version FROM changed_from o
                    UNION ALL
                    SELECT 2, n.tenant_id, n.id, n.parent_id, n.current_version FROM changed_to n) s
              GROUP BY s.tenant_id, s.id) c
        WHERE c.parents[1] <> c.parents[2] OR c.versions[1] IS DISTINCT FROM c.versions[2]
        GROUP BY c.tenant_id
    LOOP
        FOR tree IN
            WITH RECURSIVE node AS MATERIALIZED (
                SELECT * FROM unnest(ids, folders, folders_now, versions, versions_now)
                              AS c(id, folder_was, folder_is, version_was, version_is)
            ), up AS (
                -- To the tops, along folders as they were.
                SELECT a.anchor, n.id, n.parent_id
                FROM (SELECT DISTINCT CASE folder_was WHEN tenant THEN node.id ELSE folder_was END AS anchor FROM node) a
                CROSS JOIN LATERAL (
                    SELECT f.id, coalesce(folders[array_position(ids, f.id)], f.parent_id) AS parent_id
                    FROM files.nodes f WHERE f.tenant_id = tenant AND f.id = a.anchor LIMIT 1) n
                UNION
                SELECT up.anchor, n.id, n.parent_id
                FROM up CROSS JOIN LATERAL (
                    SELECT f.id, coalesce(folders[array_position(ids, f.id)], f.parent_id) AS parent_id
                    FROM files.nodes f WHERE f.tenant_id = tenant AND f.id = up.parent_id LIMIT 1) n
                WHERE up.parent_id <> tenant
            ), top AS MATERIALIZED (
                SELECT up.anchor, up.id FROM up WHERE up.parent_id = tenant
            ), target AS MATERIALIZED (
                SELECT t.folder, files.tree_of(tenant, t.folder) AS tree
                FROM (SELECT DISTINCT folder_is AS folder FROM node
                      WHERE folder_is <> folder_was AND folder_is <> tenant) t
            ), placed AS MATERIALIZED (
                SELECT node.*, top.id AS tree_was,
                       CASE folder_is WHEN folder_was THEN top.id WHEN tenant THEN node.id ELSE target.tree END AS tree_is
                FROM node
                JOIN top ON top.anchor = CASE folder_was WHEN tenant THEN node.id ELSE folder_was END
                LEFT JOIN target ON target.folder = folder_is
            ), down AS (
                SELECT tree_was, tree_is, placed.id FROM placed WHERE tree_is <> tree_was AND NOT whole
                UNION ALL
                SELECT down.tree_was, down.tree_is, n.id
                FROM down CROSS JOIN LATERAL (
                    SELECT f.id FROM files.nodes f WHERE f.tenant_id = tenant AND f.parent_id = down.id OFFSET 0) n
                WHERE array_position(moved, n.id) IS NULL
            ), part AS (
                SELECT down.tree_was, down.tree_is, count(*) FILTER (WHERE v.id = n.current_version) AS files,
                       coalesce(sum(b.length) FILTER (WHERE v.id = n.current_version), 0) AS current_bytes,
                       count(*) AS versions, coalesce(sum(b.length), 0) AS version_bytes
                FROM down
                CROSS JOIN LATERAL (SELECT f.current_version FROM files.nodes f
                                    WHERE f.tenant_id = tenant AND f.id = down.id LIMIT 1) n
                CROSS JOIN LATERAL (SELECT w.id, w.blob_id FROM files.versions w
                                    WHERE w.tenant_id = tenant AND w.node_id = down.id OFFSET 0) v
                CROSS JOIN LATERAL (SELECT l.length FROM files.blobs l
                                    WHERE l.tenant_id = tenant AND l.id = v.blob_id LIMIT 1) b
                GROUP BY 1, 2
                UNION ALL
                SELECT placed.tree_was, placed.tree_is, u.files, u.current_bytes, u.versions, u.version_bytes
                FROM placed CROSS JOIN LATERAL (
                    SELECT * FROM files.usage WHERE tenant_id = tenant AND tree_id = placed.id LIMIT 1) u
                WHERE tree_is <> tree_was AND whole
                UNION ALL
                -- A version that is written after the node that shows it is counted when it comes.
                SELECT placed.tree_was, NULL, -side.direction, -side.direction * b.length, 0, 0
                FROM placed
                CROSS JOIN LATERAL (VALUES (version_is, 1), (version_was, -1)) AS side(id, direction)
                CROSS JOIN LATERAL (SELECT w.blob_id FROM files.versions w
                                    WHERE w.tenant_id = tenant AND w.id = side.id LIMIT 1) v
                CROSS JOIN LATERAL (SELECT l.length FROM files.blobs l
                                    WHERE l.tenant_id = tenant AND l.id = v.blob_id LIMIT 1) b
                WHERE version_is IS DISTINCT FROM version_was
            )
            SELECT side.id, sum(side.direction * part.files)::bigint AS files,
                   sum(side.direction * part.current_bytes)::bigint AS current_bytes,
                   sum(side.direction * part.versions)::bigint AS versions,
                   sum(side.direction * part.version_bytes)::bigint AS version_bytes
            FROM part CROSS JOIN LATERAL (VALUES (tree_was, -1), (tree_is, 1)) AS side(id, direction)
            WHERE side.id IS NOT NULL
            GROUP BY side.id ORDER BY side.id
        LOOP
            PERFORM files.add_usage(tenant, tree.id, tree.files, tree.current_bytes, tree.versions, tree.version_bytes);
        END LOOP;
        IF whole THEN
            -- They are tops no more.
            DELETE FROM files.usage WHERE tenant_id = tenant AND tree_id = ANY (moved);
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
CREATE TRIGGER usage_changed AFTER UPDATE ON files.nodes
    REFERENCING OLD TABLE AS changed_from NEW TABLE AS changed_to FOR EACH STATEMENT
    WHEN (current_user <> 'bitvault_eraser') EXECUTE FUNCTION files.count_nodes();

-- What is there already. The owner is bound by the policies too, and none of them lets it see anything.
ALTER TABLE files.nodes NO FORCE ROW LEVEL SECURITY;
ALTER TABLE files.versions NO FORCE ROW LEVEL SECURITY;
ALTER TABLE files.blobs NO FORCE ROW LEVEL SECURITY;
ALTER TABLE files.usage NO FORCE ROW LEVEL SECURITY;
ALTER TABLE files.thinning NO FORCE ROW LEVEL SECURITY;
INSERT INTO files.usage (tenant_id, tree_id, files, current_bytes, versions, version_bytes)
    SELECT n.tenant_id, n.id, s.files, s.current_bytes, s.versions, s.version_bytes
    FROM files.nodes n CROSS JOIN LATERAL files.subtree_usage(n.tenant_id, n.id) s
    WHERE n.parent_id = n.tenant_id;
INSERT INTO files.thinning (tenant_id, node_id, due_at)
    SELECT tenant_id, node_id, max(created_at) FROM files.versions GROUP BY 1, 2 HAVING count(*) > 1;
ALTER TABLE files.nodes FORCE ROW LEVEL SECURITY;
ALTER TABLE files.versions FORCE ROW LEVEL SECURITY;
ALTER TABLE files.blobs FORCE ROW LEVEL SECURITY;
ALTER TABLE files.usage FORCE ROW LEVEL SECURITY;
ALTER TABLE files.thinning FORCE ROW LEVEL SECURITY;
