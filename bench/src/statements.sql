-- The transactions of one file's start and commit, as host/files sends them when nothing else is in flight: the same statements in the
-- same nine round trips, with arrays of one element; the benchmark's module says what differs.
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

-- store/sight.rs: sight
SELECT id, parent_id, is_folder, trashed, current_version, revision, inherits, accounts, roles, quota, name, name_key,
       created_at, updated_at, content_type, size, sha256, holds, locks, request, answer, upload, state, committed_node
FROM (SELECT s.*, NULL::uuid AS upload, NULL::text AS state, NULL::uuid AS committed_node
      FROM files.sight('{tenant}', ARRAY['{account}'::uuid], ARRAY[{parent}], false, ARRAY[{parent}], ARRAY[{parent}],
                       ARRAY[to_hex(:number::bigint)]) s) told;

-- store/uploads.rs: insert
WITH object AS (
    INSERT INTO files.objects (tenant_id, id, key, size, is_multipart, state_at, expires_at)
    SELECT '{tenant}', o.id, o.key, o.size, o.is_multipart, now(), now() + interval '1 day'
    FROM unnest(ARRAY[{id}], ARRAY[replace('{tenant}', '-', '') || '/' || replace({id}::text, '-', '') || '/0'],
                ARRAY[1024::bigint], ARRAY[false]) AS o(id, key, size, is_multipart)
)
INSERT INTO files.uploads (tenant_id, id, object_id, account_id, parent_id, name, name_key, node_id,
                           base_version, size, sha256, content_type, part_size, part_count, device,
                           conflict_node, conflict_base, created_at)
SELECT '{tenant}', u.*, now()
FROM unnest(ARRAY[{id}], ARRAY[{id}], ARRAY['{account}'::uuid], ARRAY[{parent}], ARRAY[to_hex(:number::bigint)],
            ARRAY[to_hex(:number::bigint)], ARRAY[NULL::uuid], ARRAY[NULL::uuid], ARRAY[1024::bigint],
            ARRAY[sha256(int8send(:number::bigint))], ARRAY['application/octet-stream'], ARRAY[1024::bigint],
            ARRAY[1], ARRAY[NULL::text], ARRAY[NULL::uuid], ARRAY[NULL::uuid]) AS u;

COMMIT;

-- store/uploads.rs: find, a transaction of its own
SELECT id, object_id, account_id, parent_id, name, name_key, node_id, base_version, size, sha256, content_type, part_size,
       part_count, device, conflict_node, conflict_base, key, state, is_multipart, multipart, expires_at
FROM files.find_uploads(app.within('{tenant}', '{tenant}'), ARRAY[{id}]);

-- service/commit_batch.rs: transact
\startpipeline
BEGIN;
SET LOCAL app.tenant = '{tenant}';
\endpipeline

-- store/sight.rs: lock_uploads
SELECT id, parent_id, is_folder, trashed, current_version, revision, inherits, accounts, roles, quota, name, name_key,
       created_at, updated_at, content_type, size, sha256, holds, locks, request, answer, upload, state, committed_node
FROM (SELECT (l.seen).*, l.upload, l.state, l.committed_node
      FROM files.lock_uploads('{tenant}', ARRAY['{account}'::uuid], ARRAY[{parent}], false, ARRAY[{id}], ARRAY[{id}],
                              ARRAY[{parent}], ARRAY[to_hex(:number::bigint)]) l) told;

-- store/commits.rs: write
SELECT moved, told
FROM files.commit_uploads(
    '{tenant}', now(), ARRAY[{id}], ARRAY[{id}], ARRAY[{id}], ARRAY[{id}], ARRAY[{id}], ARRAY[{parent}],
    ARRAY[to_hex(:number::bigint)], ARRAY[to_hex(:number::bigint)], ARRAY[1::bigint], ARRAY[1024::bigint],
    ARRAY[sha256(int8send(:number::bigint))], ARRAY[true], ARRAY['application/octet-stream'], ARRAY[NULL::text],
    ARRAY['{account}'::uuid], ARRAY[NULL::uuid], ARRAY[NULL::uuid], ARRAY[NULL::uuid],
    ARRAY['created'], ARRAY[{id}], ARRAY['version.created'],
    ARRAY[jsonb_build_object('node_id', 'nod_' || replace({id}::text, '-', ''),
                             'version_id', 'ver_' || replace({id}::text, '-', ''), 'revision', 1,
                             'actor', 'acc_' || replace('{account}', '-', ''))],
    ARRAY['{traceparent}']);

COMMIT;
