-- People and what proves who they are (identity 4).
CREATE TABLE users (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    email VARCHAR(255) NOT NULL,
    password_hash VARCHAR(255),
    first_name VARCHAR(255),
    last_name VARCHAR(255),
    mobile_phone VARCHAR(20),
    company_id BIGINT,
    is_super_admin BOOLEAN NOT NULL DEFAULT FALSE,
    is_active BOOLEAN NOT NULL DEFAULT TRUE,
    is_self_registered BOOLEAN NOT NULL DEFAULT FALSE,
    force_password_change BOOLEAN NOT NULL DEFAULT FALSE,
    search_text VARCHAR(1000) NOT NULL DEFAULT '',
    email_verified_at DATETIME(6),
    password_changed_at DATETIME(6),
    last_login_at DATETIME(6),
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    CONSTRAINT users_email UNIQUE (email),
    CONSTRAINT users_company_fk FOREIGN KEY (company_id) REFERENCES companies (id) ON DELETE SET NULL
);

CREATE INDEX users_company ON users (company_id);

CREATE INDEX users_super_admin ON users (is_super_admin);

CREATE INDEX users_created ON users (created_at);

CREATE INDEX users_last_login ON users (last_login_at);

CREATE INDEX users_last_name ON users (last_name, id);

-- Only the digest of the cookie is stored.
CREATE TABLE user_sessions (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    user_id BIGINT NOT NULL,
    active_company_id BIGINT,
    session_token_hash CHAR(64) NOT NULL,
    created_at DATETIME(6) NOT NULL,
    expires_at DATETIME(6) NOT NULL,
    absolute_expires_at DATETIME(6) NOT NULL,
    last_seen_at DATETIME(6) NOT NULL,
    reauthenticated_at DATETIME(6) NOT NULL,
    ip_address VARCHAR(45),
    user_agent VARCHAR(255),
    pending_totp_secret MEDIUMTEXT,
    pending_totp_expires_at DATETIME(6),
    revoked_at DATETIME(6),
    revoked_reason VARCHAR(32),
    CONSTRAINT user_sessions_token UNIQUE (session_token_hash),
    CONSTRAINT user_sessions_user_fk FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT user_sessions_company_fk FOREIGN KEY (active_company_id) REFERENCES companies (id) ON DELETE SET NULL
);

CREATE INDEX user_sessions_user ON user_sessions (user_id, revoked_at);

CREATE INDEX user_sessions_company ON user_sessions (active_company_id);

CREATE INDEX user_sessions_expiry ON user_sessions (expires_at);

-- Messages for the next page and secrets shown once. The body is sealed.
CREATE TABLE session_notes (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    session_id BIGINT NOT NULL,
    kind VARCHAR(64) NOT NULL,
    body MEDIUMTEXT NOT NULL,
    expires_at DATETIME(6) NOT NULL,
    CONSTRAINT session_notes_session_fk FOREIGN KEY (session_id) REFERENCES user_sessions (id) ON DELETE CASCADE
);

CREATE INDEX session_notes_session ON session_notes (session_id, kind);

CREATE INDEX session_notes_expiry ON session_notes (expires_at);

CREATE TABLE user_preferences (
    user_id BIGINT NOT NULL,
    name VARCHAR(64) NOT NULL,
    value VARCHAR(2000) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    PRIMARY KEY (user_id, name),
    CONSTRAINT user_preferences_user_fk FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE TABLE user_totp_authenticators (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    user_id BIGINT NOT NULL,
    name VARCHAR(100) NOT NULL,
    secret MEDIUMTEXT NOT NULL,
    last_used_step BIGINT,
    created_at DATETIME(6) NOT NULL,
    last_used_at DATETIME(6),
    CONSTRAINT user_totp_user_fk FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE INDEX user_totp_user ON user_totp_authenticators (user_id);

CREATE TABLE user_recovery_codes (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    user_id BIGINT NOT NULL,
    code_hash CHAR(64) NOT NULL,
    used_at DATETIME(6),
    created_at DATETIME(6) NOT NULL,
    CONSTRAINT user_recovery_codes_code UNIQUE (user_id, code_hash),
    CONSTRAINT user_recovery_codes_user_fk FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

-- purpose: reset, invite, verify_email.
CREATE TABLE password_tokens (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    token_hash CHAR(64) NOT NULL,
    user_id BIGINT NOT NULL,
    purpose VARCHAR(32) NOT NULL,
    expires_at DATETIME(6) NOT NULL,
    used_at DATETIME(6),
    created_at DATETIME(6) NOT NULL,
    requested_ip VARCHAR(45),
    CONSTRAINT password_tokens_token UNIQUE (token_hash),
    CONSTRAINT password_tokens_user_fk FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE INDEX password_tokens_user ON password_tokens (user_id, purpose);

CREATE INDEX password_tokens_expiry ON password_tokens (expires_at);
