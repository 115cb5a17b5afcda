"""Writing: turns as they happen, whole conversations, heads and titles."""

import json
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from llmchat.errors import StoreError
from llmchat.messages import ROOT, Message, Node
from llmchat.store.database import Database, stored
from llmchat.store.reading import Reading
from llmchat.store.records import Record, Request, title_of
from llmchat.store.rows import add_files, add_request, end_request, message_values


@dataclass
class Entry:
    """A turn as far as it has come, and what of it is written already.

    `conversation` is 0 until it has begun. `parent` is what the question, or the answer without one,
    follows. `answers` are by choice. The numbers and the request's id are given by the `store` that it
    is written to.
    """

    conversation: int
    parent: int
    question: Message | None = None
    request: Request | None = None
    answers: dict[int, Message] = field(default_factory=dict)
    question_number: int = ROOT
    request_id: int | None = None
    numbers: dict[int, int] = field(default_factory=dict)
    store: "Store | None" = None

    @property
    def asked(self) -> int:
        """What the answers follow."""
        return self.question_number or self.parent

    @property
    def head(self) -> int:
        """The first answer that says something, else what was the head before."""
        for choice, number in sorted(self.numbers.items()):
            if self.answers[choice].content.strip() and self.answers[choice].state != "failed":
                return number
        return self.parent

    @property
    def first_number(self) -> int | None:
        """The lowest number that was given to a message of this turn; None when none was."""
        return min(filter(None, [self.question_number, *self.numbers.values()]), default=None)

    def forget(self, conversation: int, rescued: int) -> None:
        """Go on in another store, in this conversation there, which has the first `rescued` messages.

        All else is taken as not written.
        """
        self.conversation, self.request_id = conversation, None
        self.question_number = self.question_number if self.question_number <= rescued else ROOT
        self.numbers = {choice: number for choice, number in self.numbers.items() if number <= rescued}


class Store(Reading):
    """The conversations in one file, or with no path in memory only. Raises StoreError."""

    def __init__(self, path: Path | None = None) -> None:
        super().__init__(Database(path))
        try:
            self._recover()
        except StoreError:
            self.close()
            raise

    def write(self, entry: Entry, *, ended: bool = False) -> None:
        """Write what is new in a turn; with `ended` also how it went, for the last time.

        Other programs may have added messages to the conversation: the numbers go on after theirs.
        """
        with self.database.writing() as db:
            if not entry.conversation:
                title = title_of(entry.question.content) if entry.question else ""
                entry.conversation = _add_conversation(db, title, time.time())
            if entry.question:
                _write_question(db, entry)
            if entry.request:
                _write_request(db, entry, ended)
            for choice, message in entry.answers.items():
                _write_answer(db, entry, choice, message)
            _touch(db, entry, ended)

    def move(self, conversation: int, head: int) -> None:
        """Let the stored head be this message."""
        with self.database.writing() as db:
            db.execute("UPDATE conversations SET head = ? WHERE id = ?", (head, conversation))

    def omit(self, conversation: int, omitted: Iterable[int]) -> None:
        """Let these messages be the ones that are no longer sent."""
        with self.database.writing() as db:
            values = (json.dumps(sorted(omitted)), conversation)
            db.execute("UPDATE conversations SET omitted = ? WHERE id = ?", values)

    def rename(self, conversation: int, title: str) -> None:
        """Give a conversation this title."""
        with self.database.writing() as db:
            values = (stored(title), conversation)
            db.execute("UPDATE conversations SET title = CAST(? AS TEXT) WHERE id = ?", values)

    def remember(self, server: str, model: str, parameter: str, verdict: str) -> None:
        """Keep what was found out about a parameter of a model on a server."""
        with self.database.writing() as db:
            db.execute(
                "INSERT OR REPLACE INTO probes (server, model, parameter, verdict)"
                " VALUES (CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), ?)",
                (stored(server), stored(model), stored(parameter), verdict),
            )

    def add(self, record: Record) -> int:
        """Store a whole conversation; its id."""
        with self.database.writing() as db:
            conversation = _add_conversation(db, record.title, record.begun or time.time())
            by_message: dict[int, int] = {}
            for request in record.requests:
                id = add_request(db, conversation, request)
                by_message |= dict.fromkeys(request.answers, id)
            for node in record.conversation.nodes:
                _add_message(db, conversation, node, by_message.get(node.number))
            answers = [n for n in record.conversation.nodes if n.message.role == "assistant"]
            model = record.requests[-1].model if record.requests else ""
            db.execute(
                "UPDATE conversations SET head = ?, omitted = ?, turns = ?, model = CAST(? AS TEXT)"
                " WHERE id = ?",
                (
                    record.conversation.head,
                    json.dumps(sorted(record.conversation.omitted)),
                    len(answers),
                    stored(model),
                    conversation,
                ),
            )
            return conversation

    def delete(self, conversation: int) -> bool:
        """Delete a conversation with all that belongs to it, out of the index and the log as well.

        False when another program reads, so that the log is emptied only when that ends.
        """
        with self.database.writing() as db:
            used = db.execute(
                "SELECT fields, chosen, system FROM requests WHERE conversation = ?", (conversation,)
            ).fetchall()
            files = db.execute(_FILES_OF, (conversation,)).fetchall()
            for table in ("messages", "requests"):
                db.execute(f"DELETE FROM {table} WHERE conversation = ?", (conversation,))
            db.execute("DELETE FROM conversations WHERE id = ?", (conversation,))
            _delete_texts(db, {text for row in used for text in row})
            _delete_files(db, {row[0] for row in files})
        return self.database.wipe()

    def close(self) -> None:
        """Close the file."""
        self.database.close()

    def _recover(self) -> None:
        """Settle what a program left in progress when it was killed.

        If that program still lives, its next write puts things right.
        """
        with self.database.reading() as db:
            left = db.execute("SELECT 1 FROM messages WHERE state = 'in progress' LIMIT 1").fetchone()
        if left:
            with self.database.writing() as db:
                db.execute(_SETTLE)


