-- The seal of the audit trail (decisions 11.7). Every line of audit_logs gets a position in a chain and a digest over
-- its unchanging columns and the digest before it; the head is signed, and so is what retention leaves behind.
CREATE TABLE audit_chains (
    chain VARCHAR(32) NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL,
    row_hash CHAR(64) NOT NULL,
    signature VARCHAR(190) NOT NULL,
    sealed_at DATETIME(6) NOT NULL
);

INSERT INTO audit_chains (chain, seq, row_hash, signature, sealed_at) VALUES ('main', 0, '0000000000000000000000000000000000000000000000000000000000000000', '', '2026-01-01 00:00:00.000000');

-- Lines up to seq were removed by retention; row_hash is the digest of the last of them.
CREATE TABLE audit_checkpoints (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    chain VARCHAR(32) NOT NULL,
    seq BIGINT NOT NULL,
    row_hash CHAR(64) NOT NULL,
    removed BIGINT NOT NULL,
    signature VARCHAR(190) NOT NULL,
    created_at DATETIME(6) NOT NULL,
    CONSTRAINT audit_checkpoints_place UNIQUE (chain, seq)
);

CREATE INDEX audit_logs_email ON audit_logs (user_email, id);

CREATE INDEX audit_logs_kind ON audit_logs (entity_type, id);
