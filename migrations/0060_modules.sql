-- Connections to other systems (automation 5). What a module is called and which settings it has is code
-- (shared::modules); a row keeps what somebody chose. secrets is one sealed JSON object.
-- last_test_status: running, ok, error. version counts edits; 0: never touched.
CREATE TABLE integration_modules (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    slug VARCHAR(64) NOT NULL,
    enabled BOOLEAN NOT NULL DEFAULT FALSE,
    settings MEDIUMTEXT NOT NULL,
    secrets MEDIUMTEXT,
    last_test_at DATETIME(6),
    last_test_status VARCHAR(16),
    last_test_message VARCHAR(1000),
    last_test_details MEDIUMTEXT,
    updated_by_id BIGINT,
    version BIGINT NOT NULL DEFAULT 0,
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    CONSTRAINT integration_modules_slug UNIQUE (slug),
    CONSTRAINT integration_modules_editor_fk FOREIGN KEY (updated_by_id) REFERENCES users (id) ON DELETE SET NULL
);

CREATE INDEX integration_modules_editor ON integration_modules (updated_by_id);

INSERT INTO integration_modules (slug, settings, created_at, updated_at) VALUES
    ('chatgpt-mcp', '{}', '2026-01-01 00:00:00.000000', '2026-01-01 00:00:00.000000'),
    ('ntfy', '{}', '2026-01-01 00:00:00.000000', '2026-01-01 00:00:00.000000'),
    ('ollama', '{}', '2026-01-01 00:00:00.000000', '2026-01-01 00:00:00.000000'),
    ('sms', '{}', '2026-01-01 00:00:00.000000', '2026-01-01 00:00:00.000000'),
    ('smtp', '{}', '2026-01-01 00:00:00.000000', '2026-01-01 00:00:00.000000'),
    ('syncro', '{}', '2026-01-01 00:00:00.000000', '2026-01-01 00:00:00.000000'),
    ('tacticalrmm', '{}', '2026-01-01 00:00:00.000000', '2026-01-01 00:00:00.000000');
