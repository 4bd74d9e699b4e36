-- The module sync: devices, and what their cursors stand on (ADR 0024).
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bitvault_sync') THEN
        BEGIN
            CREATE ROLE bitvault_sync LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOINHERIT;
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
            EXECUTE 'ALTER ROLE bitvault_sync SET ' || setting;
        EXCEPTION WHEN internal_error THEN
            NULL; -- another database of the cluster migrates at the same moment and sets the same
        END;
    END LOOP;
END
$$;
GRANT USAGE ON SCHEMA app TO bitvault_sync;

CREATE SCHEMA sync;
GRANT USAGE ON SCHEMA sync TO bitvault_sync;

-- A device of an account, and how far it has been told: the cursor that it came with last, not the one that it got.
CREATE TABLE sync.devices (
    tenant_id       uuid        NOT NULL,
    id              uuid        NOT NULL,
    account_id      uuid        NOT NULL,
    name            text        NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 128),
    platform        text        CHECK (octet_length(platform) BETWEEN 1 AND 64),
    created_at      timestamptz NOT NULL,
    last_seen_at    timestamptz,
    epoch           bigint,
    seq             bigint,
    -- Of the request that made it, with the hash of what was asked.
    idempotency_key text        CHECK (octet_length(idempotency_key) BETWEEN 1 AND 255),
    request         bytea       CHECK (octet_length(request) = 32),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT devices_place CHECK ((epoch IS NULL) = (seq IS NULL)),
    CONSTRAINT devices_request CHECK ((idempotency_key IS NULL) = (request IS NULL))
);
CREATE UNIQUE INDEX devices_idempotency ON sync.devices (tenant_id, account_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
CREATE INDEX devices_account ON sync.devices (tenant_id, account_id, id);
-- Whose cursor is farthest behind.
CREATE INDEX devices_seq ON sync.devices (tenant_id, epoch, seq);

-- What cursors of a tenant are authenticated with. Made with the first one, and never changed.
CREATE TABLE sync.keys (
    tenant_id uuid  NOT NULL PRIMARY KEY,
    key       bytea NOT NULL CHECK (octet_length(key) = 32)
);

-- What an account sees by itself, as cursors were given: each names one by the hash of what stands in it, so that a repeated
-- call finds the same, and devices that were told the same share a row.
CREATE TABLE sync.root_sets (
    tenant_id  uuid        NOT NULL,
    account_id uuid        NOT NULL,
    id         bytea       NOT NULL CHECK (octet_length(id) = 16),
    roots      bytea       NOT NULL,
    -- By days: when a cursor named it last.
    used_at    timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, account_id, id)
);
CREATE INDEX root_sets_used ON sync.root_sets (tenant_id, used_at);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['devices', 'keys', 'root_sets'] LOOP
        EXECUTE format('ALTER TABLE sync.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE sync.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY tenant ON sync.%I FOR ALL TO bitvault_sync
                        USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant())', name);
    END LOOP;
END
$$;
GRANT SELECT, INSERT, DELETE, UPDATE (last_seen_at, epoch, seq) ON sync.devices TO bitvault_sync;
GRANT SELECT, INSERT, DELETE ON sync.keys TO bitvault_sync;
GRANT SELECT, INSERT, DELETE, UPDATE (used_at) ON sync.root_sets TO bitvault_sync;
