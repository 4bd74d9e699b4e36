-- Module files: nodes, versions, blobs, objects, uploads, journal, outbox.
--
-- Every table carries tenant_id, first in every key, foreign key and unique index: foreign keys and unique indexes look
-- past row-level security, so without it they would tell one tenant about another.
CREATE SCHEMA files;
GRANT USAGE ON SCHEMA files TO bitvault_files, bitvault_worker;

-- A file or a folder. The root of a tenant has the tenant's own id, so nobody needs to look it up.
CREATE TABLE files.nodes (
    tenant_id       uuid        NOT NULL,
    id              uuid        NOT NULL,
    parent_id       uuid,
    kind            text        NOT NULL CHECK (kind IN ('folder', 'file')),
    name            text        NOT NULL CHECK (octet_length(name) <= 255),
    -- NFC and case-folded: what two names must differ in. Collation C: bytewise, as cursors compare.
    name_key        text        COLLATE "C" NOT NULL,
    current_version uuid,
    revision        bigint      NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL,
    created_by      uuid,
    updated_at      timestamptz NOT NULL,
    updated_by      uuid,
    trashed_at      timestamptz,
    trashed_by      uuid,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, parent_id) REFERENCES files.nodes (tenant_id, id),
    CONSTRAINT nodes_root CHECK ((parent_id IS NULL) = (id = tenant_id)),
    CONSTRAINT nodes_root_shape CHECK (parent_id IS NOT NULL OR (kind = 'folder' AND trashed_at IS NULL)),
    CONSTRAINT nodes_name_present CHECK ((name = '') = (parent_id IS NULL)),
    CONSTRAINT nodes_content CHECK ((kind = 'file') = (current_version IS NOT NULL))
);
-- The name is free again once its node is in the trash. Listings read this index in order.
CREATE UNIQUE INDEX nodes_name ON files.nodes (tenant_id, parent_id, name_key) WHERE trashed_at IS NULL;
CREATE INDEX nodes_children ON files.nodes (tenant_id, parent_id);

-- Bytes in the store under a key that the server chose, unique and never reused. `state` moves by compare-and-set only:
-- staging -> committed -> orphaned -> deleting -> deleted, staging -> orphaned, orphaned -> committed.
CREATE TABLE files.objects (
    tenant_id    uuid        NOT NULL,
    id           uuid        NOT NULL,
    key          text        COLLATE "C" NOT NULL,
    size         bigint      NOT NULL CHECK (size >= 0),
    state        text        NOT NULL DEFAULT 'staging'
                             CHECK (state IN ('staging', 'committed', 'orphaned', 'deleting', 'deleted')),
    state_at     timestamptz NOT NULL,
    -- When a staging object may be taken for given up.
    expires_at   timestamptz NOT NULL,
    is_multipart boolean     NOT NULL,
    -- The store's name of the multipart upload, once it is known.
    multipart    text,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, key),
    CHECK (is_multipart OR multipart IS NULL)
);
-- What the collector looks for; committed objects, nearly all, are not in it.
CREATE INDEX objects_collect ON files.objects (state, state_at) WHERE state IN ('orphaned', 'deleting', 'deleted');
CREATE INDEX objects_staging ON files.objects (expires_at) WHERE state = 'staging';

-- A range of an object. An object lives while a blob in it exists, a blob while a version names it.
CREATE TABLE files.blobs (
    tenant_id       uuid        NOT NULL,
    id              uuid        NOT NULL,
    object_id       uuid        NOT NULL,
    "offset"        bigint      NOT NULL CHECK ("offset" >= 0),
    length          bigint      NOT NULL CHECK (length >= 0),
    sha256          bytea       NOT NULL CHECK (octet_length(sha256) = 32),
    -- False: the hash is the client's word. The job `verify` reads such content back once, and says so in checked_at.
    sha256_verified boolean     NOT NULL,
    checked_at      timestamptz,
    created_at      timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, object_id) REFERENCES files.objects (tenant_id, id)
);
CREATE INDEX blobs_object ON files.blobs (tenant_id, object_id);
CREATE INDEX blobs_unverified ON files.blobs (created_at) WHERE NOT sha256_verified AND checked_at IS NULL;

