-- The transactions of one file's start and commit, as host/files sends them when nothing else is in flight. Statement by
-- statement it is the text of host/files/src/store, with arrays of one element; the benchmark's module says what differs.
--
-- {id} stands for this transaction's id, {parent} for the client's folder, {tenant}, {account} and {traceparent} for
-- values that stay. A pipeline around BEGIN makes it one round trip, as the daemon's is.
\set n :n + 1
\set number :first + :n * 16 + :client_id

-- service/start_uploads.rs: record
\startpipeline
BEGIN;
SET LOCAL app.tenant = '{tenant}';
\endpipeline

-- store/nodes.rs: lineage
WITH RECURSIVE up AS (
    SELECT n.*
    FROM unnest(ARRAY[{parent}]) AS wanted(id) CROSS JOIN LATERAL (
        SELECT id, parent_id, kind, trashed_at, current_version, revision
        FROM files.nodes WHERE tenant_id = '{tenant}' AND id = wanted.id LIMIT 1) n
    UNION
    SELECT n.*
    FROM up CROSS JOIN LATERAL (
        SELECT id, parent_id, kind, trashed_at, current_version, revision
        FROM files.nodes WHERE tenant_id = '{tenant}' AND id = up.parent_id LIMIT 1) n
)
SELECT id, parent_id, kind = 'folder' AS is_folder, trashed_at IS NOT NULL AS trashed, current_version, revision
FROM up;

-- store/nodes.rs: taken
SELECT n.parent_id, n.name_key
FROM unnest(ARRAY[{parent}], ARRAY[to_hex(:number::bigint)]) AS wanted(parent_id, name_key)
CROSS JOIN LATERAL (
    SELECT parent_id, name_key FROM files.nodes
    WHERE tenant_id = '{tenant}' AND parent_id = wanted.parent_id
      AND name_key = wanted.name_key COLLATE "C" AND trashed_at IS NULL LIMIT 1) n;

-- store/uploads.rs: insert
WITH object AS (
    INSERT INTO files.objects (tenant_id, id, key, size, is_multipart, state_at, expires_at)
    SELECT '{tenant}', o.id, o.key, o.size, o.is_multipart, now(), now() + interval '1 day'
    FROM unnest(ARRAY[{id}], ARRAY[replace('{tenant}', '-', '') || '/' || replace({id}::text, '-', '') || '/0'],
                ARRAY[1024::bigint], ARRAY[false]) AS o(id, key, size, is_multipart)
)
INSERT INTO files.uploads (tenant_id, id, object_id, account_id, parent_id, name, name_key, node_id,
                           base_version, size, sha256, content_type, part_size, part_count, created_at)
SELECT '{tenant}', u.*, now()
FROM unnest(ARRAY[{id}], ARRAY[{id}], ARRAY['{account}'::uuid], ARRAY[{parent}], ARRAY[to_hex(:number::bigint)],
            ARRAY[to_hex(:number::bigint)], ARRAY[NULL::uuid], ARRAY[NULL::uuid], ARRAY[1024::bigint],
            ARRAY[sha256(int8send(:number::bigint))], ARRAY['application/octet-stream'], ARRAY[1024::bigint],
            ARRAY[1]) AS u;

COMMIT;

-- service/check_uploads.rs: try_look_up
\startpipeline
BEGIN;
SET LOCAL app.tenant = '{tenant}';
\endpipeline

-- store/uploads.rs: fetch
SELECT u.id, u.object_id, u.account_id, u.parent_id, u.name, u.name_key, u.node_id, u.base_version, u.size, u.sha256,
       u.content_type, u.part_size, u.part_count, o.key, o.state, o.is_multipart, o.multipart, o.expires_at
FROM unnest(ARRAY[{id}]) AS wanted(id)
CROSS JOIN LATERAL (SELECT * FROM files.uploads WHERE tenant_id = '{tenant}' AND id = wanted.id LIMIT 1) u
CROSS JOIN LATERAL (SELECT * FROM files.objects WHERE tenant_id = '{tenant}' AND id = u.object_id LIMIT 1) o;

COMMIT;

-- service/commit_batch.rs: transact
\startpipeline
BEGIN;
SET LOCAL app.tenant = '{tenant}';
\endpipeline

-- store/nodes.rs: lock
SELECT n.id FROM unnest(ARRAY[{parent}]) AS wanted(id)
CROSS JOIN LATERAL (SELECT id FROM files.nodes WHERE tenant_id = '{tenant}' AND id = wanted.id
                    LIMIT 1 FOR NO KEY UPDATE) n;

-- store/nodes.rs: lineage
WITH RECURSIVE up AS (
    SELECT n.*
    FROM unnest(ARRAY[{parent}]) AS wanted(id) CROSS JOIN LATERAL (
        SELECT id, parent_id, kind, trashed_at, current_version, revision
        FROM files.nodes WHERE tenant_id = '{tenant}' AND id = wanted.id LIMIT 1) n
    UNION
    SELECT n.*
    FROM up CROSS JOIN LATERAL (
        SELECT id, parent_id, kind, trashed_at, current_version, revision
        FROM files.nodes WHERE tenant_id = '{tenant}' AND id = up.parent_id LIMIT 1) n
)
SELECT id, parent_id, kind = 'folder' AS is_folder, trashed_at IS NOT NULL AS trashed, current_version, revision
FROM up;

