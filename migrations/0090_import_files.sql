-- Files of tickets that come from Syncro: noted with their ticket, fetched by jobs. Each is fetched once.
ALTER TABLE ticket_import_runs ADD COLUMN include_attachments BOOLEAN NOT NULL DEFAULT FALSE;

CREATE TABLE ticket_import_files (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    run_id BIGINT,
    ticket_id BIGINT NOT NULL,
    external_reference VARCHAR(128) NOT NULL,
    name VARCHAR(255) NOT NULL,
    address TEXT NOT NULL,
    state VARCHAR(16) NOT NULL,
    created_at DATETIME(6) NOT NULL,
    settled_at DATETIME(6),
    CONSTRAINT ticket_import_files_reference UNIQUE (external_reference),
    CONSTRAINT ticket_import_files_run_fk FOREIGN KEY (run_id) REFERENCES ticket_import_runs (id) ON DELETE SET NULL,
    CONSTRAINT ticket_import_files_ticket_fk FOREIGN KEY (ticket_id) REFERENCES tickets (id) ON DELETE CASCADE
);

CREATE INDEX ticket_import_files_run ON ticket_import_files (run_id, state);

CREATE INDEX ticket_import_files_ticket ON ticket_import_files (ticket_id);
