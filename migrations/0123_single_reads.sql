-- Reads of one round trip: one statement, which names its tenant itself and is a transaction of its own (ADR 0124).
--
-- Such a statement calls one of the functions below with `app.within(…)` for its tenant. A function can't begin before its arguments are
-- there, so what it reads is read below the policies of that tenant; and were it ever called otherwise, policies would show it nothing.
--
-- To change one: create it anew under another name and drop the old one a release later, as the release before calls it still.

-- Names the tenant that policies show until the transaction ends; answers the tenant that the statement's own filters name. The two differ in the
-- test that policies hold by themselves.
CREATE FUNCTION app.within(bound uuid, named uuid) RETURNS uuid LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM set_config('app.tenant', bound::text, true);
    RETURN named;
END
$$;

-- What is told of a node, of a name, or of locks (0124): what is not told is NULL.
CREATE TYPE files.seen AS (
    id uuid, parent_id uuid, is_folder boolean, trashed boolean, current_version uuid, revision bigint, inherits boolean,
    -- Roles that were given on it, and to whom.
    accounts uuid[], roles text[],
    quota bigint,
    -- Of nodes that are shown.
    name text, name_key text, created_at timestamptz, updated_at timestamptz, content_type text, size bigint, sha256 bytea,
    -- It holds a name that was sought, in the folder `parent_id`; nothing else is told of it but that name.
    holds boolean,
    -- What is locked, and what is kept of a request: in a row of their own.
    locks uuid[], request bytea, answer bytea
);

-- Nodes and all their ancestors, with the roles that these accounts have been given on them, and with their quotas; the nodes themselves
-- as they are shown, where `whole`. A node that is asked for and stands above another one is told of twice then.
--
-- And who holds a name: that of `keys` (NULL: the node's own) in that of `folders` (NULL: the node's own), for each of `nodes`. It is
-- looked for as the first that is not before it: only the index of names leads to that in order.
CREATE FUNCTION files.sight(
    tenant uuid, accounts uuid[], ids uuid[], whole boolean, nodes uuid[], folders uuid[], keys text[]
) RETURNS SETOF files.seen
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    WITH RECURSIVE up AS (
        SELECT n.*, whole AS shown
        FROM unnest(ids) AS wanted(id) CROSS JOIN LATERAL (
            SELECT f.id, f.parent_id, f.kind, f.trashed_at, f.current_version, f.revision, f.inherits
            FROM files.nodes f WHERE f.tenant_id = tenant AND f.id = wanted.id LIMIT 1) n
        UNION
        SELECT n.*, false
        FROM up CROSS JOIN LATERAL (
            SELECT f.id, f.parent_id, f.kind, f.trashed_at, f.current_version, f.revision, f.inherits
            FROM files.nodes f WHERE f.tenant_id = tenant AND f.id = up.parent_id LIMIT 1) n
    ), subject AS MATERIALIZED (
        SELECT wanted.account, wanted.account AS id FROM unnest(accounts) AS wanted(account)
        UNION ALL
        SELECT m.account_id, m.group_id
        FROM unnest(accounts) AS wanted(account) CROSS JOIN LATERAL (
            SELECT g.account_id, g.group_id FROM files.group_members g
            WHERE g.tenant_id = tenant AND g.account_id = wanted.account OFFSET 0) m
    )
    SELECT up.id, up.parent_id, up.kind = 'folder', up.trashed_at IS NOT NULL, up.current_version, up.revision, up.inherits,
           given.accounts, given.roles,
           (SELECT q.max_bytes FROM files.quotas q WHERE q.tenant_id = tenant AND q.node_id = up.id LIMIT 1),
           n.name, n.name_key, n.created_at, n.updated_at, v.content_type, b.length, b.sha256,
           false, NULL::uuid[], NULL::bytea, NULL::bytea
    FROM up CROSS JOIN LATERAL (
        SELECT array_agg(subject.account) AS accounts, array_agg(g.role) AS roles
        FROM (SELECT f.subject_id, f.role FROM files.grants f
              WHERE f.tenant_id = tenant AND f.node_id = up.id OFFSET 0) g
        JOIN subject ON subject.id = g.subject_id) given
    LEFT JOIN LATERAL (SELECT f.name, f.name_key, f.created_at, f.updated_at FROM files.nodes f
                       WHERE up.shown AND f.tenant_id = tenant AND f.id = up.id LIMIT 1) n ON true
    LEFT JOIN LATERAL (SELECT f.content_type, f.blob_id FROM files.versions f
                       WHERE up.shown AND f.tenant_id = tenant AND f.id = up.current_version LIMIT 1) v ON true
    LEFT JOIN LATERAL (SELECT f.length, f.sha256 FROM files.blobs f
                       WHERE f.tenant_id = tenant AND f.id = v.blob_id LIMIT 1) b ON true
    UNION ALL
    SELECT held.id, held.parent_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, held.name_key,
           NULL, NULL, NULL, NULL, NULL, true, NULL, NULL, NULL
    FROM unnest(nodes, folders, keys) AS sought(node, folder, key)
    CROSS JOIN LATERAL (SELECT coalesce(sought.folder, f.parent_id) AS folder, coalesce(sought.key, f.name_key) AS key
                        FROM files.nodes f WHERE f.tenant_id = tenant AND f.id = sought.node LIMIT 1) place
    CROSS JOIN LATERAL (
        SELECT f.id, f.parent_id, f.name_key FROM files.nodes f
        WHERE f.tenant_id = tenant AND f.parent_id = place.folder AND f.name_key >= place.key COLLATE "C"
          AND f.trashed_at IS NULL
        ORDER BY f.name_key LIMIT 1) held
    WHERE held.name_key = place.key COLLATE "C";
