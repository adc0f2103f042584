-- What a change to many tickets replaced, so that it can be taken back for a short while. `tickets` is a JSON
-- array of the tickets with their version after the change and the values before it.
CREATE TABLE ticket_undos (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    user_id BIGINT NOT NULL,
    what VARCHAR(16) NOT NULL,
    tickets MEDIUMTEXT NOT NULL,
    created_at DATETIME(6) NOT NULL,
    expires_at DATETIME(6) NOT NULL,
    undone_at DATETIME(6),
    CONSTRAINT ticket_undos_user_fk FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE INDEX ticket_undos_user ON ticket_undos (user_id);

CREATE INDEX ticket_undos_expires ON ticket_undos (expires_at);

-- Long lists as files: written by a job, kept for a week. `list` is what narrows it,
-- as JSON; `of_company_id` is set where a customer asks for the tickets of their company.
CREATE TABLE ticket_exports (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    user_id BIGINT NOT NULL,
    list MEDIUMTEXT NOT NULL,
    status VARCHAR(16) NOT NULL,
    of_company_id BIGINT,
    row_count BIGINT NOT NULL DEFAULT 0,
    file_id BIGINT,
    created_at DATETIME(6) NOT NULL,
    finished_at DATETIME(6),
    expires_at DATETIME(6) NOT NULL,
    CONSTRAINT ticket_exports_user_fk FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT ticket_exports_file_fk FOREIGN KEY (file_id) REFERENCES files (id) ON DELETE SET NULL
);

CREATE INDEX ticket_exports_user ON ticket_exports (user_id, id);

CREATE INDEX ticket_exports_file ON ticket_exports (file_id);

CREATE INDEX ticket_exports_expires ON ticket_exports (expires_at);
