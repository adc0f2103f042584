-- People who are invited at once (organisation 7.4). The rules were checked when the batch was made; flags
-- is a JSON list of names. is_super_admin: who asked let people with an account in at once.
CREATE TABLE invitation_batches (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    company_id BIGINT NOT NULL,
    requested_by_id BIGINT,
    is_super_admin BOOLEAN NOT NULL DEFAULT FALSE,
    is_staff BOOLEAN NOT NULL DEFAULT FALSE,
    role_id BIGINT,
    staff_permission BIGINT NOT NULL DEFAULT 0,
    flags VARCHAR(1000) NOT NULL,
    base VARCHAR(500) NOT NULL,
    created_at DATETIME(6) NOT NULL,
    finished_at DATETIME(6),
    CONSTRAINT invitation_batches_company_fk FOREIGN KEY (company_id) REFERENCES companies (id) ON DELETE CASCADE,
    CONSTRAINT invitation_batches_user_fk FOREIGN KEY (requested_by_id) REFERENCES users (id) ON DELETE SET NULL,
    CONSTRAINT invitation_batches_role_fk FOREIGN KEY (role_id) REFERENCES roles (id) ON DELETE SET NULL
);

CREATE INDEX invitation_batches_company ON invitation_batches (company_id);

CREATE INDEX invitation_batches_user ON invitation_batches (requested_by_id);

CREATE INDEX invitation_batches_role ON invitation_batches (role_id);

CREATE INDEX invitation_batches_age ON invitation_batches (created_at);

-- One address of a batch. state: waiting, then what became of it. email is NULL for what is no address, or
-- stands in the list twice.
CREATE TABLE invitation_rows (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    batch_id BIGINT NOT NULL,
    staff_id BIGINT,
    typed VARCHAR(255) NOT NULL,
    email VARCHAR(255),
    first_name VARCHAR(255),
    last_name VARCHAR(255),
    state VARCHAR(16) NOT NULL,
    settled_at DATETIME(6),
    CONSTRAINT invitation_rows_email UNIQUE (batch_id, email),
    CONSTRAINT invitation_rows_batch_fk FOREIGN KEY (batch_id) REFERENCES invitation_batches (id) ON DELETE CASCADE,
    CONSTRAINT invitation_rows_staff_fk FOREIGN KEY (staff_id) REFERENCES staff (id) ON DELETE SET NULL
);

CREATE INDEX invitation_rows_staff ON invitation_rows (staff_id);
