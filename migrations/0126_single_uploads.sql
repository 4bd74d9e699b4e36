-- Uploads in few round trips, as 0124 has other writes: to look at one takes one, to start and to commit some takes four each, to
-- begin and to end included (ADR 0124). Locks are taken in the order in which they were: files and folders, objects, limits, the
-- counter. A function that is VOLATILE looks anew with each of its statements, so what is read after a lock is as it is under that lock.
--
-- To change one: create it anew under another name and drop the old one a release later, as the release before calls it still.

-- Uploads with their objects, in no order.
CREATE FUNCTION files.find_uploads(tenant uuid, ids uuid[])
RETURNS TABLE (
    id uuid, object_id uuid, account_id uuid, parent_id uuid, name text, name_key text, node_id uuid, base_version uuid, size bigint,
    sha256 bytea, content_type text, part_size bigint, part_count integer, device text, conflict_node uuid, conflict_base uuid,
    key text, state text, is_multipart boolean, multipart text, expires_at timestamptz
)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT u.id, u.object_id, u.account_id, u.parent_id, u.name, u.name_key, u.node_id, u.base_version, u.size, u.sha256,
           u.content_type, u.part_size, u.part_count, u.device, u.conflict_node, u.conflict_base, o.key, o.state, o.is_multipart,
           o.multipart, o.expires_at
    FROM unnest(ids) AS wanted(id)
    CROSS JOIN LATERAL (SELECT * FROM files.uploads f WHERE f.tenant_id = tenant AND f.id = wanted.id LIMIT 1) u
    CROSS JOIN LATERAL (SELECT * FROM files.objects f WHERE f.tenant_id = tenant AND f.id = u.object_id LIMIT 1) o;
END
$$;

-- Locks what a commit of uploads changes: the folders and files that they go to, so that a free name stays free, and then their objects,
-- as the removal of versions does; each in the order given, by id.
--
-- Then tells how the uploads stand, a row each, and what files.sight tells of the targets, with the names that are asked for.
CREATE FUNCTION files.lock_uploads(
    tenant uuid, accounts uuid[], targets uuid[], whole boolean, uploads uuid[], objects uuid[], folders uuid[], keys text[]
) RETURNS TABLE (upload uuid, state text, committed_node uuid, seen files.seen)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM n.id FROM unnest(targets) AS wanted(id)
    CROSS JOIN LATERAL (SELECT f.id FROM files.nodes f WHERE f.tenant_id = tenant AND f.id = wanted.id
                        LIMIT 1 FOR NO KEY UPDATE) n;
    PERFORM o.id FROM unnest(objects) AS wanted(id)
    CROSS JOIN LATERAL (SELECT f.id FROM files.objects f WHERE f.tenant_id = tenant AND f.id = wanted.id
                        LIMIT 1 FOR UPDATE) o;
    RETURN QUERY
    SELECT u.id, o.state, u.committed_node, NULL::files.seen
    FROM unnest(uploads) AS wanted(id)
    CROSS JOIN LATERAL (SELECT f.id, f.object_id, f.committed_node FROM files.uploads f
                        WHERE f.tenant_id = tenant AND f.id = wanted.id LIMIT 1) u
    CROSS JOIN LATERAL (SELECT f.state FROM files.objects f WHERE f.tenant_id = tenant AND f.id = u.object_id LIMIT 1) o;
    RETURN QUERY
    SELECT NULL::uuid, NULL::text, NULL::uuid, s FROM files.sight(tenant, accounts, targets, whole, folders, folders, keys) s;
END
$$;

-- Gives files their new current version, and has the policies about versions applied to them soon. Each file stands there once.
CREATE FUNCTION files.renew(
    tenant uuid, at timestamptz, ids uuid[], versions uuid[], sizes bigint[], revisions bigint[], accounts uuid[]
) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    INSERT INTO files.thinning (tenant_id, node_id, due_at)
    SELECT tenant, f.id, at FROM unnest(ids) AS f(id)
    ON CONFLICT (tenant_id, node_id) DO UPDATE SET due_at = excluded.due_at;
    UPDATE files.nodes n
    SET current_version = renewed.version, size = renewed.size, revision = renewed.revision, updated_at = at,
        updated_by = renewed.account
    FROM (SELECT f.at AS found, wanted.*
          FROM unnest(ids, versions, sizes, revisions, accounts) AS wanted(id, version, size, revision, account)
          CROSS JOIN LATERAL (SELECT g.ctid AS at FROM files.nodes g
                              WHERE g.tenant_id = tenant AND g.id = wanted.id LIMIT 1) f) renewed
    WHERE n.ctid = renewed.found;
END
$$;

