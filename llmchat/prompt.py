"""The only file that reads from the terminal: the prompt, and what is typed while a reply streams."""

import contextlib
import os
import queue
import re
import select
import sys
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from prompt_toolkit import PromptSession
from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import create_output

from llmchat.sanitize import safe

SIGN = "> "

_FIRST_KEYS = 0.1
"""Seconds that the first prompt has the processor for itself, so that the first keys show at once."""

_KEYS = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1bO.|\x1b.?")
_BACKSPACE = ("\x7f", "\x08")


class Prompt:
    """Reads lines with prompt_toolkit."""

    def __init__(self, out: TextIO) -> None:
        self._first: str | BaseException | None = None
        self._announced: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._typed = ""
        self._session: PromptSession[str] = PromptSession(
            SIGN, key_bindings=_key_bindings(), output=create_output(out)
        )

    def open(self, meanwhile: Callable[[], None]) -> None:
        """Show the first prompt and wait for its line, which `read` then gives out.

        `meanwhile` is called once the prompt is there; the rest of the program is imported then.
        """
        called = False

        def call_once(_: Any = None) -> None:
            nonlocal called
            if not called:
                called = True
                meanwhile()

        def shown(app: Any) -> None:
            app.loop.call_later(_FIRST_KEYS, call_once)

        self._session.app.after_render += shown
        try:
            self._first = self._session.prompt()
        except (EOFError, KeyboardInterrupt) as error:
            self._first = error
        self._session.app.after_render -= shown
        call_once()

    def read(self, default: str = "") -> str:
        """A line; it starts out as `default` and what was typed ahead.

        Raises EOFError for Ctrl-D, and KeyboardInterrupt for Ctrl-C on an empty line.
        """
        if self._first is not None:
            first, self._first = self._first, None
            if isinstance(first, BaseException):
                raise first
            return first
        typed, self._typed = self._typed, ""
        self._show_announced()
        return self._session.prompt(default=default + typed)

    def announce(self, text: str) -> None:
        """Show a line above the prompt, now or with the next one; may be called from any thread."""
        self._announced.put(text)
        app = self._session.app
        if app.is_running and app.loop:
            app.loop.call_soon_threadsafe(lambda: run_in_terminal(self._show_announced))

    @contextlib.contextmanager
    def replying(self) -> Iterator[None]:
        """While a reply streams: what is typed is not echoed, and stands at the next prompt."""
        with _silent_terminal() as typed:
            yield
        self._typed += typed_text("".join(typed))

    def _show_announced(self) -> None:
        while not self._announced.empty():
            self._session.app.output.write(safe(self._announced.get()) + "\n")
        self._session.app.output.flush()


def _key_bindings() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("c-c")
    def _(event: KeyPressEvent) -> None:
        """Clear the line; on an empty one, tell how to leave."""
        if event.current_buffer.text:
            event.current_buffer.reset()
        else:
            event.app.exit(exception=KeyboardInterrupt)

    return keys


def typed_text(raw: str) -> str:
    """The text that raw key presses mean: backspace applied, cursor and function keys dropped."""
    text: list[str] = []
    for char in _KEYS.sub("", raw).replace("\r", "\n"):
        if char in _BACKSPACE:
            del text[-1:]
        elif char == "\n" or char.isprintable():
            text.append(char)
    return "".join(text)


@contextlib.contextmanager
def _silent_terminal() -> Iterator[list[str]]:
    """Echo nothing and keep key presses; at the end the list holds them. Ctrl-C stays a signal."""
    typed: list[str] = []
    if sys.platform == "win32" or not sys.stdin.isatty():
        yield typed
        return
    import termios

    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd)
    quiet = termios.tcgetattr(fd)
    quiet[3] &= ~(termios.ECHO | termios.ICANON)
    termios.tcsetattr(fd, termios.TCSADRAIN, quiet)
    try:
        yield typed
    finally:
        pressed = b""
        while select.select([fd], [], [], 0)[0] and (more := os.read(fd, 65536)):
            pressed += more
        typed.append(pressed.decode("utf-8", "ignore"))
        termios.tcsetattr(fd, termios.TCSADRAIN, before)
