-- The roles that the daemon logs in as. They own no table and can't bypass row-level security; their passwords are set
-- by `bitvaultd migrate` from the operator's secret. Roles belong to the whole cluster, so they may exist already.
DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['bitvault_identity', 'bitvault_files', 'bitvault_worker'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOINHERIT', role);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- another database of the cluster migrates at the same moment
            END;
        END IF;
    END LOOP;
END
$$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;

-- What policies compare with. The setting of an ended transaction is '', not NULL.
CREATE SCHEMA app;
CREATE FUNCTION app.tenant() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('app.tenant', true), '')::uuid;
CREATE FUNCTION app.token() RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
    RETURN decode(nullif(current_setting('app.token', true), ''), 'hex');
CREATE FUNCTION app.account() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('app.account', true), '')::uuid;
GRANT USAGE ON SCHEMA app TO bitvault_identity, bitvault_files, bitvault_worker;
