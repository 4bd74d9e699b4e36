-- The module identity: who may sign in, where they belong, and the sessions they hold.
--
-- Settings of a transaction, beside those of 0001, that a policy compares with. Each names one row that the caller
-- already knows the key of, so that a query that forgets its WHERE shows nothing more.
CREATE FUNCTION app.email() RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
    RETURN decode(nullif(current_setting('app.email', true), ''), 'hex');
CREATE FUNCTION app.tenant_name() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('app.tenant_name', true), '');

CREATE SCHEMA identity;
GRANT USAGE ON SCHEMA identity TO bitvault_identity;

CREATE TABLE identity.tenants (
    id         uuid PRIMARY KEY,
    -- Letters, digits and dashes; unique on this server.
    name       text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    created_at timestamptz NOT NULL
);

-- No tenant_id: a person has one account on a server and belongs to any number of tenants, so accounts stand above
-- tenants. A row is shown to its holder (app.account) and to whoever names its mail address (app.email), one at a time.
CREATE TABLE identity.accounts (
    id            uuid PRIMARY KEY,
    -- As it was given.
    email         text NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
    -- SHA-256 of the folded address: unique whatever its case, and what app.email is compared with.
    email_digest  bytea NOT NULL UNIQUE CHECK (length(email_digest) = 32),
    display_name  text NOT NULL CHECK (length(display_name) BETWEEN 1 AND 128),
    -- PHC string of argon2id.
    password_hash text NOT NULL CHECK (password_hash LIKE '$argon2id$%'),
    created_at    timestamptz NOT NULL
);

CREATE TABLE identity.memberships (
    tenant_id  uuid NOT NULL REFERENCES identity.tenants (id) ON DELETE CASCADE,
    account_id uuid NOT NULL REFERENCES identity.accounts (id) ON DELETE CASCADE,
    role       text NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'guest')),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, account_id)
);
CREATE INDEX memberships_account ON identity.memberships (account_id);

-- A session is a family of tokens: it begins with a sign-in and goes on with each refresh. Losing the membership ends it.
CREATE TABLE identity.sessions (
    tenant_id         uuid NOT NULL,
    id                uuid NOT NULL,
    account_id        uuid NOT NULL,
    -- SHA-256 of the access token that counts now.
    access_digest     bytea NOT NULL UNIQUE CHECK (length(access_digest) = 32),
    access_expires_at timestamptz NOT NULL,
    -- When the newest refresh token ends, and so the session.
    expires_at        timestamptz NOT NULL,
    created_at        timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, account_id) REFERENCES identity.memberships (tenant_id, account_id) ON DELETE CASCADE
);
CREATE INDEX sessions_account ON identity.sessions (tenant_id, account_id);

-- Every refresh token of a session, used ones too, so that the second use of one is recognised.
CREATE TABLE identity.refresh_tokens (
    digest     bytea PRIMARY KEY CHECK (length(digest) = 32),
    tenant_id  uuid NOT NULL,
    session_id uuid NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz,
    FOREIGN KEY (tenant_id, session_id) REFERENCES identity.sessions (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX refresh_tokens_session ON identity.refresh_tokens (tenant_id, session_id);

ALTER TABLE identity.tenants        ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE identity.accounts       ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE identity.memberships    ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE identity.sessions       ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE identity.refresh_tokens ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- Minimal: nothing here changes an account, a tenant or a membership yet.
GRANT SELECT, INSERT ON identity.tenants, identity.accounts, identity.memberships TO bitvault_identity;
GRANT SELECT, INSERT, DELETE ON identity.sessions TO bitvault_identity;
GRANT UPDATE (access_digest, access_expires_at, expires_at) ON identity.sessions TO bitvault_identity;
GRANT SELECT, INSERT, DELETE ON identity.refresh_tokens TO bitvault_identity;
GRANT UPDATE (used_at) ON identity.refresh_tokens TO bitvault_identity;

CREATE POLICY tenant ON identity.refresh_tokens TO bitvault_identity
    USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
CREATE POLICY holder ON identity.refresh_tokens FOR SELECT TO bitvault_identity
    USING (digest = app.token());

CREATE POLICY tenant ON identity.sessions TO bitvault_identity
    USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
CREATE POLICY holder ON identity.sessions FOR SELECT TO bitvault_identity
    USING (access_digest = app.token());

CREATE POLICY tenant ON identity.memberships TO bitvault_identity
    USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
-- An account sees where it belongs, to choose a tenant when it signs in.
CREATE POLICY own ON identity.memberships FOR SELECT TO bitvault_identity
    USING (account_id = app.account());
-- The membership of a session whose token is held: the subquery sees that session only.
CREATE POLICY holder ON identity.memberships FOR SELECT TO bitvault_identity
    USING (EXISTS (
        SELECT FROM identity.sessions held
        WHERE held.access_digest = app.token()
          AND held.tenant_id = memberships.tenant_id AND held.account_id = memberships.account_id
    ));

CREATE POLICY tenant ON identity.tenants TO bitvault_identity
    USING (id = app.tenant()) WITH CHECK (id = app.tenant());
CREATE POLICY named ON identity.tenants FOR SELECT TO bitvault_identity
    USING (name = app.tenant_name());
-- A tenant is shown to its members.
CREATE POLICY member ON identity.tenants FOR SELECT TO bitvault_identity
    USING (EXISTS (
        SELECT FROM identity.memberships own
        WHERE own.tenant_id = tenants.id AND own.account_id = app.account()
    ));

CREATE POLICY own ON identity.accounts TO bitvault_identity
    USING (id = app.account()) WITH CHECK (id = app.account());
CREATE POLICY addressed ON identity.accounts FOR SELECT TO bitvault_identity
    USING (email_digest = app.email());

-- Whether anybody can sign in yet: the first start makes an account only while nobody can. The daemon's role sees no
-- account that it can't name, so the owner looks for it and tells nothing but yes or no.
CREATE POLICY owner ON identity.accounts FOR SELECT TO CURRENT_USER USING (true);
CREATE FUNCTION identity.has_accounts() RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
    RETURN EXISTS (SELECT FROM identity.accounts);
REVOKE ALL ON FUNCTION identity.has_accounts() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION identity.has_accounts() TO bitvault_identity;
