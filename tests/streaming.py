"""A reply streamed through the real view onto a terminal to look at, and the same reply drawn at once."""

import io
import random
from collections.abc import Iterable

from rich.console import Console

from llmchat.terminal import markdown
from llmchat.terminal.painter import Painter
from llmchat.terminal.render import Renderer
from llmchat.terminal.sanitize import safe
from llmchat.terminal.themes import theme
from llmchat.terminal.view import Rendered
from llmchat.wire.deltas import Text
from tests.emulator import Cell, Terminal


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Window(io.StringIO):
    """A file that is a terminal."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__()
        self.terminal = terminal
        self.writes: list[str] = []

    def write(self, output: str) -> int:
        self.writes.append(output)
        self.terminal.write(output)
        return len(output)


def console(file: io.StringIO, columns: int, rows: int) -> Console:
    """A console as the screen makes it, of this size."""
    return Console(
        file=file,
        theme=theme("auto"),
        force_terminal=True,
        color_system="standard",
        width=columns,
        height=rows,
        markup=False,
        highlight=False,
        emoji=False,
        _environ={},
    )


def streamed(
    pieces: Iterable[str], columns: int, rows: int, *, pause: float = 1.0, above: str = ""
) -> Window:
    """The terminal after a reply that came in these pieces, `pause` seconds apart, below what stood there."""
    window, clock = Window(Terminal(columns, rows)), Clock()
    window.terminal.write(above)
    view = Rendered(console(window, columns, rows), clock=clock)
    for piece in pieces:
        clock.now += pause
        view.take([Text(piece)])
        view.paint()
    view.finish()
    return window


def one_shot(source: str, columns: int) -> list[list[Cell]]:
    """The rows of a whole reply drawn at once."""
    terminal = Terminal(columns, 200)
    renderer = Renderer(console(io.StringIO(), columns, 200), columns)
    rows = [row for piece in markdown.document(safe(source)) for row in renderer.rows(piece)]
    terminal.write(Painter().frame(rows, []))
    return terminal.history


def cut(source: str, longest: int, randomness: random.Random) -> list[str]:
    """The source in pieces of random lengths up to `longest`."""
    pieces = []
    while source:
        length = randomness.randint(1, longest)
        pieces.append(source[:length])
        source = source[length:]
    return pieces
