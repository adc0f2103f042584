-- Lists narrowed by priority and sorted by change are read as one ordered run for each priority.
CREATE INDEX tickets_list_rank ON tickets (priority_order, updated_at, id, status, company_id, assigned_user_id, requester_id);

CREATE INDEX tickets_list_status_rank ON tickets (status, priority_order, updated_at, id, company_id, assigned_user_id, requester_id);
