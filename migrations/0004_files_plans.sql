-- How queries of the module files are planned. Each is a look-up by key or by a partial index, for a tenant that may hold
-- one row or all of them; generic plans are made early, when tables are empty. Left to its defaults Postgres then takes a
-- tenant's rows for few and scans or hashes all of them. Compiling (JIT) costs more than any of these queries.
DO $$
DECLARE
    role text;
    setting text;
BEGIN
    FOREACH role IN ARRAY ARRAY['bitvault_files', 'bitvault_worker'] LOOP
        FOREACH setting IN ARRAY ARRAY['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin', 'jit'] LOOP
            BEGIN
                EXECUTE format('ALTER ROLE %I SET %I = off', role, setting);
            EXCEPTION WHEN internal_error THEN
                NULL; -- another database of the cluster migrates at the same moment and sets the same
            END;
        END LOOP;
    END LOOP;
END
$$;

-- Secondary indexes lead with what they are looked up by: as another index that begins with the tenant they were taken
-- for look-ups by primary key, reading the whole tenant. Unique indexes keep the tenant in front.
DROP INDEX files.nodes_children;
CREATE INDEX nodes_children ON files.nodes (parent_id);
DROP INDEX files.blobs_object;
CREATE INDEX blobs_object ON files.blobs (object_id);
DROP INDEX files.versions_blob;
CREATE INDEX versions_blob ON files.versions (blob_id);
ALTER TABLE files.uploads DROP CONSTRAINT uploads_tenant_id_object_id_key;
CREATE INDEX uploads_object ON files.uploads (object_id);
