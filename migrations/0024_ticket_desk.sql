-- Who has a ticket open at the desk; rows are a heartbeat and removed after a day.
CREATE TABLE ticket_presence (
    ticket_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    is_writing BOOLEAN NOT NULL DEFAULT FALSE,
    seen_at DATETIME(6) NOT NULL,
    PRIMARY KEY (ticket_id, user_id),
    CONSTRAINT ticket_presence_ticket_fk FOREIGN KEY (ticket_id) REFERENCES tickets (id) ON DELETE CASCADE,
    CONSTRAINT ticket_presence_user_fk FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE INDEX ticket_presence_user ON ticket_presence (user_id);

CREATE INDEX ticket_presence_seen ON ticket_presence (seen_at);

-- A reply that is not sent yet: one per person and ticket.
CREATE TABLE ticket_drafts (
    ticket_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    body MEDIUMTEXT NOT NULL,
    is_internal BOOLEAN NOT NULL DEFAULT FALSE,
    updated_at DATETIME(6) NOT NULL,
    PRIMARY KEY (ticket_id, user_id),
    CONSTRAINT ticket_drafts_ticket_fk FOREIGN KEY (ticket_id) REFERENCES tickets (id) ON DELETE CASCADE,
    CONSTRAINT ticket_drafts_user_fk FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE INDEX ticket_drafts_user ON ticket_drafts (user_id);

-- Texts that are written again and again. Without an owner they are everybody's at the desk.
CREATE TABLE ticket_templates (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    owner_id BIGINT,
    name VARCHAR(100) NOT NULL,
    body MEDIUMTEXT NOT NULL,
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    CONSTRAINT ticket_templates_owner_fk FOREIGN KEY (owner_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE INDEX ticket_templates_owner ON ticket_templates (owner_id, name);
