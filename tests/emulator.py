"""A terminal to look at: what stands on the screen and in the scrollback after some output."""

import re
import unicodedata
from functools import cache

import pyte
from pyte.screens import Char
from wcwidth import wcwidth

Cell = tuple[str, str, str, bool, bool, bool, bool]
"""Character, foreground, background, bold, italic, underlined, struck out."""

_BLANK: Cell = (" ", "default", "default", False, False, False, False)

_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


class Terminal(pyte.Screen):
    """A screen that keeps what scrolls off its top in `scrollback`."""

    def __init__(self, columns: int, rows: int) -> None:
        self.scrollback: list[dict[int, Char]] = []
        super().__init__(columns, rows)
        self.set_mode(pyte.modes.LNM)
        self._stream = pyte.Stream(self)

    def index(self) -> None:
        if self.cursor.y == self.lines - 1:
            self.scrollback.append(self.buffer[0])
        super().index()

    def write(self, output: str) -> None:
        """Take in some output."""
        self._stream.feed(_NOT_ASCII.sub(lambda found: _taken(found[0]), output))

    @property
    def history(self) -> list[list[Cell]]:
        """All rows that were ever written, without the blank end of each and of all."""
        rows = [_cells(row, self.columns) for row in self.scrollback]
        rows += [_cells(self.buffer[y], self.columns) for y in range(self.lines)]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    @property
    def text(self) -> list[str]:
        """The same as strings."""
        return ["".join(cell[0] for cell in row) for row in self.history]


@cache
def _taken(char: str) -> str:
    """The character, unless pyte 0.8.2 would drop the rest of the write after it: one without width
    that it combines with none, such as a vowel sign of Devanagari."""
    return "" if wcwidth(char) == 0 and not unicodedata.combining(char) else char


def _cells(row: dict[int, Char], columns: int) -> list[Cell]:
    cells = [_cell(row[x]) if x in row else _BLANK for x in range(min(columns, max(row, default=-1) + 1))]
    while cells and cells[-1] == _BLANK:
        cells.pop()
    return cells


def _cell(char: Char) -> Cell:
    return (
        char.data,
        char.fg,
        char.bg,
        char.bold,
        char.italics,
        char.underscore,
        char.strikethrough,
    )
