-- The journal as one account may see it (ADR 0024): what the module files needs to tell what came into sight or left it.

-- Where a node was before what an entry tells: of a new one, the folder that it was made in, so that all below it has
-- entries of its own; the tenant's root, when it was made elsewhere and put there with all below it. And whether it took
-- roles from above then. Absent on what an older release wrote.
ALTER TABLE files.journal ADD COLUMN from_id uuid, ADD COLUMN inherited boolean;

-- Folders in a folder by time of creation, which never changes: a walk goes on after the one that it has seen.
CREATE INDEX nodes_folders ON files.nodes (tenant_id, parent_id, created_at, id)
    WHERE kind = 'folder' AND trashed_at IS NULL;

-- Tells whether a node stands where it stood: a digest of the folders from it up to `top`. NULL: it is not below that, or in
-- the trash.
CREATE FUNCTION files.path_digest(tenant uuid, top uuid, node uuid) RETURNS bytea LANGUAGE plpgsql STABLE AS $$
DECLARE
    place uuid := node;
    path text := '';
    above record;
BEGIN
    LOOP
        path := path || place;
        -- Never that deep: a ring, which must not be, ends here.
        IF length(path) > 1000000 THEN
            RETURN NULL;
        END IF;
        SELECT n.parent_id, n.trashed_at INTO above FROM files.nodes n WHERE n.tenant_id = tenant AND n.id = place;
        IF NOT FOUND OR above.trashed_at IS NOT NULL THEN
            RETURN NULL;
        END IF;
        IF place = top THEN
            RETURN decode(md5(path), 'hex');
        END IF;
        place := above.parent_id;
    END LOOP;
END
$$;

-- Walks trees from a place on: answers nodes, each top first and folders before what is in them, and in the last row (without
-- a node) the place to go on at. Of a tree that is not `owned`, nodes that take no roles from above are left out with all
-- below them. Children come by time of creation and id, which never change; should a folder above the place have moved
-- meanwhile, the tree is begun anew. A call looks at `most` nodes, and takes four times as many steps, whatever it finds.
CREATE FUNCTION files.walk(tenant uuid, tops uuid[], owned boolean[], from_tree integer, from_folder uuid, from_path bytea,
                           from_descending boolean, from_at timestamptz, from_id uuid, most integer)
RETURNS TABLE (tree integer, node uuid, folder uuid, path bytea, descending boolean, after_at timestamptz, after_id uuid)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    at_tree integer := from_tree;
    at_folder uuid := from_folder;
    at_descending boolean := from_descending;
    at_time timestamptz := from_at;
    at_id uuid := from_id;
    left_over integer := most;
    steps integer := 0;
    asked integer;
    seen integer;
    child record;
BEGIN
    IF at_folder IS NOT NULL
       AND files.path_digest(tenant, tops[at_tree], at_folder) IS DISTINCT FROM from_path THEN
        at_folder := NULL;
    END IF;
    WHILE at_tree <= cardinality(tops) AND left_over > 0 AND steps < 4 * most LOOP
        steps := steps + 1;
        IF at_folder IS NULL THEN
            SELECT n.kind INTO child FROM files.nodes n
            WHERE n.tenant_id = tenant AND n.id = tops[at_tree] AND n.trashed_at IS NULL;
            IF FOUND THEN
                tree := at_tree;
                node := tops[at_tree];
                RETURN NEXT;
                left_over := left_over - 1;
            END IF;
            IF FOUND AND child.kind = 'folder' THEN
                at_folder := tops[at_tree];
                at_descending := false;
                at_time := NULL;
                at_id := NULL;
            ELSE
                at_tree := at_tree + 1;
            END IF;
        ELSIF NOT at_descending THEN
            asked := left_over;
            seen := 0;
            FOR child IN
                SELECT n.id, n.created_at, n.inherits FROM files.nodes n
                WHERE n.tenant_id = tenant AND n.parent_id = at_folder AND n.trashed_at IS NULL
                  AND (n.created_at, n.id) > (coalesce(at_time, '-infinity'), coalesce(at_id, '00000000-0000-0000-0000-000000000000'))
                ORDER BY n.created_at, n.id LIMIT asked
            LOOP
                seen := seen + 1;
                at_time := child.created_at;
                at_id := child.id;
                IF child.inherits OR owned[at_tree] THEN
                    tree := at_tree;
                    node := child.id;
                    RETURN NEXT;
                END IF;
            END LOOP;
            left_over := left_over - seen;
            IF seen < asked THEN
                at_descending := true;
                at_time := NULL;
                at_id := NULL;
            END IF;
        ELSE
            SELECT n.id INTO child FROM files.nodes n
            WHERE n.tenant_id = tenant AND n.parent_id = at_folder AND n.kind = 'folder' AND n.trashed_at IS NULL
              AND (n.inherits OR owned[at_tree])
              AND (n.created_at, n.id) > (coalesce(at_time, '-infinity'), coalesce(at_id, '00000000-0000-0000-0000-000000000000'))
            ORDER BY n.created_at, n.id LIMIT 1;
            IF FOUND THEN
                at_folder := child.id;
                at_descending := false;
                at_time := NULL;
                at_id := NULL;
            ELSIF at_folder = tops[at_tree] THEN
                at_tree := at_tree + 1;
                at_folder := NULL;
            ELSE
                SELECT n.parent_id, n.created_at INTO child FROM files.nodes n
                WHERE n.tenant_id = tenant AND n.id = at_folder;
                at_time := child.created_at;
                at_id := at_folder;
                at_folder := child.parent_id;
            END IF;
        END IF;
    END LOOP;
    tree := at_tree;
    node := NULL;
    folder := at_folder;
    path := CASE WHEN at_folder IS NOT NULL THEN files.path_digest(tenant, tops[at_tree], at_folder) END;
    descending := at_descending;
    after_at := at_time;
    after_id := at_id;
    RETURN NEXT;
END
$$;
