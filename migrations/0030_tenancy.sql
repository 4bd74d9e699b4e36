-- Members, invitations, personal access tokens; what a tenant has settled; tenants that are closed or going away.

-- False: the stored hash is of a password that nobody knows. An invitation sets one.
ALTER TABLE identity.accounts ADD COLUMN password_set boolean NOT NULL DEFAULT true;

ALTER TABLE identity.tenants
    ADD COLUMN display_name  text CHECK (length(display_name) BETWEEN 1 AND 128),
    -- What differs from the defaults.
    ADD COLUMN settings      jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(settings) = 'object'),
    -- Nobody gets in while one of these is set.
    ADD COLUMN suspended_at  timestamptz,
    ADD COLUMN delete_after  timestamptz,
    -- Set once rows begin to go: from then on there is no way back.
    ADD COLUMN erasing_since timestamptz CHECK (erasing_since IS NULL OR delete_after IS NOT NULL);

-- Open invitations; one that is accepted or revoked is gone.
CREATE TABLE identity.invitations (
    tenant_id    uuid        NOT NULL REFERENCES identity.tenants (id) ON DELETE CASCADE,
    id           uuid        NOT NULL,
    -- SHA-256 of the link's token.
    digest       bytea       NOT NULL UNIQUE CHECK (length(digest) = 32),
    email        text        NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
    email_digest bytea       NOT NULL CHECK (length(email_digest) = 32),
    role         text        NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'guest')),
    invited_by   uuid        NOT NULL,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, email_digest)
);

-- Personal access tokens: an account's way in for its programs, in one tenant. Losing the membership ends them.
CREATE TABLE identity.tokens (
    tenant_id  uuid        NOT NULL,
    id         uuid        NOT NULL,
    account_id uuid        NOT NULL,
    name       text        NOT NULL CHECK (length(name) BETWEEN 1 AND 128),
    digest     bytea       NOT NULL UNIQUE CHECK (length(digest) = 32),
    can_read   boolean     NOT NULL,
    can_write  boolean     NOT NULL CHECK (can_read OR can_write),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, account_id, name),
    FOREIGN KEY (tenant_id, account_id) REFERENCES identity.memberships (tenant_id, account_id) ON DELETE CASCADE
);

ALTER TABLE identity.invitations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE identity.tokens      ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT, DELETE ON identity.invitations, identity.tokens TO bitvault_identity;
GRANT UPDATE (id, digest, role, invited_by, created_at, expires_at) ON identity.invitations TO bitvault_identity;
GRANT DELETE, UPDATE (role) ON identity.memberships TO bitvault_identity;
GRANT UPDATE (password_hash, password_set, display_name) ON identity.accounts TO bitvault_identity;
GRANT UPDATE (display_name, settings, suspended_at, delete_after, erasing_since) ON identity.tenants TO bitvault_identity;

CREATE POLICY tenant ON identity.invitations TO bitvault_identity
    USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
CREATE POLICY holder ON identity.invitations FOR SELECT TO bitvault_identity
    USING (digest = app.token());

CREATE POLICY tenant ON identity.tokens TO bitvault_identity
    USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
CREATE POLICY holder ON identity.tokens FOR SELECT TO bitvault_identity
    USING (digest = app.token());

-- The membership behind a personal access token, and the tenant behind anything that lets somebody in.
CREATE POLICY token_holder ON identity.memberships FOR SELECT TO bitvault_identity
    USING (EXISTS (
        SELECT FROM identity.tokens held
        WHERE held.digest = app.token()
          AND held.tenant_id = memberships.tenant_id AND held.account_id = memberships.account_id
    ));
CREATE POLICY holder ON identity.tenants FOR SELECT TO bitvault_identity
    USING (EXISTS (SELECT FROM identity.sessions held
                   WHERE held.access_digest = app.token() AND held.tenant_id = tenants.id)
        OR EXISTS (SELECT FROM identity.tokens held
                   WHERE held.digest = app.token() AND held.tenant_id = tenants.id)
        OR EXISTS (SELECT FROM identity.invitations held
                   WHERE held.digest = app.token() AND held.tenant_id = tenants.id));

-- Members of one tenant see each other's accounts.
CREATE POLICY fellow ON identity.accounts FOR SELECT TO bitvault_identity
    USING (EXISTS (
        SELECT FROM identity.memberships fellow
        WHERE fellow.tenant_id = app.tenant() AND fellow.account_id = accounts.id
    ));

-- An account ends its own sessions in every tenant.
CREATE POLICY own_seen ON identity.sessions FOR SELECT TO bitvault_identity
    USING (account_id = app.account());
CREATE POLICY own_ended ON identity.sessions FOR DELETE TO bitvault_identity
    USING (account_id = app.account());
-- And finds them wherever they are.
CREATE INDEX sessions_of_account ON identity.sessions (account_id);
