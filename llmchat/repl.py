"""The loop: read a line, run it or send it, show what comes back. One-shot: the same without a prompt."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

from llmchat.chat import Chat, Turn
from llmchat.commands import registry
from llmchat.errors import LlmchatError
from llmchat.registry import Quit, Result, Send, Table, is_command
from llmchat.screen import Screen


class Reader(Protocol):
    """Where lines come from: the prompt, or a test."""

    def read(self, default: str = "") -> str:
        """A line. Raises EOFError at the end, KeyboardInterrupt for Ctrl-C on an empty line."""
        ...

    def replying(self) -> AbstractContextManager[None]:
        """While a reply streams."""
        ...


class Repl:
    """One session: `run` reads and answers until the user leaves, then ends what the chat started."""

    def __init__(self, chat: Chat, reader: Reader, screen: Screen) -> None:
        self._chat = chat
        self._reader = reader
        self._screen = screen
        self._given_back = ""

    def run(self) -> None:
        """Read and answer until the user leaves."""
        with contextlib.closing(self._chat):
            while (line := self._read()) is not None:
                if line.strip() and self._answer(line) is Quit:
                    return

    def _read(self) -> str | None:
        """A line; None when the user leaves. What was given back stands in it already."""
        given_back, self._given_back = self._given_back, ""
        try:
            return self._reader.read(given_back)
        except KeyboardInterrupt:
            self._screen.note("Ctrl-D or /exit leaves.")
            return ""
        except EOFError:
            return None

    def _answer(self, line: str) -> type[Quit] | None:
        """Run or send a line; `Quit` when it says so."""
        try:
            if not is_command(line):
                self._send(line.removeprefix("/") if line.startswith("//") else line)
                return None
            result = registry.run(self._chat, line)
        except LlmchatError as error:
            self._screen.error(error)
            return None
        except KeyboardInterrupt:
            self._screen.note("Stopped.")
            return None
        return self._show(result)

    def _show(self, result: Result) -> type[Quit] | None:
        match result:
            case str():
                self._screen.text(result)
            case Table():
                self._screen.table(result)
            case Send(text):
                self._send(text)
            case Quit():
                return Quit
            case None:
                pass
        return None

    def _send(self, question: str | None) -> None:
        """Send a question; when it was not answered, it comes back for editing."""
        turn = None
        try:
            turn = self._chat.turn(question)
            with self._reader.replying(), ctrl_c(turn.stop):
                answer(turn, self._screen)
        except LlmchatError as error:
            self._screen.error(error)
        if turn and turn.stopped and not turn.committed:
            self._screen.note("Stopped before an answer came.")
        if turn and not turn.committed and question is not None:
            self._given_back = question


def answer(turn: Turn, screen: Screen) -> None:
    """Show a turn while it arrives, and what is to be said after it, also when it broke."""
    try:
        with turn:
            screen.stream(turn)
    finally:
        screen.after(turn)


def one_shot(chat: Chat, question: str, screen: Screen) -> bool:
    """Answer one question; whether Ctrl-C has stopped it."""
    turn = chat.turn(question)
    with ctrl_c(turn.stop):
        answer(turn, screen)
    return turn.stopped


@contextlib.contextmanager
def ctrl_c(stop: Callable[[], None]) -> Iterator[None]:
    """Let Ctrl-C call `stop` instead of breaking off whatever is being done, such as a frame."""

    def handle(_signal: int, _frame: Any) -> None:
        stop()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
