"""Several answers to one question when they are there: a column for each."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from math import ceil

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from llmchat.lab.comparison import foot, label, words
from llmchat.store.answers import Answer
from llmchat.terminal.consoles import repaints
from llmchat.terminal.markdown import document
from llmchat.terminal.painter import Painter
from llmchat.terminal.render import Renderer
from llmchat.terminal.sanitize import safe, safe_line
from llmchat.terminal.view import ESCAPE

NARROWEST = 36
"""Cells of a column; where two do not fit, the answers stand one below the other."""

_BETWEEN = 3
"""Cells between two columns."""


def side_by_side(console: Console, answers: Sequence[Answer], reasoning: str) -> str:
    """The output of the answers in columns, as many as fit; in several tiers when there are more."""
    rows = list(_tiers(console, answers, reasoning))
    if not repaints(console):
        return "".join(row + "\n" for row in rows)
    painter = Painter()
    return painter.frame(rows, []) + painter.close()


def _tiers(console: Console, answers: Sequence[Answer], reasoning: str) -> Iterator[str]:
    fitting = max(1, (console.width + _BETWEEN) // (NARROWEST + _BETWEEN))
    tiers = ceil(len(answers) / fitting)
    columns = ceil(len(answers) / tiers)
    width = (console.width - _BETWEEN * (columns - 1)) // columns
    between = f" {Renderer(console, 1).draw(Text('│', 'dim'))[0]} "
    for first in range(0, len(answers), columns):
        tier = [_Column(console, width, answer, reasoning) for answer in answers[first : first + columns]]
        for part in zip(*(column.parts for column in tier), strict=True):
            for rows in zip_longest(*part, fillvalue=""):
                yield between.join(_filled(row, width) for row in rows).rstrip(" ")
        yield ""


class _Column:
    """An answer as rows of one width: its head, its text, its foot."""

    def __init__(self, console: Console, width: int, answer: Answer, reasoning: str) -> None:
        self._renderer = Renderer(console, width)
        self._answer = answer
        self._reasoning = reasoning
        head = Text(safe_line(label(answer.number, answer.differs)), "bold")
        rule = Text("─" * width, "dim")
        self.parts = (
            [*self._renderer.draw(head), *self._renderer.draw(rule)],
            list(self._body()),
            ["", *self._renderer.draw(_foot(answer))],
        )

    def _body(self) -> Iterator[str]:
        message = self._answer.message
        if message.reasoning.strip() and self._reasoning != "hide":
            yield from self._renderer.draw(self._thoughts(message.reasoning))
            self._renderer.begun = True
        for piece in document(safe(message.content)):
            yield from self._renderer.rows(piece)

    def _thoughts(self, reasoning: str) -> Text:
        if self._reasoning == "show":
            return Text(safe(reasoning.strip()), "dim")
        return Text(f"thought for {len(words(reasoning)):,} words", "dim")


def _foot(answer: Answer) -> Text:
    text = Text(safe(foot(answer)), "dim")
    if answer.request.error:
        text = Text.assemble(Text(safe(answer.request.error), "red"), "\n" if foot(answer) else "", text)
    return text


def _filled(row: str, width: int) -> str:
    """A row as wide as its column."""
    return row + " " * (width - cell_len(ESCAPE.sub("", row)))
