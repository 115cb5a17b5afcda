"""The whole program in process, as a conversation: `session(server, "hi", "/undo")`."""

import contextlib
import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llmchat.chat import Chat
from llmchat.config import settings as settings_file
from llmchat.config.settings import Settings, data_folder
from llmchat.input.lines import Line
from llmchat.interruptions import Suspension
from llmchat.launch.opening import STORE
from llmchat.messages import Conversation
from llmchat.repl import Repl
from llmchat.store.writing import Store
from llmchat.terminal.screen import Screen

WIDTH = 500
"""Columns; wide, so that a sentence stands in one row."""


@dataclass
class Session:
    """What a session left: the screen's text, and what was in the chat. `offered` is each default
    that the prompt began with."""

    screen: str
    chat: Chat
    offered: list[str] = field(default_factory=list)

    @property
    def conversation(self) -> Conversation:
        return self.chat.conversation

    @property
    def said(self) -> list[tuple[str, str]]:
        """Role and content of each message on the path."""
        return [(message.role, message.content) for message in self.conversation.messages()]


class Lines:
    """A reader that gives out lines; an exception among them is raised, as Ctrl-C would be."""

    def __init__(self, lines: tuple[Any, ...], screen: io.StringIO) -> None:
        self._lines = iter(lines)
        self._screen = screen
        self.offered: list[str] = []

    def read(self, default: str = "") -> Line:
        self.offered.append(default)
        line = next(self._lines, EOFError())
        if isinstance(line, BaseException):
            raise line
        self._screen.write(f"> {line}\n")
        return line if isinstance(line, Line) else Line(str(line))

    def ask(self, question: str, hidden: bool = False) -> str:
        self._screen.write(f"{question} ")
        return "" if hidden else str(next(self._lines, ""))

    def edit(self, text: str) -> str:
        self._screen.write(f"[editing {text!r}] ")
        return str(next(self._lines, ""))

    @contextlib.contextmanager
    def replying(self) -> Iterator[Suspension]:
        yield Suspension()


def settings_for(url: str, **flags: Any) -> Settings:
    """The settings of a program started with `--url` and these parameters."""
    return settings_file.with_params(settings_file.with_url(Settings(), url), flags, "flag")


_opened: list[Chat | Store] = []


def chat_with(settings: Settings, path: Path | None = None) -> Chat:
    """A chat that is closed when the test has ended, however often its store was opened again."""
    chat = Chat(settings, path)
    _opened.append(chat)
    return chat


def store_at(path: Path | None = None) -> Store:
    """A store that is closed when the test has ended."""
    store = Store(path)
    _opened.append(store)
    return store


def close_opened() -> None:
    """Close what these two have given out."""
    with contextlib.ExitStack() as closing:
        while _opened:
            closing.callback(_opened.pop().close)


def session(
    url: str,
    *lines: Any,
    rendered: bool = False,
    settings: Settings | None = None,
    store: bool = True,
    on_chat: Callable[[Chat], object] | None = None,
) -> Session:
    """Run a session with these lines against the server at `url`; ends as with Ctrl-D.

    `on_chat` is called with the chat before the first line.
    """
    out = io.StringIO()
    chat = chat_with(settings or settings_for(url), data_folder(os.environ) / STORE if store else None)
    reader = Lines(lines, out)
    chat.connection.connect(chat.settings.address)
    if on_chat:
        on_chat(chat)
    Repl(chat, reader, Screen(out, out, rendered=rendered, width=WIDTH)).run()
    return Session(out.getvalue(), chat, reader.offered)


def perform(settings: Settings, *lines: str, answers: tuple[str, ...] = ()) -> None:
    """Run a session with these lines, in which `answers` are given to questions; raises the first error."""
    out = io.StringIO()
    with contextlib.closing(Chat(settings, data_folder(os.environ) / STORE)) as chat:
        chat.connection.connect(settings.address)
        repl = Repl(chat, Lines(answers, out), Screen(out, out, rendered=False, width=WIDTH))
        for line in lines:
            repl.perform(Line(line))
