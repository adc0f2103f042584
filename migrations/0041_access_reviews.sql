-- What was looked at on the access review (organisation 9.4). Ids are plain, as in audit_logs.
CREATE TABLE access_reviews (
    audit_id BIGINT NOT NULL PRIMARY KEY,
    note VARCHAR(1000) NOT NULL,
    user_id BIGINT,
    user_email VARCHAR(255) NOT NULL,
    created_at DATETIME(6) NOT NULL
);
