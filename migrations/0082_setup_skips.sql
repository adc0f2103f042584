-- First steps of the portal that somebody passed over (interface 2.6). step is the key of a step.
CREATE TABLE setup_skips (
    step VARCHAR(32) PRIMARY KEY,
    skipped_by_id BIGINT,
    skipped_at DATETIME(6) NOT NULL,
    CONSTRAINT setup_skips_user_fk FOREIGN KEY (skipped_by_id) REFERENCES users (id) ON DELETE SET NULL
);

CREATE INDEX setup_skips_user ON setup_skips (skipped_by_id);
