-- Quotas: how many bytes may lie below a node, all versions and the trash included; and what uploads have reserved of that.

-- A limit on the tenant (its root), a home or a space (the top of a tree), or any folder.
CREATE TABLE files.quotas (
    tenant_id     uuid        NOT NULL,
    node_id       uuid        NOT NULL,
    max_bytes     bigint      NOT NULL CHECK (max_bytes >= 0),
    -- The bytes of all versions below. Kept by the triggers below, in the transaction that changes the rows (ADR 0120).
    -- Locked after nodes, objects and blobs, before the rows of usage.
    used_bytes    bigint      NOT NULL DEFAULT 0,
    -- Until what was there before has been counted, used_bytes means nothing and the limit does not hold.
    counted       boolean     NOT NULL DEFAULT false,
    -- The transaction that changed used_bytes last, and by how much altogether: what grew beyond its limit is told by that.
    changed_in    xid8,
    changed_bytes bigint      NOT NULL DEFAULT 0,
    set_at        timestamptz NOT NULL,
    -- NULL: whoever runs the server.
    set_by        uuid,
    PRIMARY KEY (tenant_id, node_id),
    FOREIGN KEY (tenant_id, node_id) REFERENCES files.nodes (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX quotas_uncounted ON files.quotas (tenant_id, node_id) WHERE NOT counted;

-- What an upload that is under way has reserved of each quota above its target. Goes in the statement that moves its object
-- out of `staging`, by a trigger, so that no way out is forgotten, an older release's included. No foreign key to the quota: where one is taken away and set again, what was reserved counts still.
CREATE TABLE files.reservations (
    tenant_id uuid   NOT NULL,
    object_id uuid   NOT NULL,
    node_id   uuid   NOT NULL,
    bytes     bigint NOT NULL CHECK (bytes > 0),
    PRIMARY KEY (tenant_id, object_id, node_id),
    FOREIGN KEY (tenant_id, object_id) REFERENCES files.objects (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX reservations_node ON files.reservations (tenant_id, node_id) INCLUDE (bytes);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['quotas', 'reservations'] LOOP
        EXECUTE format('ALTER TABLE files.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE files.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY tenant ON files.%I FOR ALL TO bitvault_files
                        USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant())', name);
    END LOOP;
END
$$;
GRANT SELECT, INSERT, DELETE, UPDATE (max_bytes, used_bytes, counted, changed_in, changed_bytes, set_at, set_by)
    ON files.quotas TO bitvault_files;
GRANT SELECT, INSERT, DELETE ON files.reservations TO bitvault_files;

-- The job that counts what a crash left uncounted finds it across tenants, and counts in one tenant at a time.
GRANT SELECT (tenant_id, node_id, counted) ON files.quotas TO bitvault_worker;
CREATE POLICY worker_sees ON files.quotas FOR SELECT TO bitvault_worker USING (NOT counted);
-- The collector gives back what uploads that came to nothing had reserved.
GRANT SELECT, DELETE ON files.reservations TO bitvault_worker;
CREATE POLICY worker_sees ON files.reservations FOR SELECT TO bitvault_worker USING (true);
CREATE POLICY worker_settles ON files.reservations FOR DELETE TO bitvault_worker USING (true);

CREATE FUNCTION files.settle_reservations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM files.reservations
    WHERE ctid = ANY (ARRAY(
        SELECT r.ctid
        FROM changed o CROSS JOIN LATERAL (
            SELECT ctid FROM files.reservations WHERE tenant_id = o.tenant_id AND object_id = o.id OFFSET 0) r
        WHERE o.state <> 'staging'));
    RETURN NULL;
END
$$;
CREATE TRIGGER reservations_settled AFTER UPDATE ON files.objects
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT
    WHEN (current_user <> 'bitvault_eraser') EXECUTE FUNCTION files.settle_reservations();

-- What was not counted yet collects changes as well: counting replaces them.
CREATE FUNCTION files.add_to_quota(tenant uuid, node uuid, more_bytes bigint) RETURNS void LANGUAGE sql AS $$
    UPDATE files.quotas
    SET used_bytes = used_bytes + more_bytes,
        changed_bytes = more_bytes + CASE WHEN changed_in = pg_current_xact_id() THEN changed_bytes ELSE 0 END,
        changed_in = pg_current_xact_id()
    WHERE tenant_id = tenant AND node_id = node
$$;

-- Versions came or went. Each quota's row is changed once a statement, in the order of the nodes' ids.
CREATE FUNCTION files.count_quotas() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    direction bigint := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
    quota record;
BEGIN
    -- Who has no quota pays one look into an index.
    IF NOT EXISTS (SELECT FROM (SELECT DISTINCT tenant_id FROM changed) t
                   WHERE EXISTS (SELECT FROM files.quotas q WHERE q.tenant_id = t.tenant_id OFFSET 0)) THEN
        RETURN NULL;
    END IF;
    FOR quota IN
        WITH RECURSIVE up AS (
            SELECT folder.tenant_id, folder.id AS anchor, folder.bytes, folder.id AS at
            FROM (SELECT v.tenant_id, n.parent_id AS id, sum(b.length)::bigint AS bytes
                  FROM changed v
                  CROSS JOIN LATERAL (SELECT parent_id FROM files.nodes
                                      WHERE tenant_id = v.tenant_id AND id = v.node_id LIMIT 1) n
                  CROSS JOIN LATERAL (SELECT length FROM files.blobs
                                      WHERE tenant_id = v.tenant_id AND id = v.blob_id LIMIT 1) b
                  GROUP BY 1, 2) folder
            UNION
            SELECT up.tenant_id, up.anchor, up.bytes, n.parent_id
            FROM up CROSS JOIN LATERAL (SELECT parent_id FROM files.nodes
                                        WHERE tenant_id = up.tenant_id AND id = up.at LIMIT 1) n
            WHERE n.parent_id IS NOT NULL
        )
        SELECT up.tenant_id, q.node_id, sum(up.bytes)::bigint AS bytes
        FROM up CROSS JOIN LATERAL (SELECT node_id FROM files.quotas
                                    WHERE tenant_id = up.tenant_id AND node_id = up.at LIMIT 1) q
        GROUP BY 1, 2 HAVING sum(up.bytes) <> 0 ORDER BY 1, 2
    LOOP
        PERFORM files.add_to_quota(quota.tenant_id, quota.node_id, direction * quota.bytes);
    END LOOP;
    RETURN NULL;
END
$$;
-- By their names these triggers run before those that count usage: the order of the locks.
CREATE TRIGGER quotas_more AFTER INSERT ON files.versions
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT
    WHEN (current_user <> 'bitvault_eraser') EXECUTE FUNCTION files.count_quotas();
CREATE TRIGGER quotas_less AFTER DELETE ON files.versions
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT
    WHEN (current_user <> 'bitvault_eraser') EXECUTE FUNCTION files.count_quotas();

-- Nodes went to other folders with all below them. Who moves a folder to where other quotas hold has locked all of it, as
-- for other trees.
--
-- A statement may move many nodes, some of them into or out of each other. What is below one of them and below no other one
-- that moved goes with it: out of the quotas above the folder where that one was, along the folders as they were, and into
-- those above the folder where it is. A quota on a node that moved, or below it, keeps what moved along with it.
CREATE FUNCTION files.move_quotas() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    tenant uuid;
    -- Nodes that went to another folder; that folder, and the one before.
    ids uuid[];
    folders uuid[];
    folders_now uuid[];
    quota record;
BEGIN
    IF NOT EXISTS (SELECT FROM (SELECT DISTINCT tenant_id FROM changed_to) t
                   WHERE EXISTS (SELECT FROM files.quotas q WHERE q.tenant_id = t.tenant_id OFFSET 0)) THEN
        RETURN NULL;
    END IF;
    FOR tenant, ids, folders, folders_now IN
        SELECT c.tenant_id, array_agg(c.id), array_agg(c.parents[1]), array_agg(c.parents[2])
        FROM (SELECT s.tenant_id, s.id, array_agg(s.parent_id ORDER BY s.side) AS parents
              FROM (SELECT 1 AS side, o.tenant_id, o.id, o.parent_id FROM changed_from o
                    UNION ALL
                    SELECT 2, n.tenant_id, n.id, n.parent_id FROM changed_to n) s
              GROUP BY s.tenant_id, s.id) c
        WHERE c.parents[1] <> c.parents[2]
        GROUP BY c.tenant_id
    LOOP
        FOR quota IN
            WITH RECURSIVE node AS MATERIALIZED (
                SELECT * FROM unnest(ids, folders, folders_now) AS c(id, folder_was, folder_is)
            ), up AS (
                SELECT side.past, side.folder AS anchor, side.folder AS at
                FROM node CROSS JOIN LATERAL (VALUES (true, folder_was), (false, folder_is)) AS side(past, folder)
                UNION
                SELECT up.past, up.anchor,
                       CASE WHEN up.past THEN coalesce(folders[array_position(ids, n.id)], n.parent_id) ELSE n.parent_id END
                FROM up CROSS JOIN LATERAL (SELECT f.id, f.parent_id FROM files.nodes f
                                            WHERE f.tenant_id = tenant AND f.id = up.at LIMIT 1) n
                WHERE n.parent_id IS NOT NULL
            ), above AS MATERIALIZED (
                SELECT up.past, up.anchor, array_agg(q.node_id ORDER BY q.node_id) AS quotas
                FROM up CROSS JOIN LATERAL (SELECT f.node_id FROM files.quotas f
                                            WHERE f.tenant_id = tenant AND f.node_id = up.at LIMIT 1) q
                GROUP BY 1, 2
            ), gone AS MATERIALIZED (
                SELECT s.id, s.quotas_was, s.quotas_are
                FROM (SELECT node.id, coalesce(past.quotas, '{}') AS quotas_was, coalesce(now.quotas, '{}') AS quotas_are
                      FROM node
                      LEFT JOIN above past ON past.past AND past.anchor = node.folder_was
                      LEFT JOIN above now ON NOT now.past AND now.anchor = node.folder_is) s
                WHERE s.quotas_was <> s.quotas_are
            ), down AS (
                SELECT gone.id AS top, gone.id FROM gone
                UNION ALL
                SELECT down.top, n.id
                FROM down CROSS JOIN LATERAL (
                    SELECT f.id FROM files.nodes f WHERE f.tenant_id = tenant AND f.parent_id = down.id OFFSET 0) n
                WHERE array_position(ids, n.id) IS NULL
            ), part AS MATERIALIZED (
                SELECT down.top, sum(b.length)::bigint AS bytes
                FROM down
                CROSS JOIN LATERAL (SELECT w.blob_id FROM files.versions w
                                    WHERE w.tenant_id = tenant AND w.node_id = down.id OFFSET 0) v
                CROSS JOIN LATERAL (SELECT l.length FROM files.blobs l
                                    WHERE l.tenant_id = tenant AND l.id = v.blob_id LIMIT 1) b
                GROUP BY 1
            )
            SELECT side.id, sum(side.direction * part.bytes)::bigint AS bytes
            FROM part
            JOIN gone ON gone.id = part.top
            CROSS JOIN LATERAL (SELECT unnest(gone.quotas_was), -1 UNION ALL SELECT unnest(gone.quotas_are), 1)
                               AS side(id, direction)
            GROUP BY side.id HAVING sum(side.direction * part.bytes) <> 0 ORDER BY side.id
        LOOP
            PERFORM files.add_to_quota(tenant, quota.id, quota.bytes);
        END LOOP;
    END LOOP;
    RETURN NULL;
END
$$;
CREATE TRIGGER quotas_moved AFTER UPDATE ON files.nodes
    REFERENCING OLD TABLE AS changed_from NEW TABLE AS changed_to FOR EACH STATEMENT
    WHEN (current_user <> 'bitvault_eraser') EXECUTE FUNCTION files.move_quotas();
