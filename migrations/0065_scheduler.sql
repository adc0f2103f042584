-- Tasks on a timetable and their runs (automation 2.1). active_run_id is the single flight: the one run that is
-- queued or running; next_run_at is moved on by whoever plans an occurrence, and nobody else may plan it again.
CREATE TABLE scheduled_tasks (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    company_id BIGINT,
    name VARCHAR(255) NOT NULL,
    command VARCHAR(100) NOT NULL,
    cron VARCHAR(100) NOT NULL,
    timezone VARCHAR(64) NOT NULL,
    description MEDIUMTEXT,
    active BOOLEAN NOT NULL DEFAULT TRUE,
    max_retries BIGINT NOT NULL DEFAULT 0,
    retry_backoff_seconds BIGINT NOT NULL DEFAULT 300,
    timeout_seconds BIGINT NOT NULL DEFAULT 900,
    next_run_at DATETIME(6),
    active_run_id BIGINT,
    last_run_at DATETIME(6),
    last_status VARCHAR(20),
    last_error MEDIUMTEXT,
    search_text VARCHAR(2000) NOT NULL DEFAULT '',
    version BIGINT NOT NULL DEFAULT 1,
    created_by_id BIGINT,
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    CONSTRAINT scheduled_tasks_company_fk FOREIGN KEY (company_id) REFERENCES companies (id) ON DELETE CASCADE,
    CONSTRAINT scheduled_tasks_creator_fk FOREIGN KEY (created_by_id) REFERENCES users (id) ON DELETE SET NULL
);

CREATE INDEX scheduled_tasks_due ON scheduled_tasks (active, next_run_at);

CREATE INDEX scheduled_tasks_name ON scheduled_tasks (name);

CREATE INDEX scheduled_tasks_company ON scheduled_tasks (company_id);

CREATE INDEX scheduled_tasks_creator ON scheduled_tasks (created_by_id);

-- status: queued, running, succeeded, failed, skipped, lost, cancelled. progress is the JSON of an unfinished slice.
CREATE TABLE scheduled_task_runs (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    task_id BIGINT NOT NULL,
    started_by VARCHAR(16) NOT NULL,
    scheduled_for DATETIME(6),
    attempt BIGINT NOT NULL DEFAULT 1,
    status VARCHAR(16) NOT NULL,
    due_at DATETIME(6) NOT NULL,
    started_at DATETIME(6),
    finished_at DATETIME(6),
    duration_ms BIGINT,
    details VARCHAR(2000),
    progress MEDIUMTEXT,
    triggered_by_id BIGINT,
    locked_by VARCHAR(64),
    locked_until DATETIME(6),
    created_at DATETIME(6) NOT NULL,
    CONSTRAINT scheduled_task_runs_once UNIQUE (task_id, scheduled_for, attempt),
    CONSTRAINT scheduled_task_runs_task_fk FOREIGN KEY (task_id) REFERENCES scheduled_tasks (id) ON DELETE CASCADE,
    CONSTRAINT scheduled_task_runs_user_fk FOREIGN KEY (triggered_by_id) REFERENCES users (id) ON DELETE SET NULL
);

CREATE INDEX scheduled_task_runs_task ON scheduled_task_runs (task_id, id);

CREATE INDEX scheduled_task_runs_started ON scheduled_task_runs (task_id, started_at);

CREATE INDEX scheduled_task_runs_leases ON scheduled_task_runs (status, locked_until);

CREATE INDEX scheduled_task_runs_due ON scheduled_task_runs (status, due_at);

CREATE INDEX scheduled_task_runs_finished ON scheduled_task_runs (status, finished_at);

CREATE INDEX scheduled_task_runs_age ON scheduled_task_runs (created_at);

CREATE INDEX scheduled_task_runs_user ON scheduled_task_runs (triggered_by_id);

INSERT INTO scheduled_tasks (name, command, cron, timezone, description, search_text, created_at, updated_at)
VALUES ('Clean up history', 'cleanup_history', '30 3 * * *', 'UTC', 'Keeps the history tables small.', 'clean up history cleanup history', '2026-01-01 00:00:00.000000', '2026-01-01 00:00:00.000000');
