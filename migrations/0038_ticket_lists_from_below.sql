-- Lists from the smallest on: equals stand with the newest number first there too.
CREATE INDEX tickets_up_updated ON tickets (updated_at, id DESC, status, priority_order);

CREATE INDEX tickets_up_created ON tickets (created_at, id DESC, status, priority_order);

CREATE INDEX tickets_up_priority ON tickets (priority_order, id DESC, status);

CREATE INDEX tickets_up_status ON tickets (status, id DESC, priority_order);

-- The oldest tickets of a few statuses.
CREATE INDEX tickets_up_status_created ON tickets (status, created_at, id DESC, priority_order);
