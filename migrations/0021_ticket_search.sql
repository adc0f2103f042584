-- Full-text search over tickets and their replies (decisions 4). Requesters never search internal notes,
-- so public text has an index of its own: the ticket row carries what is public, each reply its own body.

-- only sqlite
CREATE VIRTUAL TABLE tickets_search USING fts5(search_text, content='tickets', content_rowid='id', tokenize="unicode61 remove_diacritics 0");

-- only sqlite
CREATE TRIGGER tickets_search_insert AFTER INSERT ON tickets BEGIN
    INSERT INTO tickets_search (rowid, search_text) VALUES (new.id, new.search_text);
END;

-- only sqlite
CREATE TRIGGER tickets_search_delete AFTER DELETE ON tickets BEGIN
    INSERT INTO tickets_search (tickets_search, rowid, search_text) VALUES ('delete', old.id, old.search_text);
END;

-- only sqlite
CREATE TRIGGER tickets_search_update AFTER UPDATE OF search_text ON tickets BEGIN
    INSERT INTO tickets_search (tickets_search, rowid, search_text) VALUES ('delete', old.id, old.search_text);
    INSERT INTO tickets_search (rowid, search_text) VALUES (new.id, new.search_text);
END;

-- only mysql
CREATE FULLTEXT INDEX tickets_search ON tickets (search_text);

-- only sqlite
CREATE VIRTUAL TABLE ticket_replies_search USING fts5(search_text, content='ticket_replies', content_rowid='id', tokenize="unicode61 remove_diacritics 0");

-- only sqlite
CREATE TRIGGER ticket_replies_search_insert AFTER INSERT ON ticket_replies BEGIN
    INSERT INTO ticket_replies_search (rowid, search_text) VALUES (new.id, new.search_text);
END;

-- only sqlite
CREATE TRIGGER ticket_replies_search_delete AFTER DELETE ON ticket_replies BEGIN
    INSERT INTO ticket_replies_search (ticket_replies_search, rowid, search_text) VALUES ('delete', old.id, old.search_text);
END;

-- only mysql
CREATE FULLTEXT INDEX ticket_replies_search ON ticket_replies (search_text);
