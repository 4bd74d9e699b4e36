-- Module search: an index of what nodes are called, derived from the module files; it may be emptied at any time and fills
-- itself again.
--
-- It is a dictionary of words and, for each word, the nodes that have it, in B-trees. Operators of full-text search, of
-- arrays and of pg_trgm are not leakproof, so below row-level security Postgres never looks them up in an index; those of
-- uuid and of text in the collation C are. No extension is needed (ADR 0009).
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bitvault_search') THEN
        BEGIN
            CREATE ROLE bitvault_search LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOINHERIT;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- another database of the cluster migrates at the same moment
        END;
    END IF;
    -- Plans are made for the words asked for, as some are in one name and some in a hundred thousand. Joins are nested loops
    -- over look-ups by key, whatever the statistics of a table that was empty a moment ago say.
    BEGIN
        ALTER ROLE bitvault_search SET plan_cache_mode = force_custom_plan;
        ALTER ROLE bitvault_search SET jit = off;
    EXCEPTION WHEN internal_error THEN
        NULL; -- another database of the cluster migrates at the same moment and sets the same
    END;
END
$$;
GRANT USAGE ON SCHEMA app TO bitvault_search;
CREATE SCHEMA search;
GRANT USAGE ON SCHEMA search TO bitvault_search;

-- How far a tenant's journal has been read. `step` grows with every write to the tenant's index: who writes names the one
-- it began with, so what was read from the module files meanwhile is never written over something newer.
CREATE TABLE search.cursors (
    tenant_id uuid   NOT NULL PRIMARY KEY,
    epoch     bigint NOT NULL,
    seq       bigint NOT NULL,
    step      bigint NOT NULL DEFAULT 0
);

-- Folders whose children have to be looked at again, each with where that goes on.
CREATE TABLE search.pending (
    tenant_id uuid NOT NULL,
    node_id   uuid NOT NULL,
    after     text COLLATE "C",
    PRIMARY KEY (tenant_id, node_id)
);

-- A live node. It names its parent only, so a move changes one row; the words of its path are found by walking up.
CREATE TABLE search.entries (
    tenant_id    uuid        NOT NULL,
    node_id      uuid        NOT NULL,
    -- The top of the tree that it is in.
    tree_id      uuid        NOT NULL,
    parent_id    uuid,
    is_folder    boolean     NOT NULL,
    -- As it is searched: folded, without accents.
    name_key     text        COLLATE "C" NOT NULL,
    -- Each word with a blank before and after it: ' annual report pdf '.
    words        text        COLLATE "C" NOT NULL,
    family       text        NOT NULL,
    content_type text,
    size         bigint,
    owner        uuid,
    updated_at   timestamptz NOT NULL,
    revision     bigint      NOT NULL,
    PRIMARY KEY (tenant_id, node_id)
);
CREATE INDEX entries_parent ON search.entries (parent_id);
CREATE INDEX entries_name ON search.entries (tree_id, name_key);

-- The words of a tree's names, and how many nodes have each.
CREATE TABLE search.words (
    tenant_id uuid   NOT NULL,
    tree_id   uuid   NOT NULL,
    word      text   COLLATE "C" NOT NULL,
    id        bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    nodes     bigint NOT NULL CHECK (nodes >= 0),
    PRIMARY KEY (tenant_id, tree_id, word)
) WITH (fillfactor = 80);

-- The nodes that have a word. Ids of nodes grow with time: read backwards, the newest come first.
CREATE TABLE search.postings (
    tenant_id uuid   NOT NULL,
    word_id   bigint NOT NULL,
    node_id   uuid   NOT NULL,
    PRIMARY KEY (tenant_id, word_id, node_id)
);

-- The trigrams of words that people misspell: letters only. Words stay after their last node has gone; they lead nowhere.
CREATE TABLE search.trigrams (
    tenant_id uuid NOT NULL,
    trigram   text COLLATE "C" NOT NULL,
    word      text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, trigram, word)
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['cursors', 'pending', 'entries', 'words', 'postings', 'trigrams'] LOOP
        EXECUTE format('ALTER TABLE search.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE search.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY tenant ON search.%I FOR ALL TO bitvault_search
                        USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant())', name);
    END LOOP;
END
$$;
GRANT SELECT, INSERT, DELETE ON search.cursors, search.pending, search.entries, search.words, search.postings,
    search.trigrams TO bitvault_search;
GRANT UPDATE (epoch, seq, step) ON search.cursors TO bitvault_search;
GRANT UPDATE (after) ON search.pending TO bitvault_search;
GRANT UPDATE (tree_id, parent_id, is_folder, name_key, words, family, content_type, size, owner, updated_at, revision)
    ON search.entries TO bitvault_search;
GRANT UPDATE (nodes) ON search.words TO bitvault_search;
-- Which tenants are behind: ids and numbers, of all.
CREATE POLICY behind ON search.cursors FOR SELECT TO bitvault_search USING (true);
CREATE POLICY behind ON search.pending FOR SELECT TO bitvault_search USING (true);

-- How far each journal has come, for the module search: ids and numbers, of all (the policy worker_sees).
GRANT SELECT ON files.journal_heads TO bitvault_worker;
