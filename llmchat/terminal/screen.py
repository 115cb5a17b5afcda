"""The screen: replies while they arrive (`view.py`), results, errors. Nothing else writes to it.

Replies go to standard output: as markdown on a terminal, else raw and unchanged. All that is not a
reply goes to the terminal too, or to standard error when the output is no terminal.
"""

import codecs
import math
import os
import select
import time
from collections.abc import Sequence
from typing import BinaryIO, TextIO

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text as RichText

from llmchat.config.preferences import Preferences
from llmchat.errors import LlmchatError
from llmchat.interruptions import Suspension
from llmchat.lab.run import Run
from llmchat.messages import Reply
from llmchat.registry import (
    Copy,
    Difference,
    Markdown,
    Shown,
    SideBySide,
    Styled,
    Table,
    Turns,
    Verbatim,
    Working,
)
from llmchat.store.answers import Answer
from llmchat.terminal import clipboard
from llmchat.terminal.lanes import Following, below_each_other, difference, side_by_side
from llmchat.terminal.markdown import document
from llmchat.terminal.render import Renderer
from llmchat.terminal.sanitize import safe
from llmchat.terminal.themes import theme
from llmchat.terminal.view import Raw, Rendered
from llmchat.terminal.working import work
from llmchat.turn import Turn
from llmchat.wire.deltas import Delta, Text

_PIECE = 4096
"""Bytes that are read at once: as much as can be drawn in one frame."""

_NAP = 0.01
"""Seconds."""

_BELL = "\a"
_ERROR_LINES = 6
_NARROWEST_COLUMN = 16
_WIDE = 1000
"""Columns of a table for a pipe: nothing of it is cut."""


class Screen:
    """Where everything is shown. `rendered` says whether replies may be drawn as markdown.

    `results` takes what commands show, where that is not to go beside the replies.
    """

    def __init__(
        self,
        out: TextIO,
        err: TextIO,
        *,
        rendered: bool | None = None,
        width: int | None = None,
        results: TextIO | None = None,
    ) -> None:
        self.out = out
        self.rendered = out.isatty() if rendered is None else rendered
        self._replies = _console(out, self.rendered, width)
        self._preferences = Preferences()
        self._console_for_rest = self._replies if self.rendered else _console(err, None, width)
        self._results = self._console_for_rest
        if results and not self.rendered:
            self._results = _console(results, False, width or _WIDE)

    def apply(self, preferences: Preferences) -> None:
        """Show everything from now on as these say."""
        if preferences.theme != self._preferences.theme:
            self._replies.push_theme(theme(preferences.theme), inherit=False)
        self._preferences = preferences

    def stream(self, turn: Turn, suspension: Suspension) -> None:
        """Show a turn while it arrives, until it has ended. Raises what `turn.wait` raises."""
        view = self._view() if self._drawn else Raw(self.out, self.note, for_terminal=self.rendered)
        held: list[Delta] = []
        rings_at = time.monotonic() + (self._preferences.bell or math.inf)
        if turn.opening:
            view.take([Text(turn.opening)])
        try:
            while not turn.ended:
                deltas = turn.wait(view.patience())
                if self._preferences.stream:
                    view.take(deltas)
                else:
                    held += deltas
                view.paint()
                if suspension.due:
                    view.put_away()
                    suspension.take()
                if not turn.ended:
                    # What comes meanwhile joins up; waking for each token would slow a fast server.
                    time.sleep(min(_NAP, view.patience()))
        finally:
            view.take(held)
            view.finish()
            self.out.write(_BELL if self.rendered and time.monotonic() >= rings_at else "")

    def after(self, turn: Turn) -> None:
        """Show what is to be said about a turn that has ended: its other choices, and how it went."""
        if turn.reply is None or not turn.committed:
            return
        for number, choice in enumerate(turn.reply.choices[1:], 2):
            self.reply(choice.content, f"choice {number}")
        for call in (call for choice in turn.reply.choices for call in choice.tool_calls):
            self.note(f"The model asks for {call.name}({call.arguments}); llmchat never runs it.")
        for remark in turn.ending.remarks():
            self.note(remark)
        if self.rendered and self._preferences.stats and (line := _how_it_went(turn.reply)):
            self.note(line)

    def reply(self, content: str, heading: str = "") -> None:
        """Show a whole reply, below a heading if there is one; for a pipe, below a blank line."""
        if not self.rendered:
            self.out.write("\n")
        elif heading:
            self._replies.print(RichText(heading, "bold"))
        if self._drawn or not self.rendered:
            self.markdown(content)
        else:
            self.out.write(f"{safe(content)}\n")

    def markdown(self, content: str) -> None:
        """Draw a message as markdown, where the output is a terminal."""
        if self.rendered:
            renderer = Renderer(self._replies, self._replies.width)
            rows = [row for piece in document(safe(content)) for row in renderer.rows(piece)]
            self.out.write("".join(row + "\n" for row in rows))
        else:
            self.out.write(f"{content}\n")

    def show(self, shown: Shown) -> None:
        """Show what a command returned. Raises UsageError when there is no clipboard to copy to."""
        match shown:
            case str():
                self.text(shown)
            case Working(steps):
                self.text(work(steps, self._results))
            case Table():
                self.table(shown)
            case Verbatim(text):
                self.verbatim(text)
            case Styled(pieces):
                self.styled(pieces)
            case Turns():
                self.turns(shown)
            case Markdown(text):
                self.markdown(text)
            case SideBySide(answers):
                self.answers(answers)
            case Difference(table, runs):
                self.table(table)
                self._page(difference(runs, marked=self._results.no_color or not self._results.is_terminal))
            case Copy(text, name):
                how = clipboard.copy(text, self.out)
                self.text(f"Copied {name} ({_count(len(text), 'character')}) {how}.")

    def table(self, table: Table) -> None:
        """Show a table, and its caption below."""
        shown = _rich_table(table, self._results.width)
        caption = RichText(safe(table.caption), "dim")
        self._page(Group(shown, caption) if table.caption else shown)

    def text(self, text: str) -> None:
        """Show a line or a few."""
        self._page(RichText(safe(text)))

    def styled(self, pieces: Sequence[tuple[str, str]]) -> None:
        """Show a text in pieces, each with the name of its style."""
        self._page(RichText.assemble(*((safe(text), style) for text, style in pieces)))

    def verbatim(self, text: str, end: str = "\n") -> None:
        """Show a text whose lines are not broken, so that it can be copied."""
        self._results.print(RichText(safe(text)), soft_wrap=True, end=end)

    def follow(self, run: Run, suspension: Suspension) -> None:
        """Show the lanes of a run while they run; of this nothing stays."""
        Following(self._replies, run).until_ended(suspension)

    def answers(self, answers: Sequence[Answer]) -> None:
        """Show several answers side by side; where nothing is drawn, one below the other."""
        reasoning = self._preferences.reasoning
        drawn = side_by_side(self._replies, answers, reasoning) if self._drawn else below_each_other(answers)
        self.out.write(drawn)

    def data(self, line: str) -> None:
        """Write a line for another program to standard output, as it is."""
        self.out.write(line + "\n")
        self.out.flush()

    def turns(self, turns: Turns) -> None:
        """Show messages as they looked when they came, each with its number."""
        self._print(RichText(safe(turns.heading)))
        if turns.before:
            self.note(f"… {_count(turns.before, 'message')} before")
        for node in turns.nodes:
            content = node.message.shown
            if node.message.role == "user":
                self._print(
                    RichText.assemble("\n", (f"#{node.number} ", "dim"), ("> ", "bold"), safe(content))
                )
            elif self.rendered:
                self.note(f"#{node.number}")
                self.reply(content)
            else:
                self._print(RichText(safe(f"#{node.number} {content}")))

    def note(self, text: str) -> None:
        """Show something that is not the matter itself, dim."""
        self._print(RichText(safe(text), "dim"))

    def error(self, error: LlmchatError) -> None:
        """Show what went wrong and what can be done; a long error is cut to a few lines."""
        lines = safe(error.sentence).splitlines()
        more = ["…"] if len(lines) > _ERROR_LINES else []
        self._print(RichText("\n".join(lines[:_ERROR_LINES] + more), "red"))
        if more or error.sentence.endswith("…"):
            self.note("`/last_error` shows it whole.")
        if error.hint:
            self.note(error.hint)

    @property
    def _drawn(self) -> bool:
        return self.rendered and self._preferences.markdown

    def _view(self) -> Rendered:
        return Rendered(self._replies, reasoning=self._preferences.reasoning)

    def _page(self, renderable: RenderableType) -> None:
        """Show something that may be higher than the screen, page by page if it is."""
        console = self._results
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