_SETTLE = """
UPDATE messages SET state = CASE
    WHEN role = 'assistant' THEN iif(trim(content) = '', 'failed', 'cut short')
    WHEN EXISTS (
        SELECT 1 FROM messages answers WHERE answers.conversation = messages.conversation
        AND answers.parent = messages.number AND trim(answers.content) != ''
    ) THEN 'complete'
    ELSE 'failed'
END
WHERE state = 'in progress'
"""


_FILES_OF = """
SELECT json_extract(value, '$[2]') FROM messages, json_each(attachments)
WHERE conversation = ? AND attachments != '[]'
"""


def _add_conversation(db: sqlite3.Connection, title: str, begun: float) -> int:
    added = db.execute(
        "INSERT INTO conversations (title, begun, changed) VALUES (CAST(? AS TEXT), ?, ?)",
        (stored(title), begun, begun),
    ).lastrowid
    assert added
    return added


def _add_message(db: sqlite3.Connection, conversation: int, node: Node, request: int | None) -> None:
    db.execute(
        "INSERT INTO messages (conversation, number, parent, request, role, content, reasoning, tool_calls,"
        " state, logprobs, attachments) VALUES"
        " (?, ?, ?, ?, ?, CAST(? AS TEXT), CAST(? AS TEXT), ?, ?, CAST(? AS TEXT), ?)",
        (
            *(conversation, node.number, node.parent, request),
            *message_values(node.message),
            add_files(db, node.message.attachments),
        ),
    )


def _next_number(db: sqlite3.Connection, conversation: int) -> int:
    row = db.execute("SELECT max(number) FROM messages WHERE conversation = ?", (conversation,)).fetchone()
    return int(row[0] or 0) + 1


def _write_question(db: sqlite3.Connection, entry: Entry) -> None:
    assert entry.question
    if entry.question_number:
        state = entry.question.state
        db.execute(
            "UPDATE messages SET state = ? WHERE conversation = ? AND number = ? AND state != ?",
            (state, entry.conversation, entry.question_number, state),
        )
    else:
        entry.question_number = _next_number(db, entry.conversation)
        node = Node(entry.question_number, entry.parent, entry.question)
        _add_message(db, entry.conversation, node, None)


def _write_request(db: sqlite3.Connection, entry: Entry, ended: bool) -> None:
    assert entry.request
    if entry.request_id is None:
        entry.request_id = add_request(db, entry.conversation, entry.request)
    elif ended:
        end_request(db, entry.request_id, entry.request)


def _write_answer(db: sqlite3.Connection, entry: Entry, choice: int, message: Message) -> None:
    number = entry.numbers.get(choice)
    if number is None:
        number = entry.numbers[choice] = _next_number(db, entry.conversation)
        _add_message(db, entry.conversation, Node(number, entry.asked, message), entry.request_id)
        return
    db.execute(
        "UPDATE messages SET role = ?, content = CAST(? AS TEXT), reasoning = CAST(? AS TEXT),"
        " tool_calls = ?, state = ?, logprobs = CAST(? AS TEXT), request = ?"
        " WHERE conversation = ? AND number = ?",
        (*message_values(message), entry.request_id, entry.conversation, number),
    )


def _touch(db: sqlite3.Connection, entry: Entry, ended: bool) -> None:
    """Note when the conversation changed; the head follows an answer as soon as it says something."""
    turns = int(ended and entry.head != entry.parent)
    head = entry.head if entry.numbers else None
    db.execute(
        "UPDATE conversations SET changed = ?, turns = turns + ?, head = coalesce(?, head) WHERE id = ?",
        (time.time(), turns, head, entry.conversation),
    )
    if entry.request:
        model = (stored(entry.request.model), entry.conversation)
        db.execute("UPDATE conversations SET model = CAST(? AS TEXT) WHERE id = ?", model)


def _delete_texts(db: sqlite3.Connection, candidates: Iterable[int]) -> None:
    """Delete those of these texts that no request uses any more."""
    for text in candidates:
        db.execute(
            "DELETE FROM texts WHERE id = ? AND NOT EXISTS"
            " (SELECT 1 FROM requests WHERE fields = texts.id OR chosen = texts.id OR system = texts.id)",
            (text,),
        )


def _delete_files(db: sqlite3.Connection, candidates: Iterable[int]) -> None:
    """Delete those of these files that no message has any more."""
    for file in candidates:
        db.execute(
            "DELETE FROM files WHERE id = ? AND NOT EXISTS"
            " (SELECT 1 FROM messages, json_each(attachments)"
            " WHERE attachments != '[]' AND json_extract(value, '$[2]') = files.id)",
            (file,),
        )
