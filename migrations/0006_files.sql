-- The record of every object in the bucket (ports 3, decisions 6 and 11.13).
-- state: pending, ready, quarantined. scan_status: not_scanned, pending, clean, infected, error.
CREATE TABLE files (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    storage_key VARCHAR(190) NOT NULL,
    category VARCHAR(30) NOT NULL,
    owner_area VARCHAR(32) NOT NULL,
    owner_id BIGINT,
    state VARCHAR(16) NOT NULL,
    original_name VARCHAR(255) NOT NULL,
    display_name VARCHAR(255) NOT NULL,
    content_type VARCHAR(255) NOT NULL,
    declared_content_type VARCHAR(255),
    size_bytes BIGINT NOT NULL,
    sha256 CHAR(64),
    width BIGINT,
    height BIGINT,
    scan_status VARCHAR(20) NOT NULL,
    uploaded_by BIGINT,
    uploaded_by_label VARCHAR(255) NOT NULL,
    uploaded_from_ip VARCHAR(45),
    uploaded_at DATETIME(6) NOT NULL,
    expires_at DATETIME(6),
    deleted_at DATETIME(6),
    CONSTRAINT files_storage_key UNIQUE (storage_key),
    CONSTRAINT files_uploader_fk FOREIGN KEY (uploaded_by) REFERENCES users (id) ON DELETE SET NULL
);

CREATE INDEX files_category ON files (category, uploaded_at);

CREATE INDEX files_owner ON files (owner_area, owner_id);

CREATE INDEX files_pending ON files (state, expires_at);

CREATE INDEX files_deleted ON files (deleted_at);

CREATE INDEX files_sha256 ON files (sha256);

CREATE INDEX files_uploader ON files (uploaded_by, uploaded_at);
