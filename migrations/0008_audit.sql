-- What was changed, by whom (organisation 9.1). Ids are plain: the trail outlives what it speaks of.
-- chain, chain_seq, prev_hash and row_hash are filled by the worker, which seals in batches (decisions 11.7).
CREATE TABLE audit_logs (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    created_at DATETIME(6) NOT NULL,
    user_id BIGINT,
    user_email VARCHAR(255),
    company_id BIGINT,
    action VARCHAR(190) NOT NULL,
    entity_type VARCHAR(100),
    entity_id BIGINT,
    entity_label VARCHAR(255),
    previous_value MEDIUMTEXT,
    new_value MEDIUMTEXT,
    metadata MEDIUMTEXT,
    api_key_id BIGINT,
    api_key VARCHAR(64),
    ip_address VARCHAR(45),
    request_id VARCHAR(64),
    chain VARCHAR(32),
    chain_seq BIGINT,
    prev_hash CHAR(64),
    row_hash CHAR(64)
);

CREATE INDEX audit_logs_created ON audit_logs (created_at, id);

CREATE INDEX audit_logs_entity ON audit_logs (entity_type, entity_id, id);

CREATE INDEX audit_logs_user ON audit_logs (user_id, id);

CREATE INDEX audit_logs_company ON audit_logs (company_id, id);

CREATE INDEX audit_logs_action ON audit_logs (action, id);

CREATE INDEX audit_logs_key ON audit_logs (api_key_id, id);

CREATE INDEX audit_logs_chain ON audit_logs (chain, chain_seq);
