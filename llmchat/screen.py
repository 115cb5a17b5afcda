"""The only file that draws with rich: replies while they arrive, results, errors.

Replies go to standard output: as markdown on a terminal, else raw and unchanged. All that is not a
reply goes to the terminal too, or to standard error when the output is no terminal.
"""

import os
import time
from collections.abc import Callable
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.markdown import Markdown
from rich.table import Table as RichTable
from rich.text import Text as RichText

from llmchat.deltas import Delta, Notice, Progress, Reasoning, Text, WasReasoning
from llmchat.errors import LlmchatError
from llmchat.markdown import Blocks
from llmchat.messages import Reply
from llmchat.painter import Painter
from llmchat.preferences import Preferences
from llmchat.registry import Table
from llmchat.sanitize import safe
from llmchat.turn import Turn

FRAME = 0.05
"""Seconds between two frames of a streaming reply."""

_QUIET = 0.7
"""Seconds of waiting before it is shown that we wait."""

_ERROR_LINES = 6


class Screen:
    """Where everything is shown. `rendered` says whether replies are drawn as markdown."""

    def __init__(
        self, out: TextIO, err: TextIO, *, rendered: bool | None = None, width: int | None = None
    ) -> None:
        self.out = out
        self.rendered = out.isatty() if rendered is None else rendered
        self._replies = _console(out, self.rendered, width)
        self._preferences = Preferences()
        self._console_for_rest = self._replies if self.rendered else _console(err, None, width)

    def apply(self, preferences: Preferences) -> None:
        """Show everything from now on as these say."""
        self._preferences = preferences

    def stream(self, turn: Turn) -> None:
        """Show a turn while it arrives, until it has ended. Raises what `turn.wait` raises."""
        view = _Rendered(self._replies) if self.rendered else _Raw(self.out, self.note)
        try:
            while not turn.ended:
                view.take(turn.wait(view.patience()))
                view.paint()
        finally:
            view.finish()

    def after(self, turn: Turn) -> None:
        """Show what is to be said about a turn that has ended: its other choices, and how it went."""
        if turn.reply is None or not turn.committed:
            return
        for number, choice in enumerate(turn.reply.choices[1:], 2):
            self.reply(choice.content, f"choice {number}")
        if turn.stopped:
            self.note("Stopped; what came is kept, marked as cut short.")
        if self.rendered and self._preferences.stats and (line := _how_it_went(turn.reply)):
            self.note(line)

    def reply(self, content: str, heading: str = "") -> None:
        """Show a whole reply."""
        if self.rendered:
            if heading:
                self._replies.print(RichText(heading, "bold"))
            self._replies.print(Markdown(safe(content), hyperlinks=False))
        else:
            self.out.write(f"\n{content}\n")

    def table(self, table: Table) -> None:
        """Show a table, and its caption below."""
        shown = _rich_table(table, self._console_for_rest.width)
        caption = RichText(safe(table.caption), "dim")
        self._page(Group(shown, caption) if table.caption else shown)

    def text(self, text: str) -> None:
        """Show a line or a few."""
        self._print(RichText(safe(text)))

    def verbatim(self, text: str) -> None:
        """Show a text whose lines are not broken, so that it can be copied."""
        self._console_for_rest.print(RichText(safe(text)), soft_wrap=True)

    def note(self, text: str) -> None:
        """Show something that is not the matter itself, dim."""
        self._print(RichText(safe(text), "dim"))

    def error(self, error: LlmchatError) -> None:
        """Show what went wrong and what can be done; a long error is cut to a few lines."""
        lines = safe(error.sentence).splitlines()
        more = ["…"] if len(lines) > _ERROR_LINES else []
        self._print(RichText("\n".join(lines[:_ERROR_LINES] + more), "red"))
        if error.hint:
            self.note(error.hint)

    def _page(self, renderable: RenderableType) -> None:
        """Show something that may be higher than the screen, page by page if it is."""
        console = self._console_for_rest
        lines = console.render_lines(renderable, pad=False)
        if self._preferences.pager and self.rendered and len(lines) >= console.height:
            # What less needs to know: keep colours, and leave the page in the scrollback.
            options = os.environ.setdefault("LESS", "-RX")
            with console.pager(styles="R" in options):
                console.print(renderable)
        else:
            console.print(renderable)

    def _print(self, renderable: RenderableType) -> None:
        self._console_for_rest.print(renderable)


def _rich_table(table: Table, width: int) -> RichTable:
    shown = RichTable(box=None, pad_edge=False, header_style="bold")
    rows = [[RichText(safe(cell)) for cell in row] for row in table.rows]
    for column in table.columns:
        shown.add_column(column, no_wrap=table.one_line)
    if table.one_line:
        heads = map(cell_len, table.columns[:-1])
        widest = [max(head, *(row[i].cell_len for row in rows)) for i, head in enumerate(heads)]
        room = width - sum(widest) - 2 * len(widest)
        for row in rows:
            row[-1].truncate(max(room, 10), overflow="ellipsis")
    for row in rows:
        shown.add_row(*row)
    return shown


