-- Imports of staff from Syncro or from a file. source: syncro, csv. status: preview, queued, running,
-- succeeded, failed, cancelled. active is 1 while a run is queued or running: one per company. content is the
-- file, until the run is over.
CREATE TABLE staff_imports (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    company_id BIGINT NOT NULL,
    source VARCHAR(16) NOT NULL,
    status VARCHAR(16) NOT NULL,
    active BIGINT,
    content MEDIUMTEXT,
    requested_by_id BIGINT,
    fetched BIGINT NOT NULL DEFAULT 0,
    created BIGINT NOT NULL DEFAULT 0,
    updated BIGINT NOT NULL DEFAULT 0,
    unchanged BIGINT NOT NULL DEFAULT 0,
    skipped BIGINT NOT NULL DEFAULT 0,
    cursor_page BIGINT NOT NULL DEFAULT 1,
    cursor_row BIGINT NOT NULL DEFAULT 0,
    total_pages BIGINT,
    slice BIGINT NOT NULL DEFAULT 0,
    holder VARCHAR(16),
    last_error VARCHAR(2000),
    heartbeat_at DATETIME(6) NOT NULL,
    started_at DATETIME(6),
    finished_at DATETIME(6),
    created_at DATETIME(6) NOT NULL,
    CONSTRAINT staff_imports_active UNIQUE (company_id, active),
    CONSTRAINT staff_imports_company_fk FOREIGN KEY (company_id) REFERENCES companies (id) ON DELETE CASCADE,
    CONSTRAINT staff_imports_user_fk FOREIGN KEY (requested_by_id) REFERENCES users (id) ON DELETE SET NULL
);

CREATE INDEX staff_imports_lost ON staff_imports (active, heartbeat_at);

CREATE INDEX staff_imports_age ON staff_imports (created_at);

CREATE INDEX staff_imports_user ON staff_imports (requested_by_id);

-- What was left out of an import, or cut, and why.
CREATE TABLE staff_import_notes (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    import_id BIGINT NOT NULL,
    reference VARCHAR(255),
    message VARCHAR(1000) NOT NULL,
    created_at DATETIME(6) NOT NULL,
    CONSTRAINT staff_import_notes_fk FOREIGN KEY (import_id) REFERENCES staff_imports (id) ON DELETE CASCADE
);

CREATE INDEX staff_import_notes_run ON staff_import_notes (import_id, id);
