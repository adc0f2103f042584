-- Indexes that hold all that lists of tickets sort and narrow by, so that neither a common filter nor a
-- late page reads rows that are not shown. Each takes the place of a narrower one.
CREATE INDEX tickets_list_updated ON tickets (updated_at, id, status, company_id, assigned_user_id, requester_id, priority_order);

CREATE INDEX tickets_list_created ON tickets (created_at, id, status, company_id, assigned_user_id, requester_id, priority_order, updated_at);

CREATE INDEX tickets_list_priority ON tickets (priority_order, id, status, company_id, assigned_user_id, requester_id, updated_at);

CREATE INDEX tickets_list_status ON tickets (status, updated_at, id, company_id, assigned_user_id, requester_id, priority_order, last_reply_side);

CREATE INDEX tickets_list_status_id ON tickets (status, id, company_id, assigned_user_id, requester_id, priority_order, updated_at);

CREATE INDEX tickets_list_company ON tickets (company_id, updated_at, id, status, assigned_user_id, requester_id, priority_order);

CREATE INDEX tickets_list_requester ON tickets (requester_id, updated_at, id, status, company_id, assigned_user_id, priority_order);

CREATE INDEX tickets_list_assigned ON tickets (assigned_user_id, updated_at, id, status, company_id, requester_id, priority_order);

-- only sqlite
DROP INDEX tickets_updated;

-- only mysql
DROP INDEX tickets_updated ON tickets;

-- only sqlite
DROP INDEX tickets_created;

-- only mysql
DROP INDEX tickets_created ON tickets;

-- only sqlite
DROP INDEX tickets_priority;

-- only mysql
DROP INDEX tickets_priority ON tickets;

-- only sqlite
DROP INDEX tickets_status;

-- only mysql
DROP INDEX tickets_status ON tickets;

-- only sqlite
DROP INDEX tickets_company;

-- only mysql
DROP INDEX tickets_company ON tickets;

-- only sqlite
DROP INDEX tickets_requester;

-- only mysql
DROP INDEX tickets_requester ON tickets;
