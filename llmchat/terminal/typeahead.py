"""What is typed while a reply streams: not echoed, and not lost."""

import contextlib
import os
import re
import select
import sys
from typing import Any

from prompt_toolkit.input import Input
from prompt_toolkit.input.typeahead import get_typeahead

_KEYS = re.compile(r"\x1b\[20[01]~|\x1b\[[0-?]*[ -/]*[@-~]|\x1bO.|\x1b.?", re.DOTALL)
_BACKSPACE = ("\x7f", "\x08")
_CLEAR_LINE = "\x15"


class Keyboard:
    """The terminal's input between two prompts; does nothing where there is no POSIX terminal."""

    def __init__(self) -> None:
        self._fd = sys.stdin.fileno() if sys.platform != "win32" and sys.stdin.isatty() else None
        self._before: list[Any] = []

    def silence(self) -> None:
        """Echo nothing and keep what is typed, outside of prompts; Ctrl-C stays a signal.

        May be called again: a shell that had the terminal meanwhile has made it echo.
        """
        if self._fd is None:
            return
        import termios

        self._before = self._before or termios.tcgetattr(self._fd)
        quiet = termios.tcgetattr(self._fd)
        quiet[0] &= ~termios.ICRNL  # Enter stays Enter; prompt_toolkit reads a line end as Ctrl-J
        quiet[3] &= ~(termios.ECHO | termios.ICANON)
        quiet[3] |= termios.NOFLSH  # Ctrl-C throws away nothing that was typed before it
        termios.tcsetattr(self._fd, termios.TCSADRAIN, quiet)

    def restore(self) -> None:
        """Leave the terminal as it was."""
        if self._fd is None or not self._before:
            return
        import termios

        with contextlib.suppress(termios.error):  # there may be no terminal any more
            termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)

    @property
    def is_there(self) -> bool:
        """Whether there is a terminal to read from."""
        return self._fd is not None

    def pressed(self, prompt_input: Input) -> str:
        """What has come since the last prompt, as it came: what that had read already, and what waits."""
        pressed = "".join(press.data for press in get_typeahead(prompt_input)).encode()
        if self._fd is not None:
            while select.select([self._fd], [], [], 0)[0] and (more := os.read(self._fd, 65536)):
                pressed += more
        return pressed.decode("utf-8", "ignore")


def typed_text(raw: str) -> str:
    """The text that raw key presses mean: corrections applied, cursor and function keys dropped."""
    text: list[str] = []
    for char in _KEYS.sub("", raw).replace("\r", "\n"):
        if char in _BACKSPACE:
            del text[-1:]
        elif char == _CLEAR_LINE:
            text.clear()
        elif char in "\n\t" or char.isprintable():
            text.append(char)
    return "".join(text)
