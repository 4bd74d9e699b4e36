-- Writes of four round trips: one begins, one locks and looks, one writes, one commits (ADR 0124). What is one function here was a
-- statement each; the order in which locks are taken is the same, and so is what each step sees: a function that is VOLATILE looks
-- anew with each of its statements, so what is read after a lock is as it is under that lock.
--
-- To change one: create it anew under another name and drop the old one a release later, as the release before calls it still.

-- Locks nodes and the folders that they are in or go to, so that a free name stays free, with `also`, in the order of the ids. And
-- `root`, when a folder gets a folder: two such moves could make a cycle out of what each of them sees, so they go one after the other.
-- Where a node is was read before its lock was there: who calls looks whether that changed.
--
-- Then tells, in a row of its own, what is locked and what is kept of a request with `key`; and where nothing is, what files.sight tells.
CREATE FUNCTION files.lock_and_see(
    tenant uuid, root uuid, moved uuid[], parents uuid[], also uuid[], account uuid, key text,
    ids uuid[], nodes uuid[], folders uuid[], keys text[]
) RETURNS SETOF files.seen
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    told files.seen;
BEGIN
    told.locks := ARRAY(
        SELECT n.id
        FROM (SELECT DISTINCT named.id FROM (
                  SELECT given.id FROM unnest(moved || also) AS given(id)
                  UNION ALL
                  SELECT side.id
                  FROM unnest(moved, parents) AS item(id, parent_id)
                  CROSS JOIN LATERAL (SELECT nullif(f.parent_id, root) AS parent_id, f.kind FROM files.nodes f
                                      WHERE f.tenant_id = tenant AND f.id = item.id LIMIT 1) n
                  CROSS JOIN LATERAL (VALUES
                      (coalesce(item.parent_id, n.parent_id)),
                      (CASE WHEN item.parent_id IS NOT NULL AND n.kind = 'folder' THEN root END)) AS side(id)
              ) named ORDER BY named.id) wanted
        CROSS JOIN LATERAL (SELECT f.id FROM files.nodes f WHERE f.tenant_id = tenant AND f.id = wanted.id
                            LIMIT 1 FOR NO KEY UPDATE) n);
    IF key IS NOT NULL THEN
        SELECT i.request, i.answer INTO told.request, told.answer
        FROM files.idempotency i WHERE i.tenant_id = tenant AND i.account_id = account AND i.key = lock_and_see.key;
    END IF;
    RETURN NEXT told;
    IF told.request IS NULL THEN
        RETURN QUERY SELECT * FROM files.sight(tenant, ARRAY[account], ids, true, nodes, folders, keys);
    END IF;
END
$$;

-- Gives nodes their names and folders. Who calls holds the locks of all and has seen that the names are free.
CREATE FUNCTION files.place(
    tenant uuid, account uuid, at timestamptz, ids uuid[], parents uuid[], names text[], keys text[], revisions bigint[]
) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    UPDATE files.nodes n
    SET parent_id = moved.parent_id, name = moved.name, name_key = moved.name_key, revision = moved.revision,
        updated_at = at, updated_by = account
    FROM (SELECT f.at AS found, wanted.*
          FROM unnest(ids, parents, names, keys, revisions) AS wanted(id, parent_id, name, name_key, revision)
          CROSS JOIN LATERAL (SELECT g.ctid AS at FROM files.nodes g
                              WHERE g.tenant_id = tenant AND g.id = wanted.id LIMIT 1) f) moved
    WHERE n.ctid = moved.found;
END
$$;

-- Those of these nodes' quotas that this transaction has used more of, and that are over their limit now. Its own writes keep the rows
-- locked, so that nothing changes any more. Until what was there has been counted, a limit does not hold.
CREATE FUNCTION files.outgrown(tenant uuid, ids uuid[]) RETURNS uuid[] LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN ARRAY(
        SELECT q.node_id FROM unnest(ids) AS wanted(id)
        CROSS JOIN LATERAL (SELECT * FROM files.quotas f WHERE f.tenant_id = tenant AND f.node_id = wanted.id LIMIT 1) q
        CROSS JOIN LATERAL (SELECT coalesce(sum(f.bytes), 0) AS bytes FROM files.reservations f
                            WHERE f.tenant_id = tenant AND f.node_id = wanted.id) r
        WHERE q.changed_in = pg_current_xact_id() AND q.changed_bytes > 0
          AND q.counted AND q.used_bytes + r.bytes > q.max_bytes);
END
$$;

-- Keeps the answer of a request with a key, if there is one; false when another request with it was faster. It waits for that one to end.
CREATE FUNCTION files.keep_answer(
    tenant uuid, account uuid, key text, request bytea, answer bytea, at timestamptz
) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF key IS NULL THEN
        RETURN true;
    END IF;
    INSERT INTO files.idempotency (tenant_id, account_id, key, request, answer, created_at)
    VALUES (tenant, account, key, request, answer, at) ON CONFLICT DO NOTHING;
    RETURN FOUND;
