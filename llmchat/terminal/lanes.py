"""Several answers to one question: while they come a row for each, then a column for each."""

import time
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from math import ceil

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from llmchat.interruptions import Suspension
from llmchat.lab.comparison import Change, foot, label, words
from llmchat.lab.lane import LaneProgress
from llmchat.lab.run import Run
from llmchat.store.answers import Answer
from llmchat.terminal.markdown import document
from llmchat.terminal.painter import Painter
from llmchat.terminal.reflow import terminal_reflows
from llmchat.terminal.render import Renderer
from llmchat.terminal.sanitize import safe, safe_line
from llmchat.terminal.view import ESCAPE, wiped

FRAME = 0.1
"""Seconds between two frames, at least."""

_NAP = 0.01
"""Seconds."""

NARROWEST = 36
"""Cells of a column; where two do not fit, the answers stand one below the other."""

_BETWEEN = 3
"""Cells between two columns."""
_MARGIN = 2


class Following:
    """The lanes of a run while they run, a row for each; nothing of it stays."""

    def __init__(self, console: Console, run: Run) -> None:
        self._console = console
        self._run = run
        self._painter = Painter()
        self._width = console.width
        self._next_frame = 0.0
        self._labels = [safe_line(label(n, differs)) for n, differs in enumerate(run.differs, 1)]

    def until_ended(self, suspension: Suspension) -> None:
        """Let the run go on until it has ended."""
        try:
            while not self._run.ended:
                self._run.wait(FRAME)
                self.paint()
                if suspension.due:
                    self.put_away()
                    suspension.take()
                if not self._run.ended:
                    # What comes meanwhile joins up.
                    time.sleep(_NAP)
        finally:
            self.put_away()

    def paint(self) -> None:
        """Write a frame if one is due."""
        if time.monotonic() < self._next_frame or not self._console.is_terminal:
            return
        if self._console.width != self._width:
            self._write(wiped(self._painter, self._console, terminal_reflows()))
            self._width = self._console.width
        self._write(self._painter.frame([], self._rows()))
        self._next_frame = time.monotonic() + FRAME

    def put_away(self) -> None:
        """Take the rows off the screen and leave the terminal as it was; `paint` may show them again."""
        self._write(wiped(self._painter, self._console, terminal_reflows()) + self._painter.close())
        self._next_frame = 0.0

    def _rows(self) -> list[str]:
        renderer = Renderer(self._console, self._width)
        widest = min(max(map(cell_len, self._labels)), self._width // 2)
        room = max(1, self._console.height - 2)
        begun = sum(lane.state == "ended" for lane in self._run.lanes)
        first = max(0, min(begun, len(self._run.lanes) - room))
        shown = self._run.lanes[first : first + room]
        texts = [self._row(lane, widest) for lane in shown]
        texts.append(Text("Ctrl-C stops what runs; twice, all", "dim"))
        for text in texts:
            text.truncate(self._width - 1, overflow="ellipsis")
        return [row for text in texts for row in renderer.draw(text)]

    def _row(self, lane: LaneProgress, widest: int) -> Text:
        name = Text(self._labels[lane.number - 1], "bold" if lane.state == "running" else "none")
        name.truncate(widest, overflow="ellipsis", pad=True)
        state = _state(lane)
        row = Text.assemble(name, " " * _MARGIN, Text(state, "red" if lane.error else "none"))
        room = self._width - 1 - row.cell_len - _MARGIN
        if lane.state == "running" and room > _MARGIN:
            row.append(" " * _MARGIN + _end_of(lane.tail, room), "dim")
        return row

    def _write(self, output: str) -> None:
        if output:
            self._console.file.write(output)
            self._console.file.flush()


def _state(lane: LaneProgress) -> str:
    if lane.state == "waiting":
        return "-"
    if lane.state == "ended" and lane.answer:
        return safe_line(foot(lane.answer))
    speed = f" · {lane.speed:,.0f} tokens/s" if lane.speed else ""
    return f"{lane.tokens:,} tokens{speed}"


def _end_of(text: str, room: int) -> str:
    """The last of a text that fits into so many cells."""
    line = safe_line(text)
    while cell_len(line) > room:
        line = line[max(1, (cell_len(line) - room) // 2) :]
    return line


def below_each_other(answers: Sequence[Answer]) -> str:
    """The output of the answers as they came, for a pipe or a file."""
    parts = [(label(a.number, a.differs), a.message.content, a.request.error, foot(a)) for a in answers]
    return "".join("\n\n".join(filter(None, each)) + "\n\n" for each in parts)


def side_by_side(console: Console, answers: Sequence[Answer], reasoning: str) -> str:
    """The output of the answers in columns, as many as fit; in several tiers when there are more."""
    rows = list(_tiers(console, answers, reasoning))
    if not console.is_terminal:
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


def difference(runs: Sequence[tuple[Change, str]], *, marked: bool) -> Text:
    """Two texts as one: what is gone struck out, what is new in green; without colours in brackets."""
    text = Text()
    for change, run in runs:
        before, after, style = _MARKS[change]
        text.append(f"{before}{safe(run)}{after}" if marked else safe(run), "none" if marked else style)
    return text


_MARKS = {
    "same": ("", "", "none"),
    "gone": ("[-", "-]", "red strike"),
    "new": ("{+", "+}", "bold green"),
}