def _console(file: TextIO, terminal: bool | None, width: int | None) -> Console:
    return Console(
        file=file, force_terminal=terminal, width=width, markup=False, highlight=False, emoji=False
    )


class _Raw:
    """A reply as it came, for a pipe or a file; notices go beside it."""

    def __init__(self, out: TextIO, note: Callable[[str], None]) -> None:
        self._out = out
        self._note = note
        self._last = "\n"

    def patience(self) -> float:
        return 0.5

    def take(self, deltas: list[Delta]) -> None:
        for delta in deltas:
            if isinstance(delta, Text) and delta.choice == 0:
                self._out.write(delta.text)
                self._last = delta.text[-1:] or self._last
            elif isinstance(delta, Notice):
                self._note(delta.text)

    def paint(self) -> None:
        self._out.flush()

    def finish(self) -> None:
        if self._last != "\n":
            self._out.write("\n")
        self._out.flush()


class _Rendered:
    """A reply as markdown in a terminal: finished blocks once, the open tail repainted."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._painter = Painter()
        self._blocks = Blocks()
        self._reasoning = ""
        self._finished: list[str] = []
        self._begun = False
        self._changed = False
        self._start = time.monotonic()
        self._painted = 0.0
        self._progress: Progress | None = None

    def patience(self) -> float:
        """How long to wait for more before the next frame is due."""
        if not self._changed:
            return 0.25
        return max(0.0, self._painted + FRAME - time.monotonic())

    def take(self, deltas: list[Delta]) -> None:
        for delta in deltas:
            match delta:
                case Text(text, 0):
                    self._end_reasoning()
                    self._finish_blocks(self._blocks.feed(safe(text)))
                case Reasoning(text, 0):
                    self._reasoning += safe(text)
                case WasReasoning(0):
                    self._finish_blocks(self._blocks.finish())
                    self._finish_rows([self._styled("The text above was reasoning.")])
                case Notice(text):
                    self._finish_rows(self._rows(RichText(safe(text), "dim")))
                case Progress():
                    self._progress = delta
                case _:
                    continue
            self._changed = True

    def paint(self, *, final: bool = False) -> None:
        """Write a frame if one is due."""
        now = time.monotonic()
        waiting = not self._begun and now - self._start > _QUIET
        if not (final or waiting or (self._changed and now - self._painted >= FRAME)):
            return
        live = [] if final else self._live_rows()
        self._write(self._painter.frame(self._finished, live))
        self._finished, self._changed, self._painted = [], False, now

    def finish(self) -> None:
        """The last frame: all that came stays."""
        self._end_reasoning()
        self._finish_blocks(self._blocks.finish())
        self.paint(final=True)

    def _live_rows(self) -> list[str]:
        if self._reasoning:
            rows = self._rows(RichText(self._reasoning, "dim italic"))
        elif self._blocks.tail.strip():
            rows = [*self._gap(), *self._rows(self._markdown(self._blocks.tail))]
        else:
            rows = [] if self._begun else [self._styled(self._waiting())]
        # What is higher than the screen could not be repainted.
        return rows[-max(4, self._console.height // 2) :]

    def _waiting(self) -> str:
        seconds = int(time.monotonic() - self._start)
        done = ""
        if self._progress and self._progress.total:
            done = f"{100 * self._progress.done // self._progress.total} % of the prompt read · "
        return f"waiting {seconds} s · {done}Ctrl-C stops"

    def _end_reasoning(self) -> None:
        if self._reasoning:
            self._finish_rows(self._rows(RichText(self._reasoning.strip(), "dim italic")))
            self._reasoning = ""

    def _finish_blocks(self, source: str) -> None:
        if source.strip():
            self._finish_rows([*self._gap(), *self._rows(self._markdown(source))])

    def _gap(self) -> list[str]:
        return [""] if self._begun else []

    def _finish_rows(self, rows: list[str]) -> None:
        self._begun = True
        self._finished += rows

    def _markdown(self, source: str) -> Markdown:
        return Markdown(source, hyperlinks=False)

    def _styled(self, text: str) -> str:
        return self._rows(RichText(text, "dim"))[0]

    def _rows(self, renderable: RenderableType) -> list[str]:
        """As finished terminal rows, colours included, without blank rows at both ends."""
        with self._console.capture() as capture:
            self._console.print(renderable)
        rows = capture.get().split("\n")
        while rows and not rows[-1].strip():
            rows.pop()
        while rows and not rows[0].strip():
            rows.pop(0)
        return rows or [""]

    def _write(self, output: str) -> None:
        if output:
            self._console.file.write(output)
            self._console.file.flush()


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _how_it_went(reply: Reply) -> str:
    """Tokens, speed, time to the first token, and whether a limit ended it."""
    parts = []
    if reply.usage and reply.usage.completion:
        parts.append(_count(reply.usage.completion, "token"))
    if reply.timings.tokens_per_second:
        parts.append(f"{reply.timings.tokens_per_second:,.0f} tokens/s")
    if reply.timings.first_token is not None:
        parts.append(f"first after {_duration(reply.timings.first_token)}")
    if "length" in reply.finish_reasons:
        parts.append("cut by a token limit (max_tokens, or the context window)")
    return " · ".join(parts)