END
$$;

-- Writes changes into the journal, in their order, under the next numbers, and an event for each into the outbox; answers how many. It
-- takes the tenant's counter, if there is a change: the last lock of a transaction. None is written where the tenant has no counter.
CREATE FUNCTION files.append(
    tenant uuid, at timestamptz, nodes uuid[], kinds text[], versions uuid[], revisions bigint[], actors uuid[],
    from_ids uuid[], inherited boolean[], events uuid[], event_kinds text[], payloads jsonb[], traceparents text[]
) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    changes constant bigint := cardinality(nodes);
    base bigint;
BEGIN
    IF changes = 0 THEN
        RETURN 0;
    END IF;
    UPDATE files.journal_heads h SET seq = h.seq + changes WHERE h.tenant_id = tenant RETURNING h.seq - changes INTO base;
    IF base IS NULL THEN
        RETURN 0;
    END IF;
    INSERT INTO files.journal (tenant_id, seq, node_id, kind, version_id, revision, actor, at, from_id, inherited)
    SELECT tenant, base + c.n, c.node_id, c.kind, c.version_id, c.revision, c.actor, append.at, c.from_id, c.inherited
    FROM unnest(nodes, kinds, versions, revisions, actors, from_ids, inherited)
         WITH ORDINALITY AS c(node_id, kind, version_id, revision, actor, from_id, inherited, n);
    INSERT INTO files.outbox (tenant_id, key, seq, id, kind, payload, traceparent, created_at)
    SELECT tenant, c.node_id, base + c.n, c.event_id, c.kind, c.payload, c.traceparent, append.at
    FROM unnest(nodes, events, event_kinds, payloads, traceparents)
         WITH ORDINALITY AS c(node_id, event_id, kind, payload, traceparent, n);
    RETURN changes;
END
$$;

-- Gives nodes their names and folders, looks at quotas, keeps the answer and tells the changes. It ends where a quota is outgrown, or
-- where another request with the key was faster: roll back then.
--
-- `swaps`: some take over the names that others of them give up. Those get out of each other's way first, by a key that no name has.
CREATE FUNCTION files.move(
    tenant uuid, account uuid, at timestamptz,
    ids uuid[], parents uuid[], names text[], keys text[], revisions bigint[], swaps boolean, quotas uuid[],
    key text, request bytea, answer bytea,
    nodes uuid[], kinds text[], versions uuid[], node_revisions bigint[], actors uuid[], from_ids uuid[], inherited boolean[],
    events uuid[], event_kinds text[], payloads jsonb[], traceparents text[],
    OUT outgrown uuid[], OUT kept boolean, OUT told bigint
) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    outgrown := '{}';
    IF cardinality(ids) > 0 THEN
        IF swaps THEN
            UPDATE files.nodes n SET name_key = '/' || n.id
            FROM (SELECT f.at AS found FROM unnest(ids) AS wanted(id)
                  CROSS JOIN LATERAL (SELECT g.ctid AS at FROM files.nodes g
                                      WHERE g.tenant_id = tenant AND g.id = wanted.id LIMIT 1) f) moved
            WHERE n.ctid = moved.found;
        END IF;
        PERFORM files.place(tenant, account, at, ids, parents, names, keys, revisions);
    END IF;
    IF cardinality(quotas) > 0 THEN
        outgrown := files.outgrown(tenant, quotas);
    END IF;
    IF cardinality(outgrown) = 0 THEN
        kept := files.keep_answer(tenant, account, key, request, answer, at);
        IF kept THEN
            told := files.append(tenant, at, nodes, kinds, versions, node_revisions, actors, from_ids, inherited, events,
                                 event_kinds, payloads, traceparents);
        END IF;
    END IF;
END
$$;

-- Copies a tree of at most `most` nodes: `top` is the id of the copy, and `version` of its content if that is a file; its folder is locked
-- and has the name free, or is shown to nobody. Of `copied` nodes none was made where there are more than `most` (the walk ends there), or
-- where there is none. `of`: the version that the top was made of.
--
-- The walk leaves out what is in the trash, and what the account may not see: nodes that take no roles from above, unless it was given
-- one on them or owns something above them. One statement reads the source, so that a copy is the source at one moment; no lock keeps
-- others from it meanwhile.
--
-- Then as files.move: quotas, the answer, and, where `tells`, a change for each node, folders before what is in them.
CREATE FUNCTION files.copy(
    tenant uuid, account uuid, at timestamptz, source uuid, owned boolean, top uuid, version uuid, folder uuid, new_name text,
    new_key text, most bigint, quotas uuid[], tells boolean, key text, request bytea, answer bytea, traceparent text,
    OUT copied bigint, OUT of uuid, OUT outgrown uuid[], OUT kept boolean, OUT told bigint
) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    ids uuid[];
    versions uuid[];
    actor constant text := 'acc_' || replace(account::text, '-', '');
