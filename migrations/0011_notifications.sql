-- The feed (notifications-forms 2). audience: user, company, all.
CREATE TABLE notifications (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    audience VARCHAR(16) NOT NULL DEFAULT 'user',
    user_id BIGINT,
    company_id BIGINT,
    event_type VARCHAR(100) NOT NULL,
    message VARCHAR(2000) NOT NULL,
    metadata MEDIUMTEXT,
    link VARCHAR(500),
    in_app BOOLEAN NOT NULL DEFAULT TRUE,
    dedupe_key VARCHAR(190),
    created_by_id BIGINT,
    created_at DATETIME(6) NOT NULL,
    expires_at DATETIME(6),
    CONSTRAINT notifications_dedupe UNIQUE (dedupe_key),
    CONSTRAINT notifications_user_fk FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT notifications_company_fk FOREIGN KEY (company_id) REFERENCES companies (id) ON DELETE CASCADE,
    CONSTRAINT notifications_creator_fk FOREIGN KEY (created_by_id) REFERENCES users (id) ON DELETE SET NULL
);

CREATE INDEX notifications_user ON notifications (user_id, created_at);

CREATE INDEX notifications_audience ON notifications (audience, created_at);

CREATE INDEX notifications_company ON notifications (company_id, created_at);

CREATE INDEX notifications_event ON notifications (event_type);

CREATE INDEX notifications_creator ON notifications (created_by_id);

CREATE TABLE notification_states (
    notification_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    read_at DATETIME(6),
    dismissed_at DATETIME(6),
    PRIMARY KEY (notification_id, user_id),
    CONSTRAINT notification_states_notification_fk FOREIGN KEY (notification_id) REFERENCES notifications (id) ON DELETE CASCADE,
    CONSTRAINT notification_states_user_fk FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE INDEX notification_states_user ON notification_states (user_id, read_at);

CREATE TABLE notification_preferences (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    user_id BIGINT NOT NULL,
    event_type VARCHAR(100) NOT NULL,
    channel_in_app BOOLEAN NOT NULL,
    channel_email BOOLEAN NOT NULL,
    channel_sms BOOLEAN NOT NULL,
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    CONSTRAINT notification_preferences_event UNIQUE (user_id, event_type),
    CONSTRAINT notification_preferences_user_fk FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

-- channel: email, sms. status: queued, sent, skipped, failed.
CREATE TABLE notification_deliveries (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    notification_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    channel VARCHAR(16) NOT NULL,
    status VARCHAR(16) NOT NULL,
    reason VARCHAR(500),
    outbox_id BIGINT,
    webhook_event_id BIGINT,
    created_at DATETIME(6) NOT NULL,
    finished_at DATETIME(6),
    CONSTRAINT notification_deliveries_once UNIQUE (notification_id, user_id, channel),
    CONSTRAINT notification_deliveries_notification_fk FOREIGN KEY (notification_id) REFERENCES notifications (id) ON DELETE CASCADE,
    CONSTRAINT notification_deliveries_user_fk FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE INDEX notification_deliveries_user ON notification_deliveries (user_id, created_at);
