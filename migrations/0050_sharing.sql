-- The module sharing: public links.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bitvault_sharing') THEN
        BEGIN
            CREATE ROLE bitvault_sharing LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOINHERIT;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- another database of the cluster migrates at the same moment
        END;
    END IF;
END
$$;
-- As for the other roles, see 0004 and 0005.
DO $$
DECLARE
    setting text;
BEGIN
    FOREACH setting IN ARRAY ARRAY['enable_seqscan = off', 'enable_hashjoin = off', 'enable_mergejoin = off', 'jit = off',
                                   'plan_cache_mode = force_generic_plan'] LOOP
        BEGIN
            EXECUTE 'ALTER ROLE bitvault_sharing SET ' || setting;
        EXCEPTION WHEN internal_error THEN
            NULL; -- another database of the cluster migrates at the same moment and sets the same
        END;
    END LOOP;
END
$$;
GRANT USAGE ON SCHEMA app TO bitvault_sharing;

CREATE SCHEMA sharing;
GRANT USAGE ON SCHEMA sharing TO bitvault_sharing;

-- A link acts in the name of account_id on node_id. Both belong to other modules, which are asked at each use whether they
-- are still there; a link whose node or account is gone opens nothing.
CREATE TABLE sharing.links (
    tenant_id       uuid        NOT NULL,
    id              uuid        NOT NULL,
    node_id         uuid        NOT NULL,
    account_id      uuid        NOT NULL,
    kind            text        NOT NULL CHECK (kind IN ('view', 'download', 'drop')),
    -- SHA-256 of the token. Of 256 random bits: no two are the same.
    token_digest    bytea       NOT NULL CHECK (octet_length(token_digest) = 32),
    -- PHC string of argon2id.
    password_hash   text        CHECK (password_hash LIKE '$argon2id$%'),
    label           text        CHECK (octet_length(label) BETWEEN 1 AND 1024),
    expires_at      timestamptz,
    max_downloads   integer     CHECK (max_downloads >= 1),
    downloads       integer     NOT NULL DEFAULT 0 CHECK (downloads >= 0),
    created_at      timestamptz NOT NULL,
    -- Of the request that made it, with the hash of what was asked.
    idempotency_key text        CHECK (octet_length(idempotency_key) BETWEEN 1 AND 255),
    request         bytea       CHECK (octet_length(request) = 32),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT links_counted CHECK (kind = 'download' OR max_downloads IS NULL),
    CONSTRAINT links_request CHECK ((idempotency_key IS NULL) = (request IS NULL))
);
CREATE UNIQUE INDEX links_idempotency ON sharing.links (tenant_id, account_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
CREATE INDEX links_token ON sharing.links (token_digest);
CREATE INDEX links_node ON sharing.links (node_id, id DESC);
CREATE INDEX links_account ON sharing.links (account_id, id DESC);

ALTER TABLE sharing.links ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON sharing.links TO bitvault_sharing
    USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
-- Who holds a token sees its link and no other.
CREATE POLICY holder ON sharing.links FOR SELECT TO bitvault_sharing
    USING (token_digest = app.token());

-- What a link is on, whose it is and what it is for never changes.
GRANT SELECT, INSERT, DELETE ON sharing.links TO bitvault_sharing;
GRANT UPDATE (token_digest, password_hash, label, expires_at, max_downloads, downloads) ON sharing.links TO bitvault_sharing;
