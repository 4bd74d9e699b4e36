-- Old entries of a journal go (ADR 0024), once nobody who follows it needs them. Never one of the last day, whatever is asked.
GRANT SELECT (tenant_id, seq, at), DELETE ON files.journal TO bitvault_worker;
CREATE POLICY worker_sees ON files.journal FOR SELECT TO bitvault_worker USING (true);
CREATE POLICY worker_forgets ON files.journal FOR DELETE TO bitvault_worker USING (at < now() - interval '1 day');
