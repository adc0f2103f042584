-- Outgoing mail (notifications-forms 7, decisions 11.9). status: queued, sending, sent, failed, skipped.
CREATE TABLE email_outbox (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    message_id VARCHAR(190) NOT NULL,
    kind VARCHAR(64) NOT NULL,
    to_addresses MEDIUMTEXT NOT NULL,
    sender VARCHAR(255),
    reply_to VARCHAR(255),
    headers MEDIUMTEXT NOT NULL,
    subject VARCHAR(500) NOT NULL,
    text_body MEDIUMTEXT,
    html_body MEDIUMTEXT,
    status VARCHAR(16) NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    resends BIGINT NOT NULL DEFAULT 0,
    next_attempt_at DATETIME(6),
    last_error VARCHAR(2000),
    is_sensitive BOOLEAN NOT NULL DEFAULT FALSE,
    created_at DATETIME(6) NOT NULL,
    sent_at DATETIME(6),
    CONSTRAINT email_outbox_message UNIQUE (message_id)
);

CREATE INDEX email_outbox_status ON email_outbox (status, created_at);

CREATE INDEX email_outbox_created ON email_outbox (created_at);

-- A row here wins over the template shipped with the product.
CREATE TABLE email_templates (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    name VARCHAR(100) NOT NULL,
    subject VARCHAR(255) NOT NULL,
    body MEDIUMTEXT NOT NULL,
    updated_by BIGINT,
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    CONSTRAINT email_templates_name UNIQUE (name),
    CONSTRAINT email_templates_editor_fk FOREIGN KEY (updated_by) REFERENCES users (id) ON DELETE SET NULL
);

CREATE INDEX email_templates_editor ON email_templates (updated_by);
