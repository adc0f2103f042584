-- What counting the unread takes: a personal notification has one reader, so its state stands on the row.
ALTER TABLE notifications ADD COLUMN owner_unread BOOLEAN NOT NULL DEFAULT TRUE;

-- A broadcast that preferences do not hide.
ALTER TABLE notifications ADD COLUMN ignores_preferences BOOLEAN NOT NULL DEFAULT FALSE;

-- Message and metadata in small letters.
ALTER TABLE notifications ADD COLUMN search_text MEDIUMTEXT;

ALTER TABLE notifications ADD COLUMN recalled_at DATETIME(6);

UPDATE notifications SET owner_unread = FALSE WHERE EXISTS (SELECT 1 FROM notification_states s
    WHERE s.notification_id = notifications.id AND s.user_id = notifications.user_id);

CREATE INDEX notifications_unread ON notifications (user_id, owner_unread, in_app, expires_at);

CREATE INDEX notifications_expiry ON notifications (expires_at);

ALTER TABLE notification_preferences ADD COLUMN channel_ntfy BOOLEAN NOT NULL DEFAULT FALSE;

-- Mails of this type wait for the digest.
ALTER TABLE notification_preferences ADD COLUMN email_digest BOOLEAN NOT NULL DEFAULT FALSE;

-- When a waiting message is sent, and what it is about, so that one thing makes one message.
ALTER TABLE notification_deliveries ADD COLUMN due_at DATETIME(6);

ALTER TABLE notification_deliveries ADD COLUMN cause VARCHAR(190);

CREATE INDEX notification_deliveries_due ON notification_deliveries (status, due_at);

CREATE INDEX notification_deliveries_outbox ON notification_deliveries (outbox_id);

CREATE INDEX notification_deliveries_created ON notification_deliveries (created_at);

-- When and where a person wants to be reached. Times of day are minutes after midnight in the person's zone.
CREATE TABLE notification_settings (
    user_id BIGINT NOT NULL PRIMARY KEY,
    digest VARCHAR(16) NOT NULL DEFAULT 'daily',
    digest_hour BIGINT NOT NULL DEFAULT 8,
    digest_weekday BIGINT NOT NULL DEFAULT 1,
    quiet_from BIGINT,
    quiet_until BIGINT,
    paused_until DATETIME(6),
    ntfy_topic VARCHAR(64),
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    CONSTRAINT notification_settings_user_fk FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

-- Addresses that a mail server has refused for good.
CREATE TABLE email_bounces (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    address VARCHAR(255) NOT NULL,
    reason VARCHAR(500) NOT NULL,
    created_at DATETIME(6) NOT NULL,
    CONSTRAINT email_bounces_address UNIQUE (address)
);