CREATE TABLE files.versions (
    tenant_id        uuid        NOT NULL,
    id               uuid        NOT NULL,
    node_id          uuid        NOT NULL,
    blob_id          uuid        NOT NULL,
    content_type     text        NOT NULL,
    -- The content was read back and its hash is not what the client said.
    content_mismatch boolean     NOT NULL DEFAULT false,
    created_at       timestamptz NOT NULL,
    created_by       uuid,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, node_id, id),
    FOREIGN KEY (tenant_id, node_id) REFERENCES files.nodes (tenant_id, id),
    FOREIGN KEY (tenant_id, blob_id) REFERENCES files.blobs (tenant_id, id)
);
CREATE INDEX versions_blob ON files.versions (tenant_id, blob_id);

-- Deferred: a new file's node is written before its version.
ALTER TABLE files.nodes ADD CONSTRAINT nodes_current_version
    FOREIGN KEY (tenant_id, id, current_version) REFERENCES files.versions (tenant_id, node_id, id)
    DEFERRABLE INITIALLY DEFERRED;

-- What somebody is about to add: a new file (parent, name) or a new version (node). Its state is its object's. The nodes
-- are no foreign keys: commit looks whether they are still there.
CREATE TABLE files.uploads (
    tenant_id         uuid        NOT NULL,
    id                uuid        NOT NULL,
    object_id         uuid        NOT NULL,
    account_id        uuid        NOT NULL,
    parent_id         uuid,
    name              text,
    name_key          text        COLLATE "C",
    node_id           uuid,
    base_version      uuid,
    size              bigint      NOT NULL CHECK (size >= 0),
    sha256            bytea       CHECK (octet_length(sha256) = 32),
    content_type      text        NOT NULL,
    part_size         bigint      NOT NULL,
    part_count        integer     NOT NULL,
    created_at        timestamptz NOT NULL,
    -- Kept so that a repeated commit answers the same.
    committed_node    uuid,
    committed_version uuid,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, object_id),
    FOREIGN KEY (tenant_id, object_id) REFERENCES files.objects (tenant_id, id),
    CONSTRAINT uploads_target CHECK ((node_id IS NULL) = (parent_id IS NOT NULL AND name IS NOT NULL AND name_key IS NOT NULL))
);
CREATE INDEX uploads_created ON files.uploads (created_at);

-- Parts whose presigned request was bound to a hash.
CREATE TABLE files.upload_parts (
    tenant_id uuid    NOT NULL,
    upload_id uuid    NOT NULL,
    number    integer NOT NULL CHECK (number >= 1),
    sha256    bytea   NOT NULL CHECK (octet_length(sha256) = 32),
    PRIMARY KEY (tenant_id, upload_id, number),
    FOREIGN KEY (tenant_id, upload_id) REFERENCES files.uploads (tenant_id, id) ON DELETE CASCADE
);

-- The counter of a tenant's journal: the last lock of every transaction that writes, held to its commit, so that numbers
-- become visible in order and without gaps.
CREATE TABLE files.journal_heads (
    tenant_id uuid   NOT NULL PRIMARY KEY,
    epoch     bigint NOT NULL DEFAULT 1,
    seq       bigint NOT NULL DEFAULT 0
);

CREATE TABLE files.journal (
    tenant_id  uuid        NOT NULL,
    seq        bigint      NOT NULL,
    node_id    uuid        NOT NULL,
    kind       text        NOT NULL CHECK (kind IN ('created', 'updated', 'trashed', 'deleted')),
    version_id uuid,
    revision   bigint      NOT NULL,
    actor      uuid,
    at         timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, seq)
);

-- Events to be told. A row goes when its event has been handed over. Order within a key is the journal's.
CREATE TABLE files.outbox (
    tenant_id    uuid        NOT NULL,
    key          uuid        NOT NULL,
    seq          bigint      NOT NULL,
    id           uuid        NOT NULL,
    kind         text        NOT NULL,
    payload      jsonb       NOT NULL,
    traceparent  text,
    created_at   timestamptz NOT NULL,
    leased_until timestamptz,
    attempts     integer     NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, key, seq)
);
CREATE INDEX outbox_queue ON files.outbox (id);

