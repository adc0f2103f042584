-- What a person may do in a company: one row per pair (organisation 3.2).
CREATE TABLE company_memberships (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    company_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    role_id BIGINT NOT NULL,
    status VARCHAR(20) NOT NULL DEFAULT 'active',
    staff_permission BIGINT NOT NULL DEFAULT 0,
    can_access_shop BOOLEAN NOT NULL DEFAULT FALSE,
    can_access_cart BOOLEAN NOT NULL DEFAULT FALSE,
    can_access_orders BOOLEAN NOT NULL DEFAULT FALSE,
    can_access_forms BOOLEAN NOT NULL DEFAULT FALSE,
    can_manage_assets BOOLEAN NOT NULL DEFAULT FALSE,
    can_manage_licenses BOOLEAN NOT NULL DEFAULT FALSE,
    can_manage_invoices BOOLEAN NOT NULL DEFAULT FALSE,
    can_manage_office_groups BOOLEAN NOT NULL DEFAULT FALSE,
    can_order_licenses BOOLEAN NOT NULL DEFAULT FALSE,
    is_admin BOOLEAN NOT NULL DEFAULT FALSE,
    invited_by BIGINT,
    invited_at DATETIME(6),
    joined_at DATETIME(6),
    last_seen_at DATETIME(6),
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    CONSTRAINT company_memberships_pair UNIQUE (company_id, user_id),
    CONSTRAINT company_memberships_company_fk FOREIGN KEY (company_id) REFERENCES companies (id) ON DELETE CASCADE,
    CONSTRAINT company_memberships_user_fk FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT company_memberships_role_fk FOREIGN KEY (role_id) REFERENCES roles (id) ON DELETE RESTRICT,
    CONSTRAINT company_memberships_inviter_fk FOREIGN KEY (invited_by) REFERENCES users (id) ON DELETE SET NULL
);

CREATE INDEX company_memberships_user ON company_memberships (user_id, status);

CREATE INDEX company_memberships_company ON company_memberships (company_id, status);

CREATE INDEX company_memberships_role ON company_memberships (role_id);

CREATE INDEX company_memberships_inviter ON company_memberships (invited_by);

CREATE TABLE company_email_domains (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    company_id BIGINT NOT NULL,
    domain VARCHAR(253) NOT NULL,
    auto_join BOOLEAN NOT NULL DEFAULT FALSE,
    created_by BIGINT,
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    CONSTRAINT company_email_domains_domain UNIQUE (domain),
    CONSTRAINT company_email_domains_company_fk FOREIGN KEY (company_id) REFERENCES companies (id) ON DELETE CASCADE,
    CONSTRAINT company_email_domains_creator_fk FOREIGN KEY (created_by) REFERENCES users (id) ON DELETE SET NULL
);

CREATE INDEX company_email_domains_company ON company_email_domains (company_id);

CREATE INDEX company_email_domains_creator ON company_email_domains (created_by);
