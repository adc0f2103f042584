-- The order of companies in lists, worked out by both engines from the name, so that whoever writes the name
-- need not; and indexes that give lists of companies in that order without sorting all of them.
ALTER TABLE companies ADD COLUMN sort_name VARCHAR(255) GENERATED ALWAYS AS (LOWER(name)) VIRTUAL;

CREATE INDEX companies_sort_name ON companies (sort_name, id);

CREATE INDEX companies_open_sort_name ON companies (archived_at, sort_name, id);
