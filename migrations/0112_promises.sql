-- Invitations carry roles on nodes: promised by who invites, given once the invitation is accepted (ADR 0122).

CREATE TABLE identity.promises (
    tenant_id     uuid NOT NULL,
    -- By which the module files knows what it has given already.
    id            uuid NOT NULL,
    -- Open: what the invitation carries. It goes with the invitation, whatever ends that.
    invitation_id uuid,
    -- Due: who accepted. It goes with the membership, and once files has answered.
    account_id    uuid,
    node_id       uuid NOT NULL,
    -- As the node was called when it was promised; a home has no name. Told to who holds the invitation.
    node_name     text NOT NULL CHECK (octet_length(node_name) <= 1024),
    role          text NOT NULL CHECK (role IN ('viewer', 'commenter', 'editor', 'owner')),
    promised_by   uuid NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, invitation_id, node_id),
    -- A newer invitation of the same inviter takes the row over, under another id.
    FOREIGN KEY (tenant_id, invitation_id) REFERENCES identity.invitations (tenant_id, id)
        ON DELETE CASCADE ON UPDATE CASCADE,
    FOREIGN KEY (tenant_id, account_id) REFERENCES identity.memberships (tenant_id, account_id) ON DELETE CASCADE,
    CONSTRAINT promises_open_or_due CHECK ((invitation_id IS NULL) <> (account_id IS NULL))
);
CREATE INDEX promises_due ON identity.promises (tenant_id, id) WHERE account_id IS NOT NULL;
CREATE INDEX promises_account ON identity.promises (tenant_id, account_id) WHERE account_id IS NOT NULL;

ALTER TABLE identity.promises ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON identity.promises TO bitvault_identity
    USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
GRANT SELECT, INSERT, DELETE, UPDATE (node_name, role, invitation_id, account_id) ON identity.promises TO bitvault_identity;

-- Tenants in which something is due, told by the owner as ids only: the job goes through them one by one.
CREATE POLICY owner ON identity.promises FOR SELECT TO CURRENT_USER USING (true);
CREATE FUNCTION identity.tenants_with_promises() RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
BEGIN ATOMIC
    SELECT DISTINCT tenant_id FROM identity.promises WHERE account_id IS NOT NULL;
END;
REVOKE ALL ON FUNCTION identity.tenants_with_promises() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION identity.tenants_with_promises() TO bitvault_identity;

-- Promises that were kept, by id: a call that is repeated after its answer was lost gives nothing again, also when what it
-- gave has been taken back meanwhile. A row for each role that an invitation gave stays as long as the tenant.
CREATE TABLE files.kept_promises (
    tenant_id  uuid        NOT NULL,
    promise_id uuid        NOT NULL,
    kept_at    timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, promise_id)
);
ALTER TABLE files.kept_promises ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON files.kept_promises TO bitvault_files
    USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
GRANT SELECT, INSERT ON files.kept_promises TO bitvault_files;
