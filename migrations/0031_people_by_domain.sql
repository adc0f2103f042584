-- The domain of an address, for people whose address lies in a domain of a company. Both engines work it out
-- from the address, so that whoever writes the address need not.
ALTER TABLE users ADD COLUMN email_domain VARCHAR(255) GENERATED ALWAYS AS (SUBSTR(email, INSTR(email, '@') + 1)) VIRTUAL;

CREATE INDEX users_email_domain ON users (email_domain, email);

-- The order of people in lists: last name, else address.
ALTER TABLE users ADD COLUMN sort_name VARCHAR(255) GENERATED ALWAYS AS (LOWER(COALESCE(last_name, email))) VIRTUAL;

CREATE INDEX users_sort_name ON users (sort_name, email);

CREATE INDEX company_memberships_seen ON company_memberships (last_seen_at, id);

-- How many tickets of a company are open, without reading those that are closed.
CREATE INDEX tickets_company_status ON tickets (company_id, status);

-- The trail narrowed by one thing, in the order of time.
CREATE INDEX audit_logs_company_time ON audit_logs (company_id, created_at, id);

CREATE INDEX audit_logs_kind_time ON audit_logs (entity_type, created_at, id);

CREATE INDEX audit_logs_action_time ON audit_logs (action, created_at, id);