END
$$;

-- The same of the node that folded names lead to from `top`, through nothing that is in the trash; that node is told of whole.
-- Nothing where they lead nowhere.
CREATE FUNCTION files.look_up(tenant uuid, accounts uuid[], top uuid, names text[]) RETURNS SETOF files.seen
LANGUAGE plpgsql STABLE AS $$
DECLARE
    node uuid;
BEGIN
    node := (
        WITH RECURSIVE walk AS (
            SELECT f.id, 0 AS depth FROM files.nodes f WHERE f.tenant_id = tenant AND f.id = top
            UNION ALL
            SELECT n.id, walk.depth + 1
            FROM walk CROSS JOIN LATERAL (
                SELECT f.id, f.name_key FROM files.nodes f
                WHERE f.tenant_id = tenant AND f.parent_id = walk.id AND f.trashed_at IS NULL
                  AND f.name_key >= names[walk.depth + 1] COLLATE "C"
                ORDER BY f.name_key LIMIT 1) n
            WHERE walk.depth < cardinality(names) AND n.name_key = names[walk.depth + 1] COLLATE "C"
        )
        SELECT walk.id FROM walk WHERE walk.depth = cardinality(names));
    IF node IS NOT NULL THEN
        RETURN QUERY SELECT * FROM files.sight(tenant, accounts, ARRAY[node], true, '{}', '{}', '{}');
    END IF;
END
$$;

-- A node as it is listed.
CREATE TYPE files.child AS (
    id uuid, parent_id uuid, is_folder boolean, name text, name_key text, revision bigint, created_at timestamptz,
    updated_at timestamptz, version_id uuid, content_type text, size bigint, sha256 bytea
);

-- files.children_by_name(…), files.children_by_name_down(…) and so on: at most `most` children of a folder in that order, behind a
-- place. One that takes no roles from above is left out, unless the account was given one on it or `whole`.
DO $do$
DECLARE
    page record;
BEGIN
    FOR page IN
        SELECT keys.title || way.suffix AS title, keys.place,
               format(keys.behind, way.compared) AS behind, format(keys.sorted, way.direction) AS sorted
        FROM (VALUES
            ('name', 'from_name text', 'f.name_key %s from_name COLLATE "C"', 'n.name_key%1$s'),
            ('updated', 'from_at timestamptz, from_id uuid', '(f.updated_at, f.id) %s (from_at, from_id)',
             'n.updated_at%1$s, n.id%1$s'),
            ('created', 'from_at timestamptz, from_id uuid', '(f.created_at, f.id) %s (from_at, from_id)',
             'n.created_at%1$s, n.id%1$s'),
            ('size', 'from_size bigint, from_id uuid', '(f.size, f.id) %s (from_size, from_id)', 'n.size%1$s, n.id%1$s')
        ) AS keys(title, place, behind, sorted)
        CROSS JOIN (VALUES ('', '>', ''), ('_down', '<', ' DESC')) AS way(suffix, compared, direction)
    LOOP
        EXECUTE format($create$
            CREATE FUNCTION files.children_by_%s(
                tenant uuid, folder uuid, whole boolean, account uuid, most bigint, %s
            ) RETURNS SETOF files.child
            LANGUAGE plpgsql STABLE AS $$
            BEGIN
                RETURN QUERY
                SELECT n.id, nullif(n.parent_id, tenant), n.kind = 'folder', n.name, n.name_key, n.revision,
                       n.created_at, n.updated_at, v.id, v.content_type, b.length, b.sha256
                FROM (SELECT * FROM files.nodes f
                      WHERE f.tenant_id = tenant AND f.parent_id = folder AND f.trashed_at IS NULL AND %s
                        AND (f.inherits OR whole OR EXISTS (
                            SELECT FROM files.grants g
                            WHERE g.tenant_id = tenant AND g.node_id = f.id
                              AND (g.subject_id = account OR g.subject_id = ANY (ARRAY(
                                   SELECT m.group_id FROM files.group_members m
                                   WHERE m.tenant_id = tenant AND m.account_id = account)))
                            OFFSET 0))
                      ORDER BY %s LIMIT most) n
                LEFT JOIN LATERAL (SELECT w.id, w.content_type, w.blob_id FROM files.versions w
                                   WHERE w.tenant_id = tenant AND w.id = n.current_version LIMIT 1) v ON true
                LEFT JOIN LATERAL (SELECT w.length, w.sha256 FROM files.blobs w
                                   WHERE w.tenant_id = tenant AND w.id = v.blob_id LIMIT 1) b ON true
                ORDER BY %s;
            END
            $$
        $create$, page.title, page.place, page.behind, replace(page.sorted, 'n.', 'f.'), page.sorted);
    END LOOP;