BEGIN
    outgrown := '{}';
    WITH RECURSIVE subject AS MATERIALIZED (
        SELECT account AS id
        UNION ALL
        SELECT m.group_id FROM files.group_members m WHERE m.tenant_id = tenant AND m.account_id = account
    ), down AS (
        SELECT f.id AS old, top AS id, folder AS parent_id, f.kind, new_name AS name, new_key COLLATE "C" AS name_key, f.size,
               f.current_version AS old_version, CASE f.kind WHEN 'file' THEN copy.version END AS version, copy.owned AS owned
        FROM files.nodes f WHERE f.tenant_id = tenant AND f.id = source
        UNION ALL
        SELECT n.id, files.new_id(), down.id, n.kind, n.name, n.name_key, n.size, n.current_version,
               CASE n.kind WHEN 'file' THEN files.new_id() END, n.owned
        FROM down CROSS JOIN LATERAL (
            SELECT c.id, c.kind, c.name, c.name_key, c.size, c.current_version, down.owned OR EXISTS (
                       SELECT FROM files.grants g JOIN subject s ON s.id = g.subject_id
                       WHERE g.tenant_id = tenant AND g.node_id = c.id AND g.role = 'owner' OFFSET 0) AS owned
            FROM files.nodes c
            WHERE c.tenant_id = tenant AND c.parent_id = down.old AND c.trashed_at IS NULL
              AND (c.inherits OR down.owned OR EXISTS (
                      SELECT FROM files.grants g JOIN subject s ON s.id = g.subject_id
                      WHERE g.tenant_id = tenant AND g.node_id = c.id OFFSET 0))
            OFFSET 0) n
    ), walked AS MATERIALIZED (
        SELECT count(*) AS nodes FROM (SELECT FROM down LIMIT most + 1) counted
    ), node AS (
        INSERT INTO files.nodes (tenant_id, id, parent_id, kind, name, name_key, current_version, size,
                                 created_at, created_by, updated_at, updated_by)
        SELECT tenant, d.id, d.parent_id, d.kind, d.name, d.name_key, d.version, d.size, at, account, at, account FROM down d
        WHERE (SELECT w.nodes FROM walked w) <= most
    ), made AS (
        INSERT INTO files.versions (tenant_id, id, node_id, blob_id, content_type, content_mismatch, created_at, created_by)
        SELECT tenant, d.version, d.id, v.blob_id, v.content_type, v.content_mismatch, at, account
        FROM down d CROSS JOIN LATERAL (SELECT f.blob_id, f.content_type, f.content_mismatch FROM files.versions f
                                        WHERE f.tenant_id = tenant AND f.id = d.old_version LIMIT 1) v
        WHERE (SELECT w.nodes FROM walked w) <= most
    ), metadata AS (
        INSERT INTO files.metadata (tenant_id, node_id, tags, fields)
        SELECT tenant, d.id, m.tags, m.fields
        FROM down d CROSS JOIN LATERAL (SELECT f.tags, f.fields FROM files.metadata f
                                        WHERE f.tenant_id = tenant AND f.node_id = d.old LIMIT 1) m
        WHERE (SELECT w.nodes FROM walked w) <= most
    )
    SELECT walked.nodes, tree.ids, tree.versions, tree.old_versions[1] INTO copied, ids, versions, of
    FROM walked CROSS JOIN LATERAL (
        SELECT array_agg(d.id) AS ids, array_agg(d.version) AS versions, array_agg(d.old_version) AS old_versions
        FROM down d WHERE walked.nodes <= most) tree;
    IF ids IS NULL THEN
        RETURN;
    END IF;
    IF cardinality(quotas) > 0 THEN
        outgrown := files.outgrown(tenant, quotas);
    END IF;
    IF cardinality(outgrown) > 0 OR NOT tells THEN
        RETURN;
    END IF;
    kept := files.keep_answer(tenant, account, key, request, answer, at);
    IF kept THEN
        -- Changes as host/files/src/store/journal.rs makes them: all below the copy has entries of its own.
        SELECT files.append(
                   tenant, at, ids, array_agg('created'::text), versions, array_agg(1::bigint), array_agg(account),
                   array_agg(folder), array_agg(NULL::boolean), array_agg(files.new_id()),
                   array_agg(CASE WHEN c.version IS NULL THEN 'node.created' ELSE 'version.created' END),
                   array_agg(jsonb_build_object(
                       'node_id', 'nod_' || replace(c.id::text, '-', ''),
                       'version_id', 'ver_' || replace(c.version::text, '-', ''),
                       'revision', 1, 'actor', actor)),
                   array_agg(copy.traceparent))
        INTO told
        FROM unnest(ids, versions) AS c(id, version);
    END IF;
END
$$;

DO $$
DECLARE
    called regprocedure;
BEGIN
    FOR called IN
        SELECT oid FROM pg_proc
        WHERE pronamespace = 'files'::regnamespace
          AND proname IN ('lock_and_see', 'place', 'outgrown', 'keep_answer', 'append', 'move', 'copy')
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', called);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO bitvault_files', called);
    END LOOP;
END
$$;
