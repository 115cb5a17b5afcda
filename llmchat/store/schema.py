"""The tables, and how a file of an earlier version becomes one of this version.

Numbers of messages count from 1 in each conversation; 0 is no message. A message's `request` is the
one that brought it. System prompts and fields repeat from turn to turn, so `texts` holds each once.
The index `search` reads its texts from `searchable` and leaves a reply in progress out. A message's
`attachments` are JSON, `[[kind, name, id], …]`; `files` holds what was attached once, found by its digest.
"""

VERSION_1 = """
CREATE TABLE conversations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    title TEXT NOT NULL,
    begun REAL NOT NULL,
    changed REAL NOT NULL,
    head INTEGER NOT NULL DEFAULT 0,
    turns INTEGER NOT NULL DEFAULT 0,
    model TEXT NOT NULL DEFAULT ''
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
    content, reasoning, place,
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
"""

# A search for the beginning of a word looks up two or three letters of it, rather than merging all
# words that begin so.
VERSION_2 = """
DROP TABLE search;
CREATE VIRTUAL TABLE search USING fts5 (
    content, reasoning, place, prefix = '2 3',
    content = 'searchable', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
);
INSERT INTO search (rowid, content, reasoning, place)
    SELECT id, content, reasoning, 'conversation' || conversation FROM messages
    WHERE state != 'in progress';
"""

VERSION_3 = """
CREATE TABLE files (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, data TEXT NOT NULL);
"""

VERSION_4 = """
ALTER TABLE conversations ADD COLUMN omitted TEXT NOT NULL DEFAULT '[]';
"""

VERSION_5 = """
ALTER TABLE requests ADD COLUMN prefix TEXT NOT NULL DEFAULT '';
CREATE TABLE probes (
    server TEXT NOT NULL,
    model TEXT NOT NULL,
    parameter TEXT NOT NULL,
    verdict TEXT NOT NULL,
    PRIMARY KEY (server, model, parameter)
);
"""

VERSION_6 = """
ALTER TABLE requests ADD COLUMN lane INTEGER NOT NULL DEFAULT 0;
"""

MIGRATIONS: tuple[str, ...] = (VERSION_1, VERSION_2, VERSION_3, VERSION_4, VERSION_5, VERSION_6)
"""What leads from each version to the next; the first begins with an empty file."""

VERSION = len(MIGRATIONS)
