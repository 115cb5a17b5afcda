"""Reading: whole conversations, lists of them, and the search through all words."""

import contextlib
import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from llmchat.messages import Conversation, Node
from llmchat.store.database import Database, stored
from llmchat.store.records import Record, Request
from llmchat.store.rows import NODE_COLUMNS, REQUEST_COLUMNS, REQUEST_TABLES, node_of, request_of

_LISTED = 50


@dataclass(frozen=True, slots=True)
class Listed:
    """A conversation in a list; `changed` is Unix seconds."""

    id: int
    title: str
    changed: float
    turns: int
    model: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that has the words, with the words around them."""

    conversation: int
    title: str
    number: int
    role: str
    state: str
    context: str


class Reading:
    """The reading half of the store."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def nodes(self, conversation: int, first: int = 1) -> tuple[Node, ...]:
        """The messages of a conversation from this number on."""
        sql = f"SELECT {NODE_COLUMNS} FROM messages WHERE conversation = ? AND number >= ? ORDER BY number"
        file = cache(self._file)  # the same one may go with many messages
        return tuple(node_of(row, file) for row in self._all(sql, conversation, first))

    def _file(self, id: int) -> str:
        return str(self._all("SELECT data FROM files WHERE id = ?", id)[0][0])

    def record(self, conversation: int) -> Record | None:
        """A whole conversation; None when there is none with this id."""
        sql = "SELECT title, begun FROM conversations WHERE id = ?"
        found = self._all(sql, conversation)
        if not found:
            return None
        title, begun = found[0]
        requests = self._requests("conversation = ? ORDER BY requests.id", conversation)
        return Record(title, self.conversation(conversation) or Conversation(), requests, begun)

    def title(self, conversation: int) -> str | None:
        """The title of a conversation; None when there is none with this id."""
        found = self._all("SELECT title FROM conversations WHERE id = ?", conversation)
        return found[0][0] if found else None

    def conversation(self, conversation: int) -> Conversation | None:
        """The messages, the stored head and what is omitted; None when there is none with this id."""
        found = self._all("SELECT head, omitted FROM conversations WHERE id = ?", conversation)
        if not found:
            return None
        head, omitted = found[0]
        return Conversation(self.nodes(conversation), head, frozenset(json.loads(omitted)))

    def request(self, conversation: int, number: int) -> Request | None:
        """The request that brought a message, or that asked it; None when there is none."""
        brought = "requests.id = (SELECT request FROM messages WHERE conversation = ? AND number = ?)"
        asked = "conversation = ? AND parent = ? ORDER BY requests.id DESC LIMIT 1"
        found = self._requests(brought, conversation, number) or self._requests(asked, conversation, number)
        return found[0] if found else None

    def compared(self, conversation: int, question: int | None = None) -> tuple[Request, ...]:
        """The requests of the latest comparison, or of the latest about this question, in their order."""
        about, values = ("", ()) if question is None else (" AND parent = ?", (question,))
        latest = (
            'SELECT "group" FROM requests WHERE conversation = ? AND "group" != \'\''
            f"{about} ORDER BY id DESC LIMIT 1"
        )
        condition = f'conversation = ? AND "group" = ({latest}) ORDER BY requests.id'
        return self._requests(condition, conversation, conversation, *values)

    def last_request(self, conversation: int) -> Request | None:
        """The latest request of a conversation; None when there is none."""
        found = self._requests("conversation = ? ORDER BY requests.id DESC LIMIT 1", conversation)
        return found[0] if found else None

    def chats(self, words: str = "", limit: int = _LISTED) -> tuple[Listed, ...]:
        """Conversations, the last changed first: all, or those with all these words in title or text."""
        columns = "SELECT id, title, changed, turns, model FROM conversations"
        order = "ORDER BY changed DESC, id DESC LIMIT ?"
        if not words.strip():
            return tuple(Listed(*row) for row in self._all(f"{columns} {order}", limit))
        ids = self._with_words(words, limit)
        titled = " AND ".join("title LIKE CAST(? AS TEXT) ESCAPE '\\'" for _ in words.split())
        likes = [stored(f"%{_escaped(word)}%") for word in words.split()]
        sql = f"{columns} WHERE id IN (SELECT value FROM json_each(?)) OR ({titled}) {order}"
        return tuple(Listed(*row) for row in self._all(sql, json.dumps(ids), *likes, limit))

    def find(self, words: str, limit: int, within: int = 0, apart_from: int = 0) -> tuple[Hit, ...]:
        """The latest messages with all these words, in one conversation or in all but one."""
        place = f' AND place : "conversation{within}"' if within else ""
        place += f' NOT place : "conversation{apart_from}"' if apart_from else ""
        sql = (
            "SELECT conversation, title, number, role, state, snippet(search, -1, '«', '»', '…', 24)"
            " FROM search JOIN messages ON messages.id = search.rowid"
            " JOIN conversations ON conversations.id = messages.conversation"
            " WHERE search MATCH ? ORDER BY search.rowid DESC LIMIT ?"
        )
        for query in _queries(words):
            if found := self._all(sql, query + place, limit):
                return tuple(Hit(*row) for row in found)
        return ()

    def probes(self, server: str, model: str) -> dict[str, str]:
        """What was found out about the parameters of a model on a server: verdicts by name."""
        sql = (
            "SELECT parameter, verdict FROM probes"
            " WHERE server = CAST(? AS TEXT) AND model = CAST(? AS TEXT) ORDER BY parameter"
        )
        return dict(self._all(sql, stored(server), stored(model)))

    def last(self) -> int | None:
        """The conversation that was changed last."""
        found = self._all("SELECT id FROM conversations ORDER BY changed DESC, id DESC LIMIT 1")
        return found[0][0] if found else None

    def titled(self, title: str) -> tuple[Listed, ...]:
        """The conversations with this title, else those with it in their title, the latest first."""
        sql = (
            "SELECT id, title, changed, turns, model FROM conversations"
            " WHERE title LIKE CAST(? AS TEXT) ESCAPE '\\' ORDER BY changed DESC LIMIT ?"
        )
        for pattern in (_escaped(title), f"%{_escaped(title)}%"):
            if found := self._all(sql, stored(pattern), _LISTED):
                return tuple(Listed(*row) for row in found)
        return ()

    def _with_words(self, words: str, limit: int) -> list[int]:
        """The conversations of the latest messages with all these words."""
        sql = (
            "SELECT conversation FROM search JOIN messages ON messages.id = search.rowid"
            " WHERE search MATCH ? ORDER BY search.rowid DESC"
        )
        found: dict[int, None] = {}
        for query in _queries(words):
            with self.database.reading() as db, contextlib.closing(db.execute(sql, (query,))) as rows:
                for (conversation,) in rows:
                    found[conversation] = None
                    if len(found) == limit:
                        break
            if found:
                break
        return list(found)

    def _requests(self, condition: str, *values: Any) -> tuple[Request, ...]:
        sql = f"SELECT {REQUEST_COLUMNS} FROM {REQUEST_TABLES} WHERE {condition}"
        return tuple(map(request_of, self._all(sql, *values)))

    def _all(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.database.reading() as db:
            return db.execute(sql, values).fetchall()


def _queries(words: str) -> tuple[str, ...]:
    """The index's queries to try in turn: all these words, then with the last of them only begun.

    A beginning that many words share is slow, and as a rule the words are there as they are.
    """
    found = re.findall(r"\w+", words)
    if not found:
        return ()
    every = " AND ".join(f'"{word}"' for word in found)
    return "{content reasoning} : (" + every + ")", "{content reasoning} : (" + every + "*)"


def _escaped(text: str) -> str:
    """A text for LIKE that stands for itself."""
    return re.sub(r"([\\%_])", r"\\\1", text)
