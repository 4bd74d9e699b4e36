-- What the calls on folders are tried on, in the caller's home: a folder of 1,000 files, one that holds a tenth of all nodes
-- (folders that scale.sql made), and a tree of 10,000 nodes.
SET session_replication_role = replica; -- no checks of foreign keys, no counting: what is written is right
SET synchronous_commit = off;

CREATE TEMP TABLE made AS
SELECT name, id FROM (VALUES
    ('thousand', '019b0000-0000-7000-8000-000000000001'::uuid),
    ('tree',     '019b0000-0000-7000-8000-000000000002'),
    ('copied',   '019b0000-0000-7000-8000-000000000003'),
    ('here',     '019b0000-0000-7000-8000-000000000004'),
    ('there',    '019b0000-0000-7000-8000-000000000005')) AS wanted(name, id);
INSERT INTO files.nodes (tenant_id, id, parent_id, kind, name, name_key, created_at, created_by, updated_at, updated_by)
SELECT '{tenant}', id, '{home}', 'folder', name, name, now(), '{home}', now(), '{home}' FROM made;

UPDATE files.nodes SET parent_id = (SELECT id FROM made WHERE name = 'tree')
WHERE tenant_id = '{tenant}' AND id IN (
    SELECT id FROM files.nodes
    WHERE tenant_id = '{tenant}' AND parent_id = '{home}' AND id < '019b0000-0000-7000-8000-000000000000'
    ORDER BY id LIMIT {part});

CREATE TEMP TABLE folder AS
SELECT n, gen_random_uuid() AS id FROM generate_series(1, 99) AS n;
INSERT INTO files.nodes (tenant_id, id, parent_id, kind, name, name_key, created_at, created_by, updated_at, updated_by)
SELECT '{tenant}', folder.id, made.id, 'folder', 'folder ' || n, 'folder ' || n, now(), '{home}', now(), '{home}'
FROM folder, made WHERE made.name = 'copied';
CREATE TEMP TABLE file AS
SELECT folder.id AS folder, s.n, gen_random_uuid() AS id, gen_random_uuid() AS version
FROM folder, generate_series(1, 100) AS s(n)
UNION ALL
SELECT made.id, s.n, gen_random_uuid(), gen_random_uuid() FROM made, generate_series(1, 1000) AS s(n) WHERE made.name = 'thousand';
INSERT INTO files.nodes (tenant_id, id, parent_id, kind, name, name_key, current_version, created_at, created_by, updated_at,
                         updated_by)
SELECT '{tenant}', id, folder, 'file', 'file number ' || n, 'file number ' || n, version, now(), '{home}', now(), '{home}' FROM file;
INSERT INTO files.versions (tenant_id, id, node_id, blob_id, content_type, created_at)
SELECT '{tenant}', version, id, (SELECT id FROM files.blobs WHERE tenant_id = '{tenant}' LIMIT 1), 'text/plain', now() FROM file;
ANALYZE files.nodes, files.versions;
