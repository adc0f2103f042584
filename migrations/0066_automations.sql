-- What happens by itself, on a timetable or on an event (automation 3.1). trigger_filters and action_payload are JSON.
-- anchor_at is when it was switched on: cadences keep its minute, time, weekday and day.
CREATE TABLE automations (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    name VARCHAR(255) NOT NULL,
    description MEDIUMTEXT,
    kind VARCHAR(32) NOT NULL,
    cadence VARCHAR(64),
    cron_expression VARCHAR(255),
    timezone VARCHAR(64) NOT NULL,
    trigger_event VARCHAR(128),
    trigger_filters MEDIUMTEXT,
    action_module VARCHAR(64),
    action_payload MEDIUMTEXT NOT NULL,
    status VARCHAR(32) NOT NULL DEFAULT 'inactive',
    anchor_at DATETIME(6),
    next_run_at DATETIME(6),
    last_run_at DATETIME(6),
    last_status VARCHAR(20),
    last_error MEDIUMTEXT,
    consecutive_failures BIGINT NOT NULL DEFAULT 0,
    stopped_at DATETIME(6),
    run_as_id BIGINT,
    search_text VARCHAR(2000) NOT NULL DEFAULT '',
    version BIGINT NOT NULL DEFAULT 1,
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    CONSTRAINT automations_creator_fk FOREIGN KEY (run_as_id) REFERENCES users (id) ON DELETE SET NULL
);

CREATE INDEX automations_kind ON automations (kind, updated_at);

CREATE INDEX automations_due ON automations (status, next_run_at);

CREATE INDEX automations_event ON automations (status, trigger_event);

CREATE INDEX automations_updated ON automations (updated_at, id);

CREATE INDEX automations_creator ON automations (run_as_id);

-- event_payload is the event as the filters and actions saw it; steps is the JSON of what the actions did.
CREATE TABLE automation_runs (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    automation_id BIGINT NOT NULL,
    started_by VARCHAR(16) NOT NULL,
    scheduled_for DATETIME(6),
    event_id BIGINT,
    event_name VARCHAR(128),
    event_payload MEDIUMTEXT,
    depth BIGINT NOT NULL DEFAULT 0,
    status VARCHAR(16) NOT NULL,
    started_at DATETIME(6),
    finished_at DATETIME(6),
    duration_ms BIGINT,
    result_payload MEDIUMTEXT,
    error_message VARCHAR(2000),
    triggered_by_id BIGINT,
    locked_by VARCHAR(64),
    locked_until DATETIME(6),
    created_at DATETIME(6) NOT NULL,
    CONSTRAINT automation_runs_scheduled UNIQUE (automation_id, scheduled_for),
    CONSTRAINT automation_runs_event UNIQUE (automation_id, event_id),
    CONSTRAINT automation_runs_automation_fk FOREIGN KEY (automation_id) REFERENCES automations (id) ON DELETE CASCADE,
    CONSTRAINT automation_runs_user_fk FOREIGN KEY (triggered_by_id) REFERENCES users (id) ON DELETE SET NULL
);

CREATE INDEX automation_runs_newest ON automation_runs (automation_id, id);

CREATE INDEX automation_runs_started ON automation_runs (automation_id, started_at);

CREATE INDEX automation_runs_leases ON automation_runs (status, locked_until);

CREATE INDEX automation_runs_age ON automation_runs (created_at);

CREATE INDEX automation_runs_user ON automation_runs (triggered_by_id);