-- What a repeated request with the same key is answered.
CREATE TABLE files.idempotency (
    tenant_id  uuid        NOT NULL,
    account_id uuid        NOT NULL,
    key        text        NOT NULL CHECK (octet_length(key) <= 255),
    -- Hash of the call and its arguments: the same key with another request is refused.
    request    bytea       NOT NULL CHECK (octet_length(request) = 32),
    -- The answer's protobuf message, without presigned requests.
    answer     bytea       NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, account_id, key)
);
CREATE INDEX idempotency_created ON files.idempotency (created_at);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['nodes', 'objects', 'blobs', 'versions', 'uploads', 'upload_parts', 'journal_heads',
                                'journal', 'outbox', 'idempotency'] LOOP
        EXECUTE format('ALTER TABLE files.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE files.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY tenant ON files.%I FOR ALL TO bitvault_files
                        USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant())', name);
    END LOOP;
END
$$;

-- The module, one tenant at a time. It can't rewrite the journal, read the outbox or remove objects.
GRANT SELECT, INSERT, DELETE ON files.nodes, files.blobs, files.versions TO bitvault_files;
GRANT UPDATE (name, name_key, parent_id, current_version, revision, updated_at, updated_by, trashed_at, trashed_by)
    ON files.nodes TO bitvault_files;
GRANT SELECT, INSERT, UPDATE (state, state_at, multipart) ON files.objects TO bitvault_files;
GRANT SELECT, INSERT, UPDATE (sha256, committed_node, committed_version) ON files.uploads TO bitvault_files;
GRANT SELECT, INSERT, UPDATE (sha256) ON files.upload_parts TO bitvault_files;
GRANT SELECT, INSERT, UPDATE (seq, epoch) ON files.journal_heads TO bitvault_files;
GRANT SELECT, INSERT ON files.journal TO bitvault_files;
GRANT INSERT ON files.outbox TO bitvault_files;
GRANT SELECT, INSERT ON files.idempotency TO bitvault_files;

-- Collector, verification and fsck across tenants: ids, sizes, hashes and states; never a name. A committed object is out
-- of its reach for writing.
GRANT SELECT, DELETE, UPDATE (state, state_at) ON files.objects TO bitvault_worker;
CREATE POLICY worker_sees ON files.objects FOR SELECT TO bitvault_worker USING (true);
CREATE POLICY worker_moves ON files.objects FOR UPDATE TO bitvault_worker
    USING (state IN ('staging', 'orphaned', 'deleting')) WITH CHECK (state IN ('orphaned', 'deleting', 'deleted'));
CREATE POLICY worker_forgets ON files.objects FOR DELETE TO bitvault_worker USING (state = 'deleted');

GRANT SELECT, UPDATE (sha256_verified, checked_at) ON files.blobs TO bitvault_worker;
CREATE POLICY worker_sees ON files.blobs FOR SELECT TO bitvault_worker USING (true);
CREATE POLICY worker_checks ON files.blobs FOR UPDATE TO bitvault_worker
    USING (NOT sha256_verified) WITH CHECK (checked_at IS NOT NULL);

GRANT SELECT (tenant_id, id, node_id, blob_id, content_mismatch), UPDATE (content_mismatch)
    ON files.versions TO bitvault_worker;
CREATE POLICY worker_sees ON files.versions FOR SELECT TO bitvault_worker USING (true);
CREATE POLICY worker_flags ON files.versions FOR UPDATE TO bitvault_worker
    USING (NOT content_mismatch) WITH CHECK (content_mismatch);

GRANT SELECT (tenant_id, id, object_id, created_at), DELETE ON files.uploads TO bitvault_worker;
CREATE POLICY worker_sees ON files.uploads FOR SELECT TO bitvault_worker USING (true);
CREATE POLICY worker_forgets ON files.uploads FOR DELETE TO bitvault_worker USING (true);

GRANT SELECT (tenant_id, key, created_at), DELETE ON files.idempotency TO bitvault_worker;
CREATE POLICY worker_forgets ON files.idempotency FOR DELETE TO bitvault_worker USING (true);
CREATE POLICY worker_sees ON files.idempotency FOR SELECT TO bitvault_worker USING (true);

GRANT SELECT, DELETE, UPDATE (leased_until, attempts) ON files.outbox TO bitvault_worker;
CREATE POLICY worker_relays ON files.outbox FOR ALL TO bitvault_worker USING (true) WITH CHECK (true);
