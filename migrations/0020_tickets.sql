-- Requests for help (tickets 2). JSON in ai_tags.
CREATE TABLE tickets (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    company_id BIGINT,
    requester_id BIGINT,
    assigned_user_id BIGINT,
    created_by_id BIGINT,
    subject VARCHAR(255) NOT NULL,
    description MEDIUMTEXT,
    status VARCHAR(32) NOT NULL DEFAULT 'open',
    priority VARCHAR(32) NOT NULL DEFAULT 'normal',
    priority_order BIGINT NOT NULL DEFAULT 1,
    category VARCHAR(64),
    module_slug VARCHAR(64),
    source VARCHAR(32) NOT NULL DEFAULT 'portal',
    external_source VARCHAR(32),
    external_reference VARCHAR(128),
    external_number VARCHAR(64),
    external_updated_at DATETIME(6),
    ai_summary MEDIUMTEXT,
    ai_summary_status VARCHAR(32),
    ai_summary_model VARCHAR(128),
    ai_resolution_state VARCHAR(32),
    ai_summary_updated_at DATETIME(6),
    ai_tags MEDIUMTEXT,
    ai_tags_status VARCHAR(32),
    ai_tags_model VARCHAR(128),
    ai_tags_updated_at DATETIME(6),
    ai_input_hash CHAR(64),
    first_response_at DATETIME(6),
    closed_at DATETIME(6),
    last_reply_at DATETIME(6),
    last_reply_side VARCHAR(16),
    search_text MEDIUMTEXT NOT NULL,
    version BIGINT NOT NULL DEFAULT 1,
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    CONSTRAINT tickets_external UNIQUE (external_source, external_reference),
    CONSTRAINT tickets_company_fk FOREIGN KEY (company_id) REFERENCES companies (id) ON DELETE SET NULL,
    CONSTRAINT tickets_requester_fk FOREIGN KEY (requester_id) REFERENCES users (id) ON DELETE SET NULL,
    CONSTRAINT tickets_assigned_fk FOREIGN KEY (assigned_user_id) REFERENCES users (id) ON DELETE SET NULL,
    CONSTRAINT tickets_creator_fk FOREIGN KEY (created_by_id) REFERENCES users (id) ON DELETE SET NULL
);

CREATE INDEX tickets_status ON tickets (status, updated_at, id);

CREATE INDEX tickets_company ON tickets (company_id, updated_at, id);

CREATE INDEX tickets_requester ON tickets (requester_id, updated_at, id);

CREATE INDEX tickets_assigned ON tickets (assigned_user_id, status, updated_at, id);

CREATE INDEX tickets_creator ON tickets (created_by_id);

CREATE INDEX tickets_module ON tickets (module_slug);

CREATE INDEX tickets_updated ON tickets (updated_at, id);

CREATE INDEX tickets_created ON tickets (created_at, id);

CREATE INDEX tickets_priority ON tickets (priority_order, id);

CREATE INDEX tickets_reference ON tickets (external_reference);

CREATE TABLE ticket_replies (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    ticket_id BIGINT NOT NULL,
    author_id BIGINT,
    author_label VARCHAR(255),
    body MEDIUMTEXT NOT NULL,
    body_hash CHAR(64) NOT NULL,
    is_internal BOOLEAN NOT NULL DEFAULT FALSE,
    source VARCHAR(32) NOT NULL DEFAULT 'portal',
    external_source VARCHAR(32),
    external_reference VARCHAR(128),
    search_text MEDIUMTEXT NOT NULL,
    created_at DATETIME(6) NOT NULL,
    edited_at DATETIME(6),
    CONSTRAINT ticket_replies_external UNIQUE (external_source, external_reference),
    CONSTRAINT ticket_replies_ticket_fk FOREIGN KEY (ticket_id) REFERENCES tickets (id) ON DELETE CASCADE,
    CONSTRAINT ticket_replies_author_fk FOREIGN KEY (author_id) REFERENCES users (id) ON DELETE SET NULL
);

CREATE INDEX ticket_replies_ticket ON ticket_replies (ticket_id, created_at, id);

CREATE INDEX ticket_replies_author ON ticket_replies (author_id);

