-- Full-text search over people and companies by the words of search_text, as over tickets (decisions 4): fifty
-- thousand people are too many to be read for every letter that is typed.

-- only sqlite
CREATE VIRTUAL TABLE users_search USING fts5(search_text, content='users', content_rowid='id', tokenize="unicode61 remove_diacritics 0");

-- only sqlite
CREATE TRIGGER users_search_insert AFTER INSERT ON users BEGIN
    INSERT INTO users_search (rowid, search_text) VALUES (new.id, new.search_text);
END;

-- only sqlite
CREATE TRIGGER users_search_delete AFTER DELETE ON users BEGIN
    INSERT INTO users_search (users_search, rowid, search_text) VALUES ('delete', old.id, old.search_text);
END;

-- only sqlite
CREATE TRIGGER users_search_update AFTER UPDATE OF search_text ON users BEGIN
    INSERT INTO users_search (users_search, rowid, search_text) VALUES ('delete', old.id, old.search_text);
    INSERT INTO users_search (rowid, search_text) VALUES (new.id, new.search_text);
END;

-- only sqlite
INSERT INTO users_search (users_search) VALUES ('rebuild');

-- only mysql
CREATE FULLTEXT INDEX users_search ON users (search_text);

-- only sqlite
CREATE VIRTUAL TABLE companies_search USING fts5(search_text, content='companies', content_rowid='id', tokenize="unicode61 remove_diacritics 0");

-- only sqlite
CREATE TRIGGER companies_search_insert AFTER INSERT ON companies BEGIN
    INSERT INTO companies_search (rowid, search_text) VALUES (new.id, new.search_text);
END;

-- only sqlite
CREATE TRIGGER companies_search_delete AFTER DELETE ON companies BEGIN
    INSERT INTO companies_search (companies_search, rowid, search_text) VALUES ('delete', old.id, old.search_text);
END;

-- only sqlite
CREATE TRIGGER companies_search_update AFTER UPDATE OF search_text ON companies BEGIN
    INSERT INTO companies_search (companies_search, rowid, search_text) VALUES ('delete', old.id, old.search_text);
    INSERT INTO companies_search (rowid, search_text) VALUES (new.id, new.search_text);
END;

-- only sqlite
INSERT INTO companies_search (companies_search) VALUES ('rebuild');

-- only mysql
CREATE FULLTEXT INDEX companies_search ON companies (search_text);
