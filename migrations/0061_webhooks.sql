-- Outgoing webhooks (automation 4, decisions 5). Endpoints are registered by a super administrator; both
-- secrets are sealed. status: active, disabled.
CREATE TABLE webhook_endpoints (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    name VARCHAR(100) NOT NULL,
    target_url VARCHAR(500) NOT NULL,
    company_id BIGINT,
    contact_email VARCHAR(255),
    event_names MEDIUMTEXT NOT NULL,
    secret MEDIUMTEXT NOT NULL,
    previous_secret MEDIUMTEXT,
    previous_until DATETIME(6),
    status VARCHAR(16) NOT NULL DEFAULT 'active',
    disabled_reason VARCHAR(500),
    failing_since DATETIME(6),
    last_success_at DATETIME(6),
    created_by_id BIGINT,
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    CONSTRAINT webhook_endpoints_company_fk FOREIGN KEY (company_id) REFERENCES companies (id) ON DELETE CASCADE,
    CONSTRAINT webhook_endpoints_creator_fk FOREIGN KEY (created_by_id) REFERENCES users (id) ON DELETE SET NULL
);

CREATE INDEX webhook_endpoints_status ON webhook_endpoints (status);

CREATE INDEX webhook_endpoints_company ON webhook_endpoints (company_id);

CREATE INDEX webhook_endpoints_creator ON webhook_endpoints (created_by_id);

-- status: pending, in_progress, succeeded, failed, cancelled. schedule: producer, standard. started_by names
-- what the next try is: auto, manual. secret_headers holds references, never secrets. payload is sealed when
-- it is sensitive, and null once such a one is delivered or given up.
CREATE TABLE webhook_events (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    name VARCHAR(100) NOT NULL,
    endpoint_id BIGINT,
    target_url VARCHAR(500) NOT NULL,
    target_host VARCHAR(255) NOT NULL,
    headers MEDIUMTEXT NOT NULL,
    secret_headers MEDIUMTEXT NOT NULL,
    payload MEDIUMTEXT,
    is_sensitive BOOLEAN NOT NULL DEFAULT FALSE,
    schedule VARCHAR(16) NOT NULL,
    status VARCHAR(20) NOT NULL DEFAULT 'pending',
    started_by VARCHAR(16) NOT NULL DEFAULT 'auto',
    attempt_count BIGINT NOT NULL DEFAULT 0,
    max_attempts BIGINT NOT NULL DEFAULT 3,
    backoff_seconds BIGINT NOT NULL DEFAULT 300,
    next_attempt_at DATETIME(6),
    response_status BIGINT,
    response_body MEDIUMTEXT,
    last_error VARCHAR(2000),
    locked_by VARCHAR(64),
    locked_until DATETIME(6),
    idempotency_key VARCHAR(128) NOT NULL,
    source_type VARCHAR(64),
    source_id BIGINT,
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    CONSTRAINT webhook_events_idempotency UNIQUE (idempotency_key),
    CONSTRAINT webhook_events_endpoint_fk FOREIGN KEY (endpoint_id) REFERENCES webhook_endpoints (id) ON DELETE SET NULL
);

CREATE INDEX webhook_events_due ON webhook_events (status, next_attempt_at);

CREATE INDEX webhook_events_updated ON webhook_events (updated_at, id);

CREATE INDEX webhook_events_state ON webhook_events (status, updated_at, id);

CREATE INDEX webhook_events_name ON webhook_events (name, updated_at);

CREATE INDEX webhook_events_endpoint ON webhook_events (endpoint_id, status);

CREATE INDEX webhook_events_host ON webhook_events (target_host, status);

CREATE TABLE webhook_event_attempts (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    event_id BIGINT NOT NULL,
    attempt_number BIGINT NOT NULL,
    started_by VARCHAR(16) NOT NULL,
    status VARCHAR(16) NOT NULL,
    response_status BIGINT,
    response_body MEDIUMTEXT,
    error_message VARCHAR(2000),
    duration_ms BIGINT NOT NULL,
    attempted_at DATETIME(6) NOT NULL,
    CONSTRAINT webhook_event_attempts_event_fk FOREIGN KEY (event_id) REFERENCES webhook_events (id) ON DELETE CASCADE
);

CREATE INDEX webhook_event_attempts_event ON webhook_event_attempts (event_id, attempted_at);

CREATE INDEX webhook_event_attempts_time ON webhook_event_attempts (attempted_at, status);
