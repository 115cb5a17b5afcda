"""The terminal while a reply streams: what is typed waits, Ctrl-Z makes room, the bell tells the end."""

import contextlib
from collections.abc import Iterator
from typing import TextIO

from prompt_toolkit.input import Input

from llmchat.interruptions import Suspension, ctrl_z
from llmchat.terminal.bell import bell
from llmchat.terminal.focus import Focus
from llmchat.terminal.typeahead import Keyboard, typed_text


class Meanwhile:
    """What comes from the terminal between two prompts that read from `prompt_input`."""

    def __init__(self, out: TextIO, keyboard: Keyboard, prompt_input: Input) -> None:
        self._out = out
        self._keyboard = keyboard
        self._input = prompt_input
        self._focus = Focus(out)
        self._suspension = Suspension(self._leave, self._come_back)
        self._pressed = ""
        self._rings_after = 0

    @contextlib.contextmanager
    def replying(self, rings_after: int) -> Iterator[Suspension]:
        """While a reply streams: what is typed is not echoed, and kept.

        The bell rings at its end when it took so many seconds (0: never), unless the window is known
        to be in front.
        """
        self._rings_after = rings_after
        with bell(self._out, rings_after, lambda: self._focus.is_in_front):
            try:
                self._attend()
                with ctrl_z(self._suspension.ask):
                    yield self._suspension
            finally:
                self._take()

    def typed(self) -> str:
        """The text that was typed meanwhile; each only once."""
        typed, self._pressed = typed_text(self._pressed), ""
        return typed

    def line_read(self) -> None:
        """A line was typed just now: the window is in front."""
        self._focus.entered()

    def _attend(self) -> None:
        self._keyboard.silence()
        if self._rings_after and self._keyboard.is_there:
            self._focus.watch()

    def _take(self) -> None:
        """Take what has come, so that nobody else reads it."""
        self._focus.unwatch()
        pressed = self._keyboard.pressed(self._input)
        self._focus.take(pressed)
        self._pressed += pressed

    def _leave(self) -> None:
        self._take()
        self._keyboard.restore()

    def _come_back(self) -> None:
        self._focus.entered()
        self._attend()
