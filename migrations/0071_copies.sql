-- Copies: ids made in SQL, and the jobs of copies that are too large for one short transaction.

-- A UUID version 7 (RFC 9562), as the daemon makes them: ordered by time.
CREATE FUNCTION files.new_id() RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) PLACING
               substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6),
               52, 1), 53, 1), 'hex')::uuid
$$;

-- A large copy. It is built where nobody sees it, below the tenant's root, in one transaction, which reads the source as it
-- is at one moment; then its top goes to its place.
--
-- running -> built -> done; running, built -> failed, cancelled, which still have `node_id` until what was built is gone.
CREATE TABLE files.copies (
    tenant_id    uuid        NOT NULL,
    id           uuid        NOT NULL,
    account_id   uuid        NOT NULL,
    source_id    uuid        NOT NULL,
    parent_id    uuid        NOT NULL,
    -- The name that was asked for; NULL: a free one is found.
    name         text,
    state        text        NOT NULL DEFAULT 'running'
                             CHECK (state IN ('running', 'built', 'done', 'failed', 'cancelled')),
    copied       bigint      NOT NULL DEFAULT 0,
    -- The top of what was built.
    node_id      uuid,
    -- Why it failed.
    reason       text,
    created_at   timestamptz NOT NULL,
    ended_at     timestamptz,
    leased_until timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX copies_open ON files.copies (leased_until)
    WHERE state IN ('running', 'built') OR (state IN ('failed', 'cancelled') AND node_id IS NOT NULL);
CREATE INDEX copies_ended ON files.copies (ended_at) WHERE ended_at IS NOT NULL;
ALTER TABLE files.copies ENABLE ROW LEVEL SECURITY;
ALTER TABLE files.copies FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON files.copies FOR ALL TO bitvault_files
    USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
GRANT SELECT, INSERT, UPDATE (state, copied, node_id, reason, ended_at) ON files.copies TO bitvault_files;

-- The worker finds jobs and forgets old ones; it works in one tenant at a time.
GRANT SELECT (tenant_id, id, state, node_id, ended_at, leased_until), UPDATE (leased_until), DELETE ON files.copies
    TO bitvault_worker;
CREATE POLICY worker_sees ON files.copies FOR SELECT TO bitvault_worker USING (true);
CREATE POLICY worker_claims ON files.copies FOR UPDATE TO bitvault_worker USING (true) WITH CHECK (true);
CREATE POLICY worker_forgets ON files.copies FOR DELETE TO bitvault_worker USING (ended_at IS NOT NULL AND state <> 'built');
