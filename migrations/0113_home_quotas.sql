-- A limit that homes begin with (ADR 0120).

-- At most one for each tenant. It holds for homes that are made from then on.
CREATE TABLE files.home_quotas (
    tenant_id uuid        PRIMARY KEY,
    max_bytes bigint      NOT NULL CHECK (max_bytes >= 0),
    set_at    timestamptz NOT NULL,
    set_by    uuid        NOT NULL
);
ALTER TABLE files.home_quotas ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON files.home_quotas TO bitvault_files
    USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
GRANT SELECT, INSERT, DELETE, UPDATE (max_bytes, set_at, set_by) ON files.home_quotas TO bitvault_files;
