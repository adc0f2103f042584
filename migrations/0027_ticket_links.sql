-- Which tickets belong together. `relates` stands once, from the lower number; the others have a direction.
CREATE TABLE ticket_links (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    ticket_id BIGINT NOT NULL,
    other_id BIGINT NOT NULL,
    kind VARCHAR(16) NOT NULL,
    created_by_id BIGINT,
    created_at DATETIME(6) NOT NULL,
    CONSTRAINT ticket_links_once UNIQUE (ticket_id, other_id, kind),
    CONSTRAINT ticket_links_ticket_fk FOREIGN KEY (ticket_id) REFERENCES tickets (id) ON DELETE CASCADE,
    CONSTRAINT ticket_links_other_fk FOREIGN KEY (other_id) REFERENCES tickets (id) ON DELETE CASCADE,
    CONSTRAINT ticket_links_creator_fk FOREIGN KEY (created_by_id) REFERENCES users (id) ON DELETE SET NULL
);

CREATE INDEX ticket_links_other ON ticket_links (other_id);

CREATE INDEX ticket_links_creator ON ticket_links (created_by_id);

-- A ticket that became part of another: closed, and its conversation is there. `copy_reply_id` is the reply
-- that its description became; no key of its own, for the reply may be deleted.
CREATE TABLE ticket_merges (
    ticket_id BIGINT NOT NULL,
    target_id BIGINT NOT NULL,
    copy_reply_id BIGINT,
    status_before VARCHAR(32) NOT NULL,
    merged_by_id BIGINT,
    created_at DATETIME(6) NOT NULL,
    PRIMARY KEY (ticket_id),
    CONSTRAINT ticket_merges_ticket_fk FOREIGN KEY (ticket_id) REFERENCES tickets (id) ON DELETE CASCADE,
    CONSTRAINT ticket_merges_target_fk FOREIGN KEY (target_id) REFERENCES tickets (id) ON DELETE CASCADE,
    CONSTRAINT ticket_merges_by_fk FOREIGN KEY (merged_by_id) REFERENCES users (id) ON DELETE SET NULL
);

CREATE INDEX ticket_merges_target ON ticket_merges (target_id);

CREATE INDEX ticket_merges_by ON ticket_merges (merged_by_id);

-- The ticket that a reply came from, so that it can go back.
ALTER TABLE ticket_replies ADD COLUMN merged_from_id BIGINT;

CREATE INDEX ticket_replies_merged ON ticket_replies (merged_from_id);
