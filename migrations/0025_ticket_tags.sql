-- Words that the desk puts on tickets to find them again. What a model suggests stays in tickets.ai_tags
-- until somebody takes it over.
CREATE TABLE ticket_tags (
    ticket_id BIGINT NOT NULL,
    tag VARCHAR(48) NOT NULL,
    added_by_id BIGINT,
    created_at DATETIME(6) NOT NULL,
    PRIMARY KEY (ticket_id, tag),
    CONSTRAINT ticket_tags_ticket_fk FOREIGN KEY (ticket_id) REFERENCES tickets (id) ON DELETE CASCADE,
    CONSTRAINT ticket_tags_adder_fk FOREIGN KEY (added_by_id) REFERENCES users (id) ON DELETE SET NULL
);

CREATE INDEX ticket_tags_tag ON ticket_tags (tag, ticket_id);

CREATE INDEX ticket_tags_adder ON ticket_tags (added_by_id);

-- The tags in use, so that nobody has to look for them among all tickets.
CREATE TABLE ticket_tag_words (
    word VARCHAR(48) PRIMARY KEY,
    used_at DATETIME(6) NOT NULL
);

CREATE INDEX ticket_tag_words_used ON ticket_tag_words (used_at);
