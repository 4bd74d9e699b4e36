-- Who may do what: groups of accounts, grants on nodes, and nodes that take no roles from above.
--
-- Below the root of a tenant stand its trees: the home of each account, whose node has the account's id, and spaces, which
-- belong to a group. Nobody has a role but by being the account of a home or by a grant.

ALTER TABLE files.nodes ADD COLUMN inherits boolean NOT NULL DEFAULT true;
GRANT UPDATE (inherits) ON files.nodes TO bitvault_files;

-- A home has no name of its own; what nobody can call a node keeps the keys of homes apart.
ALTER TABLE files.nodes DROP CONSTRAINT nodes_name_present;
ALTER TABLE files.nodes ADD CONSTRAINT nodes_name_present
    CHECK (name <> '' OR parent_id IS NULL OR (parent_id = tenant_id AND name_key = '/' || id));

CREATE TABLE files.groups (
    tenant_id  uuid        NOT NULL,
    id         uuid        NOT NULL,
    name       text        NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 255),
    name_key   text        COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid        NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, name_key)
);

CREATE TABLE files.group_members (
    tenant_id  uuid        NOT NULL,
    group_id   uuid        NOT NULL,
    account_id uuid        NOT NULL,
    added_at   timestamptz NOT NULL,
    added_by   uuid        NOT NULL,
    PRIMARY KEY (tenant_id, group_id, account_id),
    FOREIGN KEY (tenant_id, group_id) REFERENCES files.groups (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX group_members_account ON files.group_members (account_id);

-- A role on a node and on all that lies below it. The subject is an account or a group.
CREATE TABLE files.grants (
    tenant_id    uuid        NOT NULL,
    node_id      uuid        NOT NULL,
    subject_id   uuid        NOT NULL,
    subject_kind text        NOT NULL CHECK (subject_kind IN ('account', 'group')),
    role         text        NOT NULL CHECK (role IN ('viewer', 'commenter', 'editor', 'owner')),
    granted_at   timestamptz NOT NULL,
    granted_by   uuid        NOT NULL,
    PRIMARY KEY (tenant_id, node_id, subject_id),
    FOREIGN KEY (tenant_id, node_id) REFERENCES files.nodes (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX grants_subject ON files.grants (subject_id);

-- A tree that belongs to a group.
CREATE TABLE files.spaces (
    tenant_id  uuid        NOT NULL,
    node_id    uuid        NOT NULL,
    group_id   uuid        NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid        NOT NULL,
    PRIMARY KEY (tenant_id, node_id),
    FOREIGN KEY (tenant_id, node_id) REFERENCES files.nodes (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, group_id) REFERENCES files.groups (tenant_id, id)
);
CREATE INDEX spaces_group ON files.spaces (group_id);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['groups', 'group_members', 'grants', 'spaces'] LOOP
        EXECUTE format('ALTER TABLE files.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE files.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY tenant ON files.%I FOR ALL TO bitvault_files
                        USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant())', name);
    END LOOP;
END
$$;
GRANT SELECT, INSERT, DELETE ON files.groups, files.group_members, files.grants, files.spaces TO bitvault_files;
GRANT UPDATE (name, name_key) ON files.groups TO bitvault_files;
GRANT UPDATE (role, granted_at, granted_by) ON files.grants TO bitvault_files;
