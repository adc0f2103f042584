-- The words of a ticket in one row: of its own and of its public replies, and apart from them those of the
-- internal notes, which requesters never search. `id` is the ticket's. Texts begin with a space, so that a
-- word begins where a space stands before it.
CREATE TABLE ticket_texts (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    public_text MEDIUMTEXT NOT NULL,
    internal_text MEDIUMTEXT NOT NULL,
    CONSTRAINT ticket_texts_ticket_fk FOREIGN KEY (id) REFERENCES tickets (id) ON DELETE CASCADE
);

-- only mysql
SET SESSION group_concat_max_len = 16000000;

-- only mysql
INSERT INTO ticket_texts (id, public_text, internal_text)
SELECT t.id,
    CONCAT(' ', t.search_text, COALESCE((SELECT CONCAT(' ', GROUP_CONCAT(r.search_text SEPARATOR ' ')) FROM ticket_replies r WHERE r.ticket_id = t.id AND r.is_internal = FALSE), '')),
    COALESCE((SELECT CONCAT(' ', GROUP_CONCAT(r.search_text SEPARATOR ' ')) FROM ticket_replies r WHERE r.ticket_id = t.id AND r.is_internal = TRUE), '')
FROM tickets t;

-- only sqlite
INSERT INTO ticket_texts (id, public_text, internal_text)
SELECT t.id,
    ' ' || t.search_text || COALESCE((SELECT ' ' || GROUP_CONCAT(r.search_text, ' ') FROM ticket_replies r WHERE r.ticket_id = t.id AND r.is_internal = FALSE), ''),
    COALESCE((SELECT ' ' || GROUP_CONCAT(r.search_text, ' ') FROM ticket_replies r WHERE r.ticket_id = t.id AND r.is_internal = TRUE), '')
FROM tickets t;

-- only mysql
CREATE FULLTEXT INDEX ticket_texts_desk ON ticket_texts (public_text, internal_text);

-- only mysql
CREATE FULLTEXT INDEX ticket_texts_public ON ticket_texts (public_text);

-- only sqlite
CREATE VIRTUAL TABLE ticket_texts_search USING fts5(public_text, internal_text, content='ticket_texts', content_rowid='id', prefix='3', tokenize="unicode61 remove_diacritics 0");

-- only sqlite
INSERT INTO ticket_texts_search (ticket_texts_search) VALUES ('rebuild');

-- only sqlite
CREATE TRIGGER ticket_texts_search_insert AFTER INSERT ON ticket_texts BEGIN
    INSERT INTO ticket_texts_search (rowid, public_text, internal_text) VALUES (new.id, new.public_text, new.internal_text);
END;

-- only sqlite
CREATE TRIGGER ticket_texts_search_delete AFTER DELETE ON ticket_texts BEGIN
    INSERT INTO ticket_texts_search (ticket_texts_search, rowid, public_text, internal_text) VALUES ('delete', old.id, old.public_text, old.internal_text);
END;

-- only sqlite
CREATE TRIGGER ticket_texts_search_update AFTER UPDATE ON ticket_texts BEGIN
    INSERT INTO ticket_texts_search (ticket_texts_search, rowid, public_text, internal_text) VALUES ('delete', old.id, old.public_text, old.internal_text);
    INSERT INTO ticket_texts_search (rowid, public_text, internal_text) VALUES (new.id, new.public_text, new.internal_text);
END;

-- only sqlite
DROP TRIGGER ticket_replies_search_insert;

-- only sqlite
DROP TRIGGER ticket_replies_search_delete;

-- only sqlite
DROP TABLE ticket_replies_search;

-- only mysql
DROP INDEX ticket_replies_search ON ticket_replies;
