-- Plans are made once per connection and statement. The statements are look-ups by key (see 0004), whose generic plan is
-- as good as any; left to choose, Postgres plans those over arrays anew at each execution, as it takes arrays whose
-- length it sees for cheaper, and that cost a quarter of all that Postgres did for a small upload.
DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['bitvault_files', 'bitvault_worker', 'bitvault_identity'] LOOP
        BEGIN
            EXECUTE format('ALTER ROLE %I SET plan_cache_mode = force_generic_plan', role);
        EXCEPTION WHEN internal_error THEN
            NULL; -- another database of the cluster migrates at the same moment and sets the same
        END;
    END LOOP;
END
$$;
