-- Lists of tickets that are looked at again and again. Without an owner they are everybody's at the desk.
CREATE TABLE ticket_views (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    owner_id BIGINT,
    name VARCHAR(60) NOT NULL,
    query_text VARCHAR(1000) NOT NULL,
    shown_columns VARCHAR(255),
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    CONSTRAINT ticket_views_owner_fk FOREIGN KEY (owner_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE INDEX ticket_views_owner ON ticket_views (owner_id, name);

-- How one person likes the list: columns in their order, sort, rows, and the view it begins with.
CREATE TABLE ticket_list_settings (
    user_id BIGINT NOT NULL,
    shown_columns VARCHAR(255),
    sort_key VARCHAR(32),
    page_size VARCHAR(8),
    default_view_id BIGINT,
    updated_at DATETIME(6) NOT NULL,
    PRIMARY KEY (user_id),
    CONSTRAINT ticket_list_settings_user_fk FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT ticket_list_settings_view_fk FOREIGN KEY (default_view_id) REFERENCES ticket_views (id) ON DELETE SET NULL
);

CREATE INDEX ticket_list_settings_view ON ticket_list_settings (default_view_id);