CREATE TABLE ticket_watchers (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    ticket_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    added_by_id BIGINT,
    created_at DATETIME(6) NOT NULL,
    CONSTRAINT ticket_watchers_once UNIQUE (ticket_id, user_id),
    CONSTRAINT ticket_watchers_ticket_fk FOREIGN KEY (ticket_id) REFERENCES tickets (id) ON DELETE CASCADE,
    CONSTRAINT ticket_watchers_user_fk FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT ticket_watchers_adder_fk FOREIGN KEY (added_by_id) REFERENCES users (id) ON DELETE SET NULL
);

CREATE INDEX ticket_watchers_user ON ticket_watchers (user_id);

CREATE INDEX ticket_watchers_adder ON ticket_watchers (added_by_id);

CREATE TABLE ticket_activity (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    ticket_id BIGINT NOT NULL,
    actor_id BIGINT,
    actor_label VARCHAR(255),
    kind VARCHAR(64) NOT NULL,
    changes MEDIUMTEXT NOT NULL,
    created_at DATETIME(6) NOT NULL,
    CONSTRAINT ticket_activity_ticket_fk FOREIGN KEY (ticket_id) REFERENCES tickets (id) ON DELETE CASCADE,
    CONSTRAINT ticket_activity_actor_fk FOREIGN KEY (actor_id) REFERENCES users (id) ON DELETE SET NULL
);

CREATE INDEX ticket_activity_ticket ON ticket_activity (ticket_id, created_at);

CREATE INDEX ticket_activity_actor ON ticket_activity (actor_id);

-- Visible as the reply is; without a reply, as the ticket is (decisions 11.14).
CREATE TABLE ticket_attachments (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    ticket_id BIGINT NOT NULL,
    reply_id BIGINT,
    file_id BIGINT NOT NULL,
    created_at DATETIME(6) NOT NULL,
    CONSTRAINT ticket_attachments_file UNIQUE (file_id),
    CONSTRAINT ticket_attachments_ticket_fk FOREIGN KEY (ticket_id) REFERENCES tickets (id) ON DELETE CASCADE,
    CONSTRAINT ticket_attachments_reply_fk FOREIGN KEY (reply_id) REFERENCES ticket_replies (id) ON DELETE CASCADE,
    CONSTRAINT ticket_attachments_file_fk FOREIGN KEY (file_id) REFERENCES files (id) ON DELETE RESTRICT
);

CREATE INDEX ticket_attachments_ticket ON ticket_attachments (ticket_id, id);

CREATE INDEX ticket_attachments_reply ON ticket_attachments (reply_id);

CREATE TABLE ticket_import_runs (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    mode VARCHAR(16) NOT NULL,
    ticket_ref BIGINT,
    start_id BIGINT,
    end_id BIGINT,
    status VARCHAR(16) NOT NULL,
    fetched BIGINT NOT NULL DEFAULT 0,
    created BIGINT NOT NULL DEFAULT 0,
    updated BIGINT NOT NULL DEFAULT 0,
    skipped BIGINT NOT NULL DEFAULT 0,
    failed BIGINT NOT NULL DEFAULT 0,
    comments_created BIGINT NOT NULL DEFAULT 0,
    cursor_page BIGINT,
    cursor_id BIGINT,
    total_pages BIGINT,
    requested_by_id BIGINT,
    heartbeat_at DATETIME(6),
    started_at DATETIME(6),
    finished_at DATETIME(6),
    created_at DATETIME(6) NOT NULL,
    last_error MEDIUMTEXT,
    CONSTRAINT ticket_import_runs_requester_fk FOREIGN KEY (requested_by_id) REFERENCES users (id) ON DELETE SET NULL
);

CREATE INDEX ticket_import_runs_status ON ticket_import_runs (status, created_at);

CREATE INDEX ticket_import_runs_requester ON ticket_import_runs (requested_by_id);

CREATE TABLE ticket_import_errors (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    run_id BIGINT NOT NULL,
    external_reference VARCHAR(128),
    message VARCHAR(2000) NOT NULL,
    created_at DATETIME(6) NOT NULL,
    CONSTRAINT ticket_import_errors_run_fk FOREIGN KEY (run_id) REFERENCES ticket_import_runs (id) ON DELETE CASCADE
);

CREATE INDEX ticket_import_errors_run ON ticket_import_errors (run_id, id);
