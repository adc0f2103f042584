-- Reusable sets of permission keys (organisation 3.3). `permissions` is a JSON array of text.
CREATE TABLE roles (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    name VARCHAR(100) NOT NULL,
    name_key VARCHAR(100) NOT NULL,
    description MEDIUMTEXT,
    permissions MEDIUMTEXT NOT NULL,
    is_system BOOLEAN NOT NULL DEFAULT FALSE,
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    CONSTRAINT roles_name_key UNIQUE (name_key)
);

INSERT INTO roles (name, name_key, description, permissions, is_system, created_at, updated_at) VALUES
    ('Owner', 'owner', 'Everything in the company, including billing.', '["company.manage","membership.manage","billing.manage","audit.view","portal.access"]', TRUE, '2026-01-01 00:00:00.000000', '2026-01-01 00:00:00.000000'),
    ('Administrator', 'administrator', 'Manages members and reads the audit trail.', '["membership.manage","audit.view","portal.access"]', TRUE, '2026-01-01 00:00:00.000000', '2026-01-01 00:00:00.000000'),
    ('Member', 'member', 'Uses the sections that are switched on.', '["portal.access"]', TRUE, '2026-01-01 00:00:00.000000', '2026-01-01 00:00:00.000000'),
    ('Helpdesk technician', 'helpdesk technician', 'Works on the tickets of every company. Counts at the provider only.', '["helpdesk.technician","portal.access"]', TRUE, '2026-01-01 00:00:00.000000', '2026-01-01 00:00:00.000000');
