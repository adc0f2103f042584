-- How often the worker of a job was lost. It is counted apart from the tries: a worker has several jobs, and
-- what has ended it is at most one of them.
ALTER TABLE jobs ADD COLUMN losses BIGINT NOT NULL DEFAULT 0;
