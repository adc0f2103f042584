-- Background work (automation 1, decisions 11.8). status: queued, running, succeeded, failed, cancelled.
CREATE TABLE jobs (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    kind VARCHAR(64) NOT NULL,
    dedupe_key VARCHAR(190),
    payload MEDIUMTEXT NOT NULL,
    priority BIGINT NOT NULL DEFAULT 100,
    status VARCHAR(16) NOT NULL,
    schedule VARCHAR(32) NOT NULL,
    run_at DATETIME(6) NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    max_attempts BIGINT NOT NULL DEFAULT 3,
    locked_by VARCHAR(64),
    locked_until DATETIME(6),
    last_error VARCHAR(2000),
    created_at DATETIME(6) NOT NULL,
    finished_at DATETIME(6),
    CONSTRAINT jobs_dedupe UNIQUE (dedupe_key)
);

CREATE INDEX jobs_due ON jobs (status, run_at, priority);

CREATE INDEX jobs_leases ON jobs (status, locked_until);

CREATE INDEX jobs_finished ON jobs (finished_at);

CREATE TABLE event_outbox (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    name VARCHAR(128) NOT NULL,
    payload MEDIUMTEXT NOT NULL,
    depth BIGINT NOT NULL DEFAULT 0,
    created_at DATETIME(6) NOT NULL,
    dispatched_at DATETIME(6)
);

CREATE INDEX event_outbox_due ON event_outbox (dispatched_at, id);

CREATE TABLE worker_heartbeats (
    worker_id VARCHAR(64) NOT NULL PRIMARY KEY,
    kind VARCHAR(32) NOT NULL,
    version VARCHAR(64) NOT NULL,
    started_at DATETIME(6) NOT NULL,
    last_tick_at DATETIME(6) NOT NULL
);

-- Housekeeping that runs once per period, whatever the number of workers.
CREATE TABLE periodic_runs (
    name VARCHAR(64) NOT NULL PRIMARY KEY,
    next_run_at DATETIME(6) NOT NULL,
    last_run_at DATETIME(6)
);

CREATE TABLE outbound_slots (
    bucket VARCHAR(64) NOT NULL,
    slot_start DATETIME(6) NOT NULL,
    calls BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (bucket, slot_start)
);

-- key_hash is a digest, so that its length never matters.
CREATE TABLE rate_limits (
    bucket VARCHAR(64) NOT NULL,
    key_hash CHAR(64) NOT NULL,
    window_start DATETIME(6) NOT NULL,
    hits BIGINT NOT NULL,
    PRIMARY KEY (bucket, key_hash)
);

CREATE INDEX rate_limits_age ON rate_limits (window_start);

-- state: running, done. The stored answer is sealed.
CREATE TABLE idempotency_keys (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    actor VARCHAR(64) NOT NULL,
    key_hash CHAR(64) NOT NULL,
    request_hash CHAR(64) NOT NULL,
    state VARCHAR(16) NOT NULL,
    response_status BIGINT,
    response_type VARCHAR(190),
    response_location VARCHAR(2000),
    response_body MEDIUMTEXT,
    created_at DATETIME(6) NOT NULL,
    locked_until DATETIME(6) NOT NULL,
    expires_at DATETIME(6) NOT NULL,
    CONSTRAINT idempotency_keys_once UNIQUE (actor, key_hash)
);

CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at);