-- store/commits.rs: lock
SELECT o.id, o.state FROM unnest(ARRAY[{id}]) AS wanted(id)
CROSS JOIN LATERAL (SELECT id, state FROM files.objects WHERE tenant_id = '{tenant}' AND id = wanted.id
                    LIMIT 1 FOR UPDATE) o;
SELECT u.id, u.object_id, u.committed_node
FROM unnest(ARRAY[{id}]) AS wanted(id)
CROSS JOIN LATERAL (SELECT * FROM files.uploads WHERE tenant_id = '{tenant}' AND id = wanted.id LIMIT 1) u;

-- store/commits.rs: insert_files
INSERT INTO files.nodes (tenant_id, id, parent_id, kind, name, name_key, current_version, size,
                         created_at, created_by, updated_at, updated_by)
SELECT '{tenant}', f.id, f.parent_id, 'file', f.name, f.name_key, f.version, f.size, now(), f.account, now(), f.account
FROM unnest(ARRAY[{id}], ARRAY[{parent}], ARRAY[to_hex(:number::bigint)], ARRAY[to_hex(:number::bigint)],
            ARRAY[{id}], ARRAY[1024::bigint], ARRAY['{account}'::uuid])
     WITH ORDINALITY AS f(id, parent_id, name, name_key, version, size, account, n)
ORDER BY f.n
ON CONFLICT (tenant_id, parent_id, name_key) WHERE trashed_at IS NULL DO NOTHING
RETURNING id;

-- store/commits.rs: insert_contents
WITH blob AS (
    INSERT INTO files.blobs (tenant_id, id, object_id, "offset", length, sha256, sha256_verified, created_at)
    SELECT '{tenant}', b.id, b.object_id, 0, b.length, b.sha256, b.verified, now()
    FROM unnest(ARRAY[{id}], ARRAY[{id}], ARRAY[1024::bigint], ARRAY[sha256(int8send(:number::bigint))], ARRAY[true])
         AS b(id, object_id, length, sha256, verified)
)
INSERT INTO files.versions (tenant_id, id, node_id, blob_id, content_type, created_at, created_by)
SELECT '{tenant}', v.id, v.node_id, v.blob_id, v.content_type, now(), v.account
FROM unnest(ARRAY[{id}], ARRAY[{id}], ARRAY[{id}], ARRAY['application/octet-stream'], ARRAY['{account}'::uuid])
     AS v(id, node_id, blob_id, content_type, account);

-- store/commits.rs: mark_committed
WITH moved AS (
    UPDATE files.objects o SET state = 'committed', state_at = now()
    FROM unnest(ARRAY[{id}]) AS wanted(id)
    CROSS JOIN LATERAL (SELECT ctid AS at FROM files.objects
                        WHERE tenant_id = '{tenant}' AND id = wanted.id LIMIT 1) found
    WHERE o.ctid = found.at AND o.state IN ('staging', 'orphaned')
    RETURNING o.id
), told AS (
    UPDATE files.uploads u
    SET committed_node = c.node_id, committed_version = c.version_id, sha256 = c.sha256
    FROM unnest(ARRAY[{id}], ARRAY[{id}], ARRAY[{id}], ARRAY[sha256(int8send(:number::bigint))])
         AS c(id, node_id, version_id, sha256)
    CROSS JOIN LATERAL (SELECT ctid AS at FROM files.uploads
                        WHERE tenant_id = '{tenant}' AND id = c.id LIMIT 1) found
    WHERE u.ctid = found.at
)
SELECT count(*) FROM moved;

-- store/journal.rs: append
WITH head AS (
    UPDATE files.journal_heads SET seq = seq + 1 WHERE tenant_id = '{tenant}' RETURNING seq - 1 AS base
), change AS (
    SELECT head.base + c.n AS seq, c.*
    FROM head, unnest(ARRAY[{id}], ARRAY['created'], ARRAY[{id}], ARRAY[1::bigint], ARRAY['{account}'::uuid],
                      ARRAY[{id}], ARRAY['version.created'],
                      ARRAY[jsonb_build_object('node_id', {id}, 'version_id', {id}, 'revision', 1,
                                               'actor', '{account}')],
                      ARRAY['{traceparent}'])
         WITH ORDINALITY AS c(node_id, kind, version_id, revision, actor, event_id, event, payload,
                              traceparent, n)
), journal AS (
    INSERT INTO files.journal (tenant_id, seq, node_id, kind, version_id, revision, actor, at)
    SELECT '{tenant}', seq, node_id, kind, version_id, revision, actor, now() FROM change
)
INSERT INTO files.outbox (tenant_id, key, seq, id, kind, payload, traceparent, created_at)
SELECT '{tenant}', node_id, seq, event_id, event, payload, traceparent, now() FROM change;

-- store/nodes.rs: views
SELECT n.id, n.parent_id, n.kind = 'folder' AS is_folder, n.name, n.name_key, n.revision, n.created_at, n.updated_at,
       v.id AS version_id, v.content_type, b.length AS size, b.sha256
FROM unnest(ARRAY[{id}]) AS wanted(id)
CROSS JOIN LATERAL (SELECT * FROM files.nodes WHERE tenant_id = '{tenant}' AND id = wanted.id LIMIT 1) n
LEFT JOIN LATERAL (SELECT * FROM files.versions
                   WHERE tenant_id = '{tenant}' AND id = n.current_version LIMIT 1) v ON true
LEFT JOIN LATERAL (SELECT * FROM files.blobs
                   WHERE tenant_id = '{tenant}' AND id = v.blob_id LIMIT 1) b ON true;

COMMIT;
