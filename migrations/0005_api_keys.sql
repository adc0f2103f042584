-- Keys of machines (identity 16). Only a peppered digest is stored. JSON in scopes and allowed_ips.
CREATE TABLE api_keys (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    key_hash CHAR(64) NOT NULL,
    key_prefix VARCHAR(16) NOT NULL,
    description VARCHAR(255),
    expiry_date DATE,
    scopes MEDIUMTEXT NOT NULL,
    company_id BIGINT,
    allowed_ips MEDIUMTEXT,
    created_by BIGINT,
    created_at DATETIME(6) NOT NULL,
    last_used_at DATETIME(6),
    revoked_at DATETIME(6),
    rotated_from BIGINT,
    CONSTRAINT api_keys_hash UNIQUE (key_hash),
    CONSTRAINT api_keys_company_fk FOREIGN KEY (company_id) REFERENCES companies (id) ON DELETE CASCADE,
    CONSTRAINT api_keys_creator_fk FOREIGN KEY (created_by) REFERENCES users (id) ON DELETE SET NULL,
    CONSTRAINT api_keys_rotated_fk FOREIGN KEY (rotated_from) REFERENCES api_keys (id) ON DELETE SET NULL
);

CREATE INDEX api_keys_created ON api_keys (created_at);

CREATE INDEX api_keys_expiry ON api_keys (expiry_date);

CREATE INDEX api_keys_last_used ON api_keys (last_used_at);

CREATE INDEX api_keys_company ON api_keys (company_id);

CREATE INDEX api_keys_creator ON api_keys (created_by);

CREATE INDEX api_keys_rotated ON api_keys (rotated_from);

CREATE TABLE api_key_usage (
    api_key_id BIGINT NOT NULL,
    ip_address VARCHAR(45) NOT NULL,
    usage_count BIGINT NOT NULL DEFAULT 1,
    last_used_at DATETIME(6) NOT NULL,
    PRIMARY KEY (api_key_id, ip_address),
    CONSTRAINT api_key_usage_key_fk FOREIGN KEY (api_key_id) REFERENCES api_keys (id) ON DELETE CASCADE
);
