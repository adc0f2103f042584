-- Who works at the desk is asked by every page of it: the provider is found without reading all companies.
CREATE INDEX companies_provider ON companies (is_provider, archived_at);

-- The categories in use, without the tickets themselves.
CREATE INDEX tickets_recent_category ON tickets (updated_at, category);
