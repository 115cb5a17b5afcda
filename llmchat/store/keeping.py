"""Where the chat's conversation is kept: in the store, or in memory when that fails."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from llmchat.errors import StoreError
from llmchat.messages import Conversation, Message
from llmchat.store.records import Record

if TYPE_CHECKING:
    # SQLite is needed once the prompt is shown, not before.
    from llmchat.store.writing import Entry, Store

T = TypeVar("T")


class Keeping:
    """The store of this session, and the conversation's `id` there (0 until it has begun).

    `path` is None when nothing is to be kept: the same store works in memory then. When the file
    cannot be used the conversation goes on in memory too, and `told` says so once. `current`
    tells the conversation as the chat knows it.
    """

    def __init__(self, path: Path | None, current: Callable[[], Conversation]) -> None:
        self.path = path
        self.id = 0
        self._warnings: list[str] = []
        self._rescued_messages = 0
        self._current = current
        self._store: Store | None = None

    @property
    def store(self) -> "Store":
        """The store, opened when it is first wanted. For what may fail there is `do`."""
        from llmchat.store.writing import Store

        if self._store is None:
            try:
                self._store = Store(self.path)
            except StoreError as error:
                self._store = self._in_memory(error)
        return self._store

    def do(self, work: "Callable[[Store], T]") -> T:
        """Read or write; in memory when the store fails. `work` looks up `id` when it is called."""
        try:
            return work(self.store)
        except StoreError as error:
            self._store = self._in_memory(error)
            return work(self._store)

    def begin(self, parent: int, question: Message | None) -> "Entry":
        """Write that a turn begins: its question follows `parent`."""
        from llmchat.store.writing import Entry

        entry = Entry(self.id, parent, question)
        if question:
            self.write(entry)
        return entry

    def write(self, entry: "Entry", *, ended: bool = False) -> None:
        """Write what is new in a turn; in memory, all of it, when the store fails."""
        try:
            self._write(self.store, entry, ended)
        except StoreError as error:
            self._store = self._in_memory(error)
            self._write(self._store, entry, ended)
        self.id = entry.conversation

    def _write(self, store: "Store", entry: "Entry", ended: bool) -> None:
        # Of several turns at once, the others do not see that the store has failed.
        if entry.store not in (None, store):
            entry.forget(self.id, self._rescued_messages)
        entry.store = store
        store.write(entry, ended=ended)

    def grown(self, entry: "Entry") -> Conversation:
        """The conversation with what a turn, and other programs, have added to it."""
        known = self._current()
        first = min(entry.first_number or len(known.nodes) + 1, len(known.nodes) + 1)
        return known.merged(self.do(lambda store: store.nodes(self.id, first)))

    def told(self) -> list[str]:
        """What the user should know and has not been told."""
        warnings, self._warnings = self._warnings, []
        return warnings

    def close(self) -> None:
        """Close the store."""
        if self._store:
            with contextlib.suppress(StoreError):
                self._store.close()
            self._store = None

    def _in_memory(self, error: StoreError) -> "Store":
        """A store in memory, with what is known of the conversation."""
        from llmchat.store.database import put_aside
        from llmchat.store.writing import Store

        memory, rescued = Store(), self._rescued()
        self.id = memory.add(rescued) if self.id else 0
        self._rescued_messages = len(rescued.conversation.nodes) if self.id else 0
        self.close()
        told = error.sentence
        if error.damaged and self.path:
            aside = put_aside(self.path, time.strftime("%Y%m%d-%H%M%S"))
            told += f" It was put aside as {aside.name}."
        self._warnings.append(f"{told} This chat goes on in memory and is not kept. {error.hint}".strip())
        self.path = None
        return memory

    def _rescued(self) -> Record:
        """The conversation as the chat knows it, and its requests as far as the store still tells."""
        known = self._current()
        stored = None
        with contextlib.suppress(StoreError):
            stored = self._store.record(self.id) if self._store else None
        if stored is None:
            return Record("", known)
        last = len(known.nodes)
        # Those on their way are written anew by their turns.
        ended = (r for r in stored.requests if r.seconds is not None)
        requests = tuple(r for r in ended if max(r.parent, *r.answers, 0) <= last)
        return replace(stored, conversation=known, requests=requests)
