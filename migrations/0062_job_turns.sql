-- Whose turn it is, read from the index alone: the urgent first, then whoever has waited longest.
CREATE INDEX jobs_turn ON jobs (status, priority, run_at, id, kind);
