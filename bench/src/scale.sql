-- {nodes} nodes of one tenant, as people call them: words as frequent as in any language, dates, photographs from cameras,
-- extensions. Half of them in the caller's home, the rest in nine others that were shared with the caller. {tenant} and {home} are
-- the ids of the tenant and of the caller; {spread} is how many folders each folder holds, {files} how many files there are.
SET session_replication_role = replica; -- no checks of foreign keys: what is written is right
SET synchronous_commit = off;
SELECT setseed(0.42);

CREATE FUNCTION pg_temp.id(kind int, number bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT ('019a' || lpad(to_hex(number), 8, '0') || '7' || lpad(to_hex(kind), 3, '0') || '8'
               || lpad(to_hex(hashint8(number)::bigint & 4294967295), 15, '0'))::uuid $$;
-- Zipf's law: the second word is half as frequent as the first.
CREATE FUNCTION pg_temp.word_number() RETURNS int LANGUAGE sql VOLATILE AS
    $$ SELECT 1 + least(floor(exp(random() * ln(30000)))::int, 29999) $$;

CREATE TEMP TABLE vocabulary AS
SELECT n, coalesce(
    (ARRAY['report', 'invoice', 'meeting', 'notes', 'budget', 'contract', 'draft', 'final', 'summary', 'photo', 'scan', 'plan',
           'project', 'design', 'review', 'agenda', 'letter', 'offer', 'order', 'receipt', 'travel', 'expense', 'team', 'client',
           'customer', 'annual', 'quarterly', 'monthly', 'weekly', 'sales', 'marketing', 'legal', 'finance', 'people', 'hiring',
           'interview', 'roadmap', 'release', 'backup', 'archive'])[n - 1],
    (SELECT string_agg(substr('bcdfghjklmnprstvwz', 1 + (hashint4(n * 31 + i) & 65535) % 18, 1)
                       || substr('aeiou', 1 + (hashint4(n * 17 + i * 7) & 65535) % 5, 1), '')
     FROM generate_series(1, 2 + n % 4) AS i)) AS word
FROM generate_series(1, 30000) AS n;
CREATE INDEX ON vocabulary (n);

-- Ten trees; in each two levels of folders, and everything else in those.
CREATE TEMP TABLE tree AS
SELECT t, CASE WHEN t = 0 THEN '{home}'::uuid ELSE pg_temp.id(1, t) END AS id FROM generate_series(0, 9) AS t;
INSERT INTO files.nodes (tenant_id, id, parent_id, kind, name, name_key, created_at, created_by, updated_at, updated_by)
SELECT '{tenant}', id, '{tenant}', 'folder', '', '/' || id, now(), id, now(), id FROM tree WHERE t > 0;
INSERT INTO files.grants (tenant_id, node_id, subject_id, subject_kind, role, granted_at, granted_by)
SELECT '{tenant}', id, '{home}', 'account', 'viewer', now(), id FROM tree WHERE t > 0;
CREATE TEMP TABLE folder (t int, a int, b int, id uuid, parent uuid);
INSERT INTO folder
SELECT t, a, 0, pg_temp.id(2, t * 1000 + a), tree.id FROM tree, generate_series(1, {spread}) AS a;
INSERT INTO folder
SELECT t, a, b, pg_temp.id(3, (t * 1000 + a) * 100 + b), pg_temp.id(2, t * 1000 + a)
FROM generate_series(0, 9) AS t, generate_series(1, {spread}) AS a, generate_series(1, {spread}) AS b;
INSERT INTO files.nodes (tenant_id, id, parent_id, kind, name, name_key, created_at, created_by, updated_at, updated_by)
SELECT '{tenant}', f.id, f.parent, 'folder', v.word || ' ' || f.a || '-' || f.b, v.word || ' ' || f.a || '-' || f.b, now(),
       tree.id, now(), tree.id
FROM folder f JOIN vocabulary v ON v.n = 2 + (f.a * 37 + f.b * 101) % 5000 JOIN tree ON tree.t = f.t;

INSERT INTO files.objects (tenant_id, id, key, size, state, state_at, expires_at, is_multipart)
SELECT '{tenant}', pg_temp.id(4, n), 'bench/' || n, 1 << n, 'committed', now(), now(), false FROM generate_series(0, 29) AS n;
INSERT INTO files.blobs (tenant_id, id, object_id, "offset", length, sha256, sha256_verified, created_at)
SELECT '{tenant}', pg_temp.id(5, n), pg_temp.id(4, n), 0, 1 << n, sha256('x'), true, now() FROM generate_series(0, 29) AS n;
CREATE TEMP TABLE node AS
SELECT n, CASE WHEN n % 10 < 5 THEN 0 ELSE n % 10 END AS t, 1 + floor(random() * {spread})::int AS a,
       1 + floor(random() * {spread})::int AS b,
       random() AS shape, pg_temp.word_number() AS first, pg_temp.word_number() AS second, pg_temp.word_number() AS third,
       date '2012-01-01' + (random() * 5000)::int AS day, now() - random() * interval '3000 days' AS changed,
       (ARRAY['.pdf', '.docx', '.xlsx', '.txt', '.pdf', '.jpg', '.png', '.zip'])[1 + (random() * 7)::int] AS ending
FROM generate_series(1, {files}) AS n;
CREATE TEMP TABLE named AS
SELECT node.*, pg_temp.id(6, node.n) AS id, pg_temp.id(7, node.n) AS version, CASE
    WHEN shape < 0.25 THEN 'IMG_' || lpad((node.n % 10000)::text, 4, '0') || ' ' || (node.n / 10000) || '.jpg'
    WHEN shape < 0.60 THEN one.word || ' ' || two.word || ' ' || to_char(day, 'YYYY-MM-DD') || ' ' || node.n % 97 || ending
    WHEN shape < 0.85 THEN initcap(one.word) || ' ' || two.word || ' ' || three.word || ' v' || node.n % 89 || ending
    ELSE to_char(day, 'YYYY-MM') || '_' || one.word || '_' || node.n % 997 || ending END AS name
FROM node JOIN vocabulary one ON one.n = first JOIN vocabulary two ON two.n = second JOIN vocabulary three ON three.n = third;
INSERT INTO files.nodes (tenant_id, id, parent_id, kind, name, name_key, current_version, size, created_at, created_by,
                         updated_at, updated_by)
SELECT '{tenant}', m.id, f.id, 'file', m.name, lower(m.name) || ' ' || m.n, m.version, 1 << (m.n % 30)::int, m.changed, tree.id, m.changed, tree.id
FROM named m JOIN folder f ON f.t = m.t AND f.a = m.a AND f.b = m.b JOIN tree ON tree.t = m.t;
INSERT INTO files.versions (tenant_id, id, node_id, blob_id, content_type, created_at)
SELECT '{tenant}', m.version, m.id, pg_temp.id(5, m.n % 30), CASE
    WHEN m.name LIKE '%.jpg' THEN 'image/jpeg' WHEN m.name LIKE '%.png' THEN 'image/png' WHEN m.name LIKE '%.pdf' THEN 'application/pdf'
    WHEN m.name LIKE '%.zip' THEN 'application/zip' WHEN m.name LIKE '%.txt' THEN 'text/plain'
    WHEN m.name LIKE '%.xlsx' THEN 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'
    ELSE 'application/vnd.openxmlformats-officedocument.wordprocessingml.document' END, m.changed
FROM named m;
ANALYZE files.nodes, files.versions, files.blobs;
-- The index is made anew from all of it.
TRUNCATE search.cursors, search.pending, search.entries, search.words, search.postings, search.trigrams;