def render(source: BinaryIO, out: TextIO) -> None:
    """Show markdown while it is read from a file or a pipe."""
    view = Rendered(_console(out, out.isatty(), None))
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    try:
        ended = False
        while not ended:
            if select.select([source], [], [], view.patience())[0]:
                data = os.read(source.fileno(), _PIECE)
                ended = not data
                view.take([Text(decoder.decode(data, final=ended))])
            view.paint()
    finally:
        view.finish()


def _rich_table(table: Table, width: int) -> RichTable:
    shown = RichTable(box=None, pad_edge=False, header_style="bold")
    rows = [[RichText(safe(cell)) for cell in row] for row in table.rows]
    columns = len(table.columns)
    if table.one_line:
        columns, room = _fitting_columns(table.columns, rows, width)
        for row in rows:
            row[columns - 1].truncate(room, overflow="ellipsis")
    for head in table.columns[:columns]:
        shown.add_column(RichText(safe(head)), no_wrap=table.one_line)
    for row in rows:
        shown.add_row(*row[:columns])
    return shown


def _fitting_columns(heads: tuple[str, ...], rows: list[list[RichText]], width: int) -> tuple[int, int]:
    """How many columns fit, the later ones left out first, and how wide the last of them may be."""
    widest = [max(cell_len(head), *(row[i].cell_len for row in rows)) for i, head in enumerate(heads)]
    for columns in range(len(heads), 1, -1):
        room = width - sum(widest[: columns - 1]) - 2 * (columns - 1)
        if room >= min(_NARROWEST_COLUMN, widest[columns - 1]):
            return columns, room
    return 1, width


def _console(file: TextIO, terminal: bool | None, width: int | None) -> Console:
    return Console(
        file=file,
        theme=theme("auto"),
        force_terminal=terminal,
        width=width,
        markup=False,
        highlight=False,
        emoji=False,
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _how_it_went(reply: Reply) -> str:
    """Tokens, speed, and time to the first token."""
    parts = []
    if reply.usage and reply.usage.completion:
        parts.append(_count(reply.usage.completion, "token"))
    if reply.timings.tokens_per_second:
        parts.append(f"{reply.timings.tokens_per_second:,.0f} tokens/s")
    if reply.timings.first_token is not None:
        parts.append(f"first after {_duration(reply.timings.first_token)}")
    return " · ".join(parts)
