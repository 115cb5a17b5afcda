"""Several answers to one question while they come: a row for each."""

import time

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from llmchat.interruptions import Suspension
from llmchat.lab.comparison import foot, label
from llmchat.lab.lane import LaneProgress
from llmchat.lab.run import Run
from llmchat.terminal.painter import Painter
from llmchat.terminal.reflow import terminal_reflows
from llmchat.terminal.render import Renderer
from llmchat.terminal.sanitize import safe_line
from llmchat.terminal.view import wiped

FRAME = 0.1
"""Seconds between two frames, at least."""

_NAP = 0.01
"""Seconds."""

_MARGIN = 2
"""Cells between the parts of a row."""


class Following:
    """The lanes of a run while they run, a row for each; nothing of it stays."""

    def __init__(self, console: Console, run: Run) -> None:
        self._console = console
        self._run = run
        run.seen = True
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
        if time.monotonic() < self._next_frame:
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
