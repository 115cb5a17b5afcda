-- A store of version 6, as that version wrote it.
CREATE TABLE conversations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    title TEXT NOT NULL,
    begun REAL NOT NULL,
    changed REAL NOT NULL,
    head INTEGER NOT NULL DEFAULT 0,
    turns INTEGER NOT NULL DEFAULT 0,
    model TEXT NOT NULL DEFAULT '',
    omitted TEXT NOT NULL DEFAULT '[]'
);
CREATE INDEX conversations_changed ON conversations (changed);

CREATE TABLE texts (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);

CREATE TABLE requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation INTEGER NOT NULL REFERENCES conversations,
    parent INTEGER NOT NULL,
    continues INTEGER NOT NULL,
    omissions TEXT NOT NULL,
    server TEXT NOT NULL,
    engine TEXT NOT NULL,
    kind TEXT NOT NULL,
    model TEXT NOT NULL,
    fields INTEGER NOT NULL REFERENCES texts,
    chosen INTEGER NOT NULL REFERENCES texts,
    system INTEGER NOT NULL REFERENCES texts,
    "group" TEXT NOT NULL,
    time REAL NOT NULL,
    finish_reasons TEXT NOT NULL,
    prompt_tokens INTEGER,
    completion_tokens INTEGER,
    cached_tokens INTEGER,
    first_token REAL,
    tokens_per_second REAL,
    seconds REAL,
    error TEXT NOT NULL
);
CREATE INDEX requests_conversation ON requests (conversation, id);

CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation INTEGER NOT NULL REFERENCES conversations,
    number INTEGER NOT NULL,
    parent INTEGER NOT NULL,
    request INTEGER REFERENCES requests,
    role TEXT NOT NULL,
    content TEXT NOT NULL,
    reasoning TEXT NOT NULL,
    tool_calls TEXT NOT NULL,
    attachments TEXT NOT NULL,
    logprobs TEXT NOT NULL,
    state TEXT NOT NULL,
    UNIQUE (conversation, number)
);
CREATE INDEX messages_in_progress ON messages (id) WHERE state = 'in progress';
CREATE INDEX messages_request ON messages (request);

CREATE VIEW searchable AS
    SELECT id, content, reasoning, 'conversation' || conversation AS place FROM messages;
CREATE VIRTUAL TABLE search USING fts5 (
    content, reasoning, place, prefix = '2 3',
    content = 'searchable', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
);
CREATE TRIGGER messages_added AFTER INSERT ON messages WHEN new.state != 'in progress' BEGIN
    INSERT INTO search (rowid, content, reasoning, place)
    VALUES (new.id, new.content, new.reasoning, 'conversation' || new.conversation);
END;
CREATE TRIGGER messages_changed AFTER UPDATE ON messages BEGIN
    INSERT INTO search (search, rowid, content, reasoning, place)
    SELECT 'delete', old.id, old.content, old.reasoning, 'conversation' || old.conversation
    WHERE old.state != 'in progress';
    INSERT INTO search (rowid, content, reasoning, place)
    SELECT new.id, new.content, new.reasoning, 'conversation' || new.conversation
    WHERE new.state != 'in progress';
END;
CREATE TRIGGER messages_deleted AFTER DELETE ON messages WHEN old.state != 'in progress' BEGIN
    INSERT INTO search (search, rowid, content, reasoning, place)
    VALUES ('delete', old.id, old.content, old.reasoning, 'conversation' || old.conversation);
END;
CREATE TABLE files (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, data TEXT NOT NULL);
INSERT INTO files VALUES (1, x'f1efd2e5d5705086349a1bba9743d9062da61f9d635876cd1216be542938e642', 'sky.txt:
```txt
blue
```');
ALTER TABLE requests ADD COLUMN prefix TEXT NOT NULL DEFAULT '';
ALTER TABLE requests ADD COLUMN lane INTEGER NOT NULL DEFAULT 0;
CREATE TABLE probes (
    server TEXT NOT NULL,
    model TEXT NOT NULL,
    parameter TEXT NOT NULL,
    verdict TEXT NOT NULL,
    PRIMARY KEY (server, model, parameter)
);
INSERT INTO conversations VALUES (1, 'Why is the sky blue?', 1700000000.0, 1700000000.0, 2, 1, 'a-model', '[1, 2]');
INSERT INTO texts VALUES (1, '{"model": "a-model", "messages": null, "temperature": 0}');
INSERT INTO texts VALUES (2, '{"temperature": 0}');
INSERT INTO texts VALUES (3, 'Be brief.');
INSERT INTO requests VALUES (1, 1, 1, 0, '[]', 'http://localhost:1234/v1', '', 'lmstudio', 'a-model', 1, 2, 3, '', 1700000000.0, '["stop"]', 7, 3, NULL, NULL, NULL, NULL, '', '', 0);
INSERT INTO messages VALUES (1, 1, 1, 0, NULL, 'user', 'Why is the sky blue?', '', '[]', '[["text", "sky.txt", 1]]', '', 'complete');
INSERT INTO messages VALUES (2, 1, 2, 1, 1, 'assistant', 'It scatters light.', 'hm', '[]', '[]', '', 'complete');
INSERT INTO probes VALUES ('http://localhost:1234', 'a-model', 'temperature', 'effective');
PRAGMA user_version = 6;
