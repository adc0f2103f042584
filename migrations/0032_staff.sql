-- People who work at a company, with or without an account (organisation 3.4, 10). account_action is one of
-- eight texts. sort_name and department_key are folded, so that every engine orders and compares alike.
CREATE TABLE staff (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    company_id BIGINT NOT NULL,
    user_id BIGINT,
    first_name VARCHAR(255) NOT NULL,
    last_name VARCHAR(255) NOT NULL,
    email VARCHAR(255),
    mobile_phone VARCHAR(20),
    date_onboarded DATETIME(6),
    date_offboarded DATETIME(6),
    enabled BOOLEAN NOT NULL DEFAULT TRUE,
    street VARCHAR(255),
    city VARCHAR(255),
    state VARCHAR(255),
    postcode VARCHAR(20),
    country VARCHAR(255),
    department VARCHAR(255),
    department_key VARCHAR(255),
    job_title VARCHAR(255),
    org_company VARCHAR(255),
    manager_name VARCHAR(255),
    account_action VARCHAR(50),
    syncro_contact_id VARCHAR(255),
    sort_name VARCHAR(255) NOT NULL,
    search_text VARCHAR(1000) NOT NULL,
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    CONSTRAINT staff_email UNIQUE (company_id, email),
    CONSTRAINT staff_contact UNIQUE (company_id, syncro_contact_id),
    CONSTRAINT staff_company_fk FOREIGN KEY (company_id) REFERENCES companies (id) ON DELETE CASCADE,
    CONSTRAINT staff_user_fk FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET NULL
);

CREATE INDEX staff_name ON staff (company_id, sort_name, id);

CREATE INDEX staff_department ON staff (company_id, department_key, sort_name, id);

CREATE INDEX staff_leaving ON staff (account_action, date_offboarded);

CREATE INDEX staff_dates ON staff (date_offboarded);

CREATE INDEX staff_user ON staff (user_id);

-- The code that a technician sends to the mobile on record; sealed, one per person.
CREATE TABLE staff_verification_codes (
    staff_id BIGINT PRIMARY KEY,
    code MEDIUMTEXT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    admin_name VARCHAR(255),
    admin_user_id BIGINT,
    created_at DATETIME(6) NOT NULL,
    expires_at DATETIME(6) NOT NULL,
    CONSTRAINT staff_codes_staff_fk FOREIGN KEY (staff_id) REFERENCES staff (id) ON DELETE CASCADE,
    CONSTRAINT staff_codes_admin_fk FOREIGN KEY (admin_user_id) REFERENCES users (id) ON DELETE SET NULL
);

CREATE INDEX staff_codes_expiry ON staff_verification_codes (expires_at);

CREATE INDEX staff_codes_admin ON staff_verification_codes (admin_user_id);
