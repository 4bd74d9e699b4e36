-- Deleting a tenant for good.
--
-- The module files removes rows as a role of its own, which sees one tenant's rows and can only delete them. It is let in
-- to every table with a tenant_id, those of later migrations too: app.admit_eraser() runs after each migration, so that
-- no table is forgotten.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bitvault_eraser') THEN
        CREATE ROLE bitvault_eraser NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOINHERIT;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL; -- another database of the cluster migrates at the same moment
END
$$;
DO $$
BEGIN
    -- The worker takes the role on for a transaction; it inherits nothing of it.
    GRANT bitvault_eraser TO bitvault_worker;
EXCEPTION WHEN internal_error OR unique_violation THEN
    NULL; -- the same
END
$$;
GRANT USAGE ON SCHEMA app TO bitvault_eraser;

-- Objects go by way of the collector: a row may leave once the store has let its object go.
GRANT SELECT, DELETE, UPDATE (state, state_at) ON files.objects TO bitvault_eraser;
CREATE POLICY eraser_sees ON files.objects FOR SELECT TO bitvault_eraser USING (tenant_id = app.tenant());
CREATE POLICY eraser_gives_up ON files.objects FOR UPDATE TO bitvault_eraser
    USING (tenant_id = app.tenant() AND state IN ('staging', 'committed'))
    WITH CHECK (tenant_id = app.tenant() AND state = 'orphaned');
CREATE POLICY eraser_forgets ON files.objects FOR DELETE TO bitvault_eraser
    USING (tenant_id = app.tenant() AND state = 'deleted');

-- Trees are taken apart before their nodes go.
GRANT SELECT, DELETE, UPDATE (parent_id, name_key) ON files.nodes TO bitvault_eraser;
CREATE POLICY eraser ON files.nodes TO bitvault_eraser
    USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());

-- Lets the eraser in to every table of tenants that has no policy for it yet. The module identity removes its own rows.
CREATE FUNCTION app.admit_eraser() RETURNS void LANGUAGE plpgsql SET search_path = '' AS $$
DECLARE
    found record;
BEGIN
    PERFORM pg_catalog.pg_advisory_xact_lock(7031);
    FOR found IN
        SELECT c.oid::regclass AS name, n.nspname AS schema
        FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
        WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'identity')
          AND n.nspname !~ '^pg_'
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_policy p
                          WHERE p.polrelid = c.oid AND p.polname ~ '^eraser')
    LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO bitvault_eraser', found.schema);
        EXECUTE format('GRANT SELECT, DELETE ON %s TO bitvault_eraser', found.name);
        EXECUTE format('CREATE POLICY eraser ON %s TO bitvault_eraser USING (tenant_id = app.tenant())', found.name);
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION app.admit_eraser() FROM PUBLIC;
SELECT app.admit_eraser();

-- The module identity: tenants that are due, across tenants, told by the owner as ids only; and what goes with them.
CREATE POLICY owner ON identity.tenants FOR SELECT TO CURRENT_USER USING (true);
CREATE INDEX tenants_due ON identity.tenants (delete_after) WHERE delete_after IS NOT NULL;
CREATE FUNCTION identity.tenants_due(at timestamptz) RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
BEGIN ATOMIC
    SELECT id FROM identity.tenants WHERE delete_after <= at ORDER BY delete_after;
END;
REVOKE ALL ON FUNCTION identity.tenants_due(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION identity.tenants_due(timestamptz) TO bitvault_identity;
GRANT DELETE ON identity.tenants, identity.accounts TO bitvault_identity;
CREATE POLICY erasing ON identity.tenants AS RESTRICTIVE FOR DELETE TO bitvault_identity
    USING (erasing_since IS NOT NULL);
