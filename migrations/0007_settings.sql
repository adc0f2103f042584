-- One row. The first registration locks it (decisions 11.25).
CREATE TABLE site_settings (
    id BIGINT PRIMARY KEY,
    company_name VARCHAR(255),
    login_logo BIGINT,
    sidebar_logo BIGINT,
    favicon BIGINT,
    accent VARCHAR(7),
    support_email VARCHAR(255),
    support_phone VARCHAR(64),
    login_message VARCHAR(2000),
    registration_mode VARCHAR(20) NOT NULL DEFAULT 'open',
    default_timezone VARCHAR(64) NOT NULL DEFAULT 'UTC',
    setup_dismissed_at DATETIME(6),
    first_admin_at DATETIME(6),
    updated_at DATETIME(6) NOT NULL,
    CONSTRAINT site_settings_login_logo_fk FOREIGN KEY (login_logo) REFERENCES files (id) ON DELETE SET NULL,
    CONSTRAINT site_settings_sidebar_logo_fk FOREIGN KEY (sidebar_logo) REFERENCES files (id) ON DELETE SET NULL,
    CONSTRAINT site_settings_favicon_fk FOREIGN KEY (favicon) REFERENCES files (id) ON DELETE SET NULL
);

INSERT INTO site_settings (id, registration_mode, default_timezone, updated_at) VALUES (1, 'open', 'UTC', '2026-01-01 00:00:00.000000');

CREATE INDEX site_settings_login_logo_ix ON site_settings (login_logo);

CREATE INDEX site_settings_sidebar_logo_ix ON site_settings (sidebar_logo);

CREATE INDEX site_settings_favicon_ix ON site_settings (favicon);