END
$do$;

-- What decides whether an account sees nodes, and what it is shown of them: the nodes, those on which it was given a role, itself or through a
-- group (of each of these at most `most`, the newest), and all that stands above them. Content is told of `entire` ones only.
CREATE FUNCTION files.visible(tenant uuid, account uuid, ids uuid[], entire uuid[], most bigint)
RETURNS TABLE (
    id uuid, parent_id uuid, is_folder boolean, trashed boolean, revision bigint, inherits boolean, name text, name_key text,
    created_at timestamptz, updated_at timestamptz, roles text[], is_granted boolean, version_id uuid, content_type text,
    size bigint, sha256 bytea
)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    WITH RECURSIVE subject AS MATERIALIZED (
        SELECT account AS id UNION ALL SELECT m.group_id FROM (
            SELECT g.group_id FROM files.group_members g
            WHERE g.tenant_id = tenant AND g.account_id = account OFFSET 0) m
    ), granted AS MATERIALIZED (
        SELECT DISTINCT g.node_id AS id
        FROM subject CROSS JOIN LATERAL (
            SELECT f.node_id FROM files.grants f WHERE f.tenant_id = tenant AND f.subject_id = subject.id
            ORDER BY f.granted_at DESC LIMIT most) g
    ), up AS (
        SELECT n.*
        FROM (SELECT named.id FROM unnest(ids) AS named(id) UNION SELECT granted.id FROM granted) wanted
        CROSS JOIN LATERAL (
            SELECT f.id, f.parent_id, f.kind, f.trashed_at, f.current_version, f.revision, f.inherits, f.name, f.name_key,
                   f.created_at, f.updated_at
            FROM files.nodes f WHERE f.tenant_id = tenant AND f.id = wanted.id LIMIT 1) n
        UNION
        SELECT n.*
        FROM up CROSS JOIN LATERAL (
            SELECT f.id, f.parent_id, f.kind, f.trashed_at, f.current_version, f.revision, f.inherits, f.name, f.name_key,
                   f.created_at, f.updated_at
            FROM files.nodes f WHERE f.tenant_id = tenant AND f.id = up.parent_id LIMIT 1) n
    )
    SELECT up.id, up.parent_id, up.kind = 'folder', up.trashed_at IS NOT NULL, up.revision, up.inherits, up.name,
           up.name_key, up.created_at, up.updated_at, given.roles, up.id IN (SELECT granted.id FROM granted),
           v.id, v.content_type, b.length, b.sha256
    FROM up CROSS JOIN LATERAL (
        SELECT array_agg(g.role) AS roles
        FROM (SELECT f.subject_id, f.role FROM files.grants f
              WHERE f.tenant_id = tenant AND f.node_id = up.id OFFSET 0) g
        JOIN subject ON subject.id = g.subject_id) given
    LEFT JOIN LATERAL (SELECT f.id, f.content_type, f.blob_id FROM files.versions f
                       WHERE f.tenant_id = tenant AND f.id = CASE WHEN up.id = ANY (entire) THEN up.current_version END
                       LIMIT 1) v ON true
    LEFT JOIN LATERAL (SELECT f.length, f.sha256 FROM files.blobs f
                       WHERE f.tenant_id = tenant AND f.id = v.blob_id LIMIT 1) b ON true;
END
$$;

REVOKE ALL ON FUNCTION app.within(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.within(uuid, uuid) TO bitvault_files, bitvault_search;
DO $$
DECLARE
    called regprocedure;
BEGIN
    FOR called IN
        SELECT oid FROM pg_proc
        WHERE pronamespace = 'files'::regnamespace
          AND (proname IN ('sight', 'look_up', 'visible') OR starts_with(proname, 'children_by_'))
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', called);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO bitvault_files', called);
    END LOOP;
END
$$;
