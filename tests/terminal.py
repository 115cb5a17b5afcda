"""The real program in a real pty, looked at through pyte: `with terminal("--demo") as screen`."""

import contextlib
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pexpect
import pyte
from pyte.screens import Char

LONGEST_WAIT = 30.0
"""A guard against hanging, in seconds; nothing is expected to take that long."""

_forking = threading.Lock()
"""filelock, which a test may have imported, lets no thread fork while another one does."""

# pyte drops the rest of a write after these.
_ZERO_WIDTH = re.compile("[\ufe0f\u200d\u200c]")
# How the row with the cursor ends where something can be typed.
_WAITING = (">", "[y/N]")
_SGR = re.compile(r"\x1b\[([\d;]*)m")
_ASKS_FOR_CURSOR = "\x1b[6n"


class Terminal:
    """A terminal of `columns` x `rows` with the program in it."""

    def __init__(self, command: list[str], columns: int, rows: int, environ: dict[str, str]) -> None:
        self._screen = pyte.HistoryScreen(columns, rows, history=10_000, ratio=0.5)
        self._stream = pyte.Stream(self._screen)
        self.raw = ""
        with _forking:
            self.child = pexpect.spawn(
                command[0],
                command[1:],
                dimensions=(rows, columns),
                encoding="utf-8",
                codec_errors="replace",
                env={**os.environ, "TERM": "xterm-256color", "LINES": "", "COLUMNS": "", **environ},
            )
        self.child.delaybeforesend = None

    def type(self, keys: str) -> None:
        """Press keys."""
        self.child.send(keys)

    def paste(self, text: str) -> None:
        """Paste a text, as a terminal does that takes nothing out of it."""
        self.type(f"\x1b[200~{text}\x1b[201~")

    def line(self, text: str) -> None:
        """Type a line and Enter."""
        self.type(text + "\r")

    def wait_for(self, text: str) -> str:
        """Read until `text` is in the scrollback or on the screen; what is there then."""
        return self.wait_until(lambda shown: text in shown, text)

    def wait_until(self, there: Callable[[str], bool], what: str = "") -> str:
        """Read until what is shown fits; fails with the screen when it does not."""
        end = time.monotonic() + LONGEST_WAIT
        while not there(self.text):
            if time.monotonic() > end:
                raise AssertionError(f"waited for {what!r} in vain:\n{self.text}")
            self._read(0.05)
        return self.text

    def answer(self, line: str) -> list[str]:
        """Type a line and read until the next prompt or question; the rows that are shown in between."""
        before = len(self.above)
        self.line(line)
        self.wait_until(lambda _: self.cursor_line.endswith(_WAITING) and len(self.above) > before, line)
        return self.above[before + 1 :]

    def wait_for_prompt(self) -> str:
        """Read until the cursor stands at an empty prompt; what is shown then."""
        return self.wait_until(lambda _: self.cursor_line == ">", "an empty prompt")

    def settle(self, seconds: float = 0.3) -> str:
        """Read until nothing has come for this long; what is shown then."""
        while self._read(seconds):
            pass
        return self.text

    def wait_for_end(self) -> int:
        """Read until the program ends; its exit code (negative: a signal)."""
        end = time.monotonic() + LONGEST_WAIT
        while self.child.isalive() and time.monotonic() < end:
            self._read(0.05)
        self.child.close()
        return self.child.exitstatus if self.child.exitstatus is not None else -(self.child.signalstatus or 0)

    def hang_up(self) -> int:
        """Close the terminal, as a window is closed; the program's exit code."""
        window: Any = self.child
        window.ptyproc.fileobj.close()
        window.ptyproc.closed = window.closed = True
        return int(window.wait())

    @property
    def text(self) -> str:
        """Scrollback and screen as text, blank ends removed."""
        return "\n".join([*self._scrollback, *map(str.rstrip, self._screen.display)]).rstrip()

    @property
    def above(self) -> list[str]:
        """The rows above the one with the cursor, the scrollback's too."""
        return [*self._scrollback, *map(str.rstrip, self._screen.display[: self._screen.cursor.y])]

    @property
    def title(self) -> str:
        """The window's title."""
        return str(self._screen.title)

    @property
    def cells(self) -> list[list[Char]]:
        """What is on the screen, a row a list."""
        return [self._cells_of(self._screen.buffer[y]) for y in range(self._screen.lines)]

    @property
    def all_cells(self) -> list[list[Char]]:
        """What is in the scrollback and on the screen, a row a list."""
        return [*map(self._cells_of, self._screen.history.top), *self.cells]

    @property
    def cursor_line(self) -> str:
        """The row with the cursor."""
        return self._screen.display[self._screen.cursor.y].rstrip()

    @property
    def _scrollback(self) -> list[str]:
        rows = map(self._cells_of, self._screen.history.top)
        return ["".join(cell.data for cell in row).rstrip() for row in rows]

    def _cells_of(self, row: Mapping[int, Char]) -> list[Char]:
        return [row[x] for x in range(self._screen.columns)]

    def _read(self, timeout: float) -> bool:
        try:
            data = self.child.read_nonblocking(65536, timeout)
        except (pexpect.TIMEOUT, pexpect.EOF):
            return False
        self.raw += data
        self._stream.feed(_SGR.sub(_without_dim, _ZERO_WIDTH.sub("", data)))
        for _ in range(data.count(_ASKS_FOR_CURSOR)):
            cursor = self._screen.cursor
            self.child.send(f"\x1b[{cursor.y + 1};{cursor.x + 1}R")
        return True


def _without_dim(found: re.Match[str]) -> str:
    """pyte knows no dim; grey looks the same."""
    numbers = found[1].split(";")
    if "38" in numbers or "48" in numbers:
        return found[0]
    return f"\x1b[{';'.join('90' if number == '2' else number for number in numbers)}m"


@contextlib.contextmanager
def terminal(
    *arguments: str, home: Path, columns: int = 80, rows: int = 24, **environ: str
) -> Iterator[Terminal]:
    """llmchat with these arguments in a terminal; ended with the block."""
    command = [sys.executable, "-m", "llmchat", *arguments]
    with in_terminal(command, home=home, columns=columns, rows=rows, **environ) as there:
        yield there


@contextlib.contextmanager
def in_terminal(
    command: list[str], *, home: Path, columns: int = 80, rows: int = 24, **environ: str
) -> Iterator[Terminal]:
    """Any program in a terminal, such as a shell; ended with the block."""
    there = Terminal(command, columns, rows, {"LLMCHAT_HOME": str(home), **environ})
    try:
        yield there
    finally:
        there.child.close(force=True)
