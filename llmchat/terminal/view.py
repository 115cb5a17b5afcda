"""A reply on its way to the terminal: as markdown, drawn while it arrives.

`replies.py` asks it for frames until the reply has ended.
"""

import re
import time
from collections.abc import Callable

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text as RichText

from llmchat.terminal.consoles import repaints
from llmchat.terminal.markdown import Blocks, Piece
from llmchat.terminal.painter import Painter
from llmchat.terminal.reflow import terminal_reflows, wrapped_height
from llmchat.terminal.render import Renderer, full_rows
from llmchat.terminal.sanitize import safe
from llmchat.wire.deltas import Delta, Notice, Progress, Reasoning, Text, WasReasoning

FRAME = 0.05
"""Seconds between two frames of a streaming reply, at least."""

SLOWEST_FRAME = 0.5
"""Seconds, for frames that are dear: drawing takes up a tenth of the time."""

_MOST_AHEAD = 16_384
"""Characters that may wait for a frame, unless a longer block is open: a file may come faster than it
can be drawn."""

_IDLE = 0.25
"""Seconds between two looks at a reply that stands still."""

_QUIET = 0.7
"""Seconds of waiting before it is shown that we wait."""

_THOUGHT_ROWS = 6
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


class Rendered:
    """A reply as markdown: what is finished is written once, the open tail is repainted below it.

    `take` only collects; `paint` draws when a frame is due. Without a terminal nothing is repainted:
    what is finished is written, and no more. `reasoning` is fold, show or hide; `clock` tells seconds;
    `reflows` says whether the terminal wraps the rows it has anew when its width changes.
    """

    def __init__(
        self,
        console: Console,
        *,
        reasoning: str = "fold",
        clock: Callable[[], float] = time.monotonic,
        reflows: bool | None = None,
    ) -> None:
        self._console = console
        self._clock = clock
        self._reflows = terminal_reflows() if reflows is None else reflows
        self._repaints = repaints(console)
        self._painter = Painter()
        self._renderer = Renderer(console, console.width)
        self._blocks = Blocks()
        self._incoming: list[str] = []
        self._ahead = 0
        self._thoughts = Thoughts(self._renderer, reasoning, clock)
        self._finished: list[str] = []
        # The part of the tail's first block that was written already, and how many rows it has.
        self._settled: Piece | None = None
        self._written = 0
        self._drawn: tuple[list[Piece], list[str]] = [], []
        self._changed = False
        self._start = clock()
        self._next_frame = 0.0
        self._progress: Progress | None = None
        self._answering = False

    def patience(self) -> float:
        """How long to wait for more before the next frame is due, in seconds."""
        return max(0.0, self._next_frame - self._clock()) if self._changed else _IDLE

    def take(self, deltas: list[Delta]) -> None:
        """Collect what has come."""
        for delta in deltas:
            match delta:
                case Text(text, 0):
                    self._take_text(safe(text))
                case Reasoning(text, 0):
                    self._end_answer()
                    self._thoughts.take(safe(text))
                    self._answering = True
                case WasReasoning(0):
                    self._end_answer()
                    self._blocks = Blocks()
                    self._finish_note("The text above was reasoning.")
                case Notice(text):
                    self._finish_note(safe(text))
                case Progress():
                    self._progress = delta
                case _:
                    continue
            self._changed = True

    def paint(self) -> None:
        """Write a frame if one is due."""
        now = self._clock()
        if self._changed and now < self._next_frame and self._ahead <= max(_MOST_AHEAD, self._blocks.open):
            return
        if self._console.width != self._renderer.width or len(self._painter.live) > self._console.height:
            self._resize(self._console.width)
        elif not self._changed and not self._is_waiting(now):
            return
        self._advance()
        self._show(self._live_rows())
        self._changed = False
        cost = self._clock() - now
        self._next_frame = now + min(SLOWEST_FRAME, max(FRAME, 10 * cost))

    def put_away(self) -> None:
        """Leave the terminal to others for a while; the open tail is drawn anew after that."""
        self._write(wiped(self._painter, self._console, self._reflows) + self._painter.close())
        self._changed = True

    def finish(self) -> None:
        """The last frame: all that came stays, and the terminal is as it was."""
        try:
            self._end_thoughts()
            self._end_answer()
            self._show([])
        finally:
            self._write(self._painter.close())

    def _take_text(self, text: str) -> None:
        if text.strip():
            self._end_thoughts()
            self._answering = True
        self._incoming.append(text)
        self._ahead += len(text)

    def _advance(self) -> None:
        """Move what has come to where it is drawn from."""
        text = "".join(self._incoming)
        self._incoming.clear()
        self._ahead = 0
        if text:
            self._finish_pieces(self._blocks.feed(text))
        self._finished += self._thoughts.take_finished()

    def _live_rows(self) -> list[str]:
        height = max(1, self._console.height // 2)
        if self._thoughts.rows:
            return self._thoughts.rows[-min(height, _THOUGHT_ROWS) :]
        rows = self._tail_rows()[self._written :]
        if len(rows) > height:
            rows = rows[self._settle() :]
        if not rows and self._is_waiting(self._clock()):
            return self._draw_dim(self._waiting())
        # What is higher than the screen could not be repainted.
        return rows[-height:]

    def _tail_rows(self) -> list[str]:
        """All rows of the open tail, drawn anew only if it has changed."""
        tail = self._blocks.tail()
        if tail is not self._drawn[0]:
            self._drawn = tail, self._renderer.preview(tail)
        return self._drawn[1]

    def _settle(self) -> int:
        """Write the rows of a long tail that no longer change; how many."""
        settled = self._blocks.settled()
        rows = self._renderer.preview([settled])[self._written :] if settled else []
        if rows:
            self._settled = settled
            self._written += len(rows)
            self._finished += rows
        return len(rows)

    def _finish_pieces(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            self._finished += self._renderer.rows(piece)[self._written :]
            self._written, self._settled = 0, None

    def _finish_note(self, note: str) -> None:
        self._advance()
        self._finished += self._draw_dim(note)
        self._renderer.begun = True

    def _end_answer(self) -> None:
        self._advance()
        self._finish_pieces(self._blocks.finish())

    def _end_thoughts(self) -> None:
        self._finished += self._thoughts.end()

    def _resize(self, width: int) -> None:
        """Lay the tail out anew, in the place of the rows that it has on the screen."""
        self._write(wiped(self._painter, self._console, self._reflows))
        self._renderer.width = width
        self._drawn = [], []
        self._written = len(self._renderer.preview([self._settled])) if self._settled else 0

    def _is_waiting(self, now: float) -> bool:
        return not self._answering and now - self._start > _QUIET

    def _waiting(self) -> str:
        seconds = int(self._clock() - self._start)
        done = ""
        if self._progress and self._progress.total:
            percent = 100 * self._progress.done // self._progress.total
            done = f"{percent} % of {self._progress.total:,} tokens read · "
        return f"waiting {seconds} s · {done}Ctrl-C stops"

    def _draw_dim(self, text: str) -> list[str]:
        return self._renderer.draw(RichText(text, "dim"))

    def _show(self, live: list[str]) -> None:
        finished, self._finished = self._finished, []
        if self._repaints:
            self._write(self._painter.frame(finished, live))
        else:
            self._write("".join(row + "\n" for row in finished))

    def _write(self, output: str) -> None:
        if output:
            self._console.file.write(output)
            self._console.file.flush()


class Thoughts:
    """Reasoning as it arrives: `rows` is its open end. It is folded to a line, shown whole, or hidden."""

    def __init__(self, renderer: Renderer, shown: str, clock: Callable[[], float]) -> None:
        self._renderer = renderer
        self._shown = shown
        self._clock = clock
        self._flow = RichText(style="dim")
        self._began: float | None = None
        self._finished: list[str] = []
        self.rows: list[str] = []

    def take(self, text: str) -> None:
        """Collect what has come."""
        if self._began is None:
            self._began = self._clock()
            text = text.lstrip()
        self._flow.append(text)

    def take_finished(self) -> list[str]:
        """The rows that are finished and to stay, each once."""
        if self._began is None:
            return []
        if self._shown == "hide":
            self.rows = self._renderer.draw(RichText(f"thinking {self._seconds()} s", "dim"))
            return []
        rows = self._renderer.draw(self._flow)
        full, self._flow = full_rows(self._flow, self._renderer.width)
        self._finished += rows[:full]
        if self._shown == "fold":
            self._finished = self._finished[-_THOUGHT_ROWS:]
            self.rows = [*self._finished, *rows[full:]]
            return []
        finished, self._finished, self.rows = self._finished, [], rows[full:]
        if finished:
            self._renderer.begun = True
        return finished

    def end(self) -> list[str]:
        """The rows that stay when the answer begins: the rest, and how long it took."""
        if self._began is None:
            return []
        rows = self.take_finished()
        if self._shown == "show":
            rows += self.rows
        if self._shown != "hide":
            rows += self._renderer.draw(RichText(f"thought for {self._seconds()} s", "dim"))
            self._renderer.begun = True
        self._began, self._flow, self._finished, self.rows = None, RichText(style="dim"), [], []
        return rows

    def _seconds(self) -> int:
        return round(self._clock() - (self._began or 0))


def wiped(painter: Painter, console: Console, reflows: bool) -> str:
    """The output that takes the open rows off a screen that is as wide as it is now."""
    rows = painter.live
    cells = (cell_len(ESCAPE.sub("", row)) for row in rows)
    taken = sum(wrapped_height(each, console.width) for each in cells) if reflows else len(rows)
    return painter.wipe(min(taken, console.height))
