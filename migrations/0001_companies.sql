-- Customers of the provider, and the provider itself (organisation 3.1).
CREATE TABLE companies (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    name VARCHAR(255) NOT NULL,
    name_key VARCHAR(255),
    address VARCHAR(1000),
    phone VARCHAR(64),
    website VARCHAR(255),
    contact_email VARCHAR(255),
    is_vip BOOLEAN NOT NULL DEFAULT FALSE,
    is_provider BOOLEAN NOT NULL DEFAULT FALSE,
    syncro_company_id VARCHAR(255),
    xero_id VARCHAR(255),
    search_text VARCHAR(2000) NOT NULL DEFAULT '',
    archived_at DATETIME(6),
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    CONSTRAINT companies_name_key UNIQUE (name_key),
    CONSTRAINT companies_syncro UNIQUE (syncro_company_id),
    CONSTRAINT companies_xero UNIQUE (xero_id)
);

CREATE INDEX companies_name ON companies (archived_at, name);

CREATE INDEX companies_created ON companies (created_at);