-- Commits uploads: writes what each makes, and tells the changes. Who calls holds the locks, and has seen that names are free and that
-- uploads may be committed. An upload makes a version with its blob: of a file that it makes in its folder (`parents`), or of one that
-- is there, where that is NULL; and the conflict that the file is a side of, if there is one.
--
-- Answers how many objects were in a state to be committed, and of how many changes it told. Roll back unless it is all of them.
CREATE FUNCTION files.commit_uploads(
    tenant uuid, at timestamptz, uploads uuid[], objects uuid[], blobs uuid[], versions uuid[], nodes uuid[], parents uuid[],
    names text[], keys text[], revisions bigint[], sizes bigint[], hashes bytea[], verified boolean[], types text[], devices text[],
    accounts uuid[], conflicts uuid[], originals uuid[], bases uuid[],
    kinds text[], events uuid[], event_kinds text[], payloads jsonb[], traceparents text[],
    OUT moved bigint, OUT told bigint
) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    INSERT INTO files.nodes (tenant_id, id, parent_id, kind, name, name_key, current_version, size, created_at, created_by,
                             updated_at, updated_by)
    SELECT tenant, f.id, f.parent_id, 'file', f.name, f.name_key, f.version, f.size, at, f.account, at, f.account
    FROM unnest(nodes, parents, names, keys, versions, sizes, accounts) AS f(id, parent_id, name, name_key, version, size, account)
    WHERE f.parent_id IS NOT NULL;
    -- What touches every tree comes before what touches those that are there: their rows of usage are locked in one order.
    INSERT INTO files.blobs (tenant_id, id, object_id, "offset", length, sha256, sha256_verified, created_at)
    SELECT tenant, b.id, b.object_id, 0, b.length, b.sha256, b.verified, at
    FROM unnest(blobs, objects, sizes, hashes, verified) AS b(id, object_id, length, sha256, verified);
    INSERT INTO files.versions (tenant_id, id, node_id, blob_id, content_type, created_at, created_by, device)
    SELECT tenant, v.id, v.node_id, v.blob_id, v.content_type, at, v.account, v.device
    FROM unnest(versions, nodes, blobs, types, accounts, devices) AS v(id, node_id, blob_id, content_type, account, device);
    IF array_position(parents, NULL) IS NOT NULL THEN
        PERFORM files.renew(tenant, at, array_agg(f.id), array_agg(f.version), array_agg(f.size), array_agg(f.revision),
                            array_agg(f.account))
        FROM (SELECT DISTINCT ON (c.id) c.*
              FROM unnest(nodes, parents, versions, sizes, revisions, accounts) AS c(id, parent_id, version, size, revision, account)
              WHERE c.parent_id IS NULL ORDER BY c.id, c.revision DESC) f;
    END IF;
    WITH done AS (
        UPDATE files.objects o SET state = 'committed', state_at = at
        FROM (SELECT f.at AS found FROM unnest(objects) AS wanted(id)
              CROSS JOIN LATERAL (SELECT g.ctid AS at FROM files.objects g
                                  WHERE g.tenant_id = tenant AND g.id = wanted.id LIMIT 1) f) wanted
        WHERE o.ctid = wanted.found AND o.state IN ('staging', 'orphaned')
        RETURNING o.id
    )
    SELECT count(*) INTO moved FROM done;
    UPDATE files.uploads u
    SET committed_node = made.node_id, committed_version = made.version_id, sha256 = made.sha256
    FROM (SELECT f.at AS found, wanted.*
          FROM unnest(uploads, nodes, versions, hashes) AS wanted(id, node_id, version_id, sha256)
          CROSS JOIN LATERAL (SELECT g.ctid AS at FROM files.uploads g
                              WHERE g.tenant_id = tenant AND g.id = wanted.id LIMIT 1) f) made
    WHERE u.ctid = made.found;
    IF cardinality(array_remove(conflicts, NULL)) > 0 THEN
        INSERT INTO files.conflicts (tenant_id, id, original_id, copy_id, copy_key, base_version, device, created_by, created_at)
        SELECT tenant, c.id, c.original, c.copy, c.key, c.base, c.device, c.account, at
        FROM unnest(conflicts, originals, nodes, keys, bases, devices, accounts) AS c(id, original, copy, key, base, device, account)
        WHERE c.id IS NOT NULL;
    END IF;
    told := files.append(tenant, at, nodes, kinds, versions, revisions, accounts, parents, NULL, events, event_kinds, payloads,
                         traceparents);
END
$$;

DO $$
DECLARE
    called regprocedure;
BEGIN
    FOR called IN
        SELECT oid FROM pg_proc
        WHERE pronamespace = 'files'::regnamespace
          AND proname IN ('find_uploads', 'lock_uploads', 'renew', 'commit_uploads')
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', called);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO bitvault_files', called);
    END LOOP;
END
$$;
