"""The only file that draws with rich: replies while they arrive, results, errors.

Replies go to standard output: as markdown on a terminal, else raw and unchanged. All that is not a
reply goes to the terminal too, or to standard error when the output is no terminal.
"""

import codecs
import os
import select
from typing import BinaryIO, TextIO

from rich.console import Console, RenderableType
from rich.table import Table as RichTable
from rich.text import Text as RichText

from llmchat.chat import Turn
from llmchat.deltas import Text
from llmchat.elements import THEME
from llmchat.errors import LlmchatError
from llmchat.markdown import document
from llmchat.messages import Reply
from llmchat.registry import Table
from llmchat.render import Renderer
from llmchat.sanitize import safe
from llmchat.view import Raw, ReasoningShown, Rendered

_PIECE = 4096
"""Bytes that are read at once: as much as can be drawn in one frame."""

_ERROR_LINES = 6


class Screen:
    """Where everything is shown. `rendered` says whether replies are drawn as markdown."""

    def __init__(self, out: TextIO, err: TextIO, *, rendered: bool | None = None) -> None:
        self.out = out
        self.rendered = out.isatty() if rendered is None else rendered
        self.reasoning: ReasoningShown = "fold"
        self._replies = self._console(out, self.rendered)
        self._console_for_rest = self._replies if self.rendered else self._console(err, None)

    def stream(self, turn: Turn) -> None:
        """Show a turn while it arrives, until it has ended. Raises what `turn.wait` raises."""
        view = self._view()
        try:
            while not turn.ended:
                view.take(turn.wait(view.patience()))
                view.paint()
        finally:
            view.finish()

    def render(self, source: BinaryIO) -> None:
        """Show markdown while it is read from a file or a pipe."""
        view = Rendered(self._replies, reasoning=self.reasoning)
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        try:
            while True:
                if select.select([source], [], [], view.patience())[0]:
                    data = os.read(source.fileno(), _PIECE)
                    view.take([Text(decoder.decode(data, final=not data))])
                    if not data:
                        break
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
        if line := _how_it_went(turn.reply):
            self.note(line, only_rendered=True)

    def reply(self, content: str, heading: str = "") -> None:
        """Show a whole reply."""
        if self.rendered:
            if heading:
                self._replies.print(RichText(heading, "bold"))
            renderer = Renderer(self._replies, self._replies.width)
            rows = [row for piece in document(safe(content)) for row in renderer.rows(piece)]
            self.out.write("".join(row + "\n" for row in rows))
        else:
            self.out.write(f"\n{content}\n")

    def table(self, table: Table) -> None:
        """Show a table, and its caption below."""
        shown = RichTable(box=None, pad_edge=False, header_style="bold")
        for column in table.columns:
            shown.add_column(column)
        for row in table.rows:
            shown.add_row(*(RichText(safe(cell)) for cell in row))
        self._print(shown)
        if table.caption:
            self.note(table.caption)

    def text(self, text: str) -> None:
        """Show a line or a few."""
        self._print(RichText(safe(text)))

    def note(self, text: str, *, only_rendered: bool = False) -> None:
        """Show something that is not the matter itself, dim."""
        if self.rendered or not only_rendered:
            self._print(RichText(safe(text), "dim"))

    def error(self, error: LlmchatError) -> None:
        """Show what went wrong and what can be done; a long error is cut to a few lines."""
        lines = safe(error.sentence).splitlines()
        more = ["…"] if len(lines) > _ERROR_LINES else []
        self._print(RichText("\n".join(lines[:_ERROR_LINES] + more), "red"))
        if error.hint:
            self.note(error.hint)

    def _view(self) -> Rendered | Raw:
        if self.rendered:
            return Rendered(self._replies, reasoning=self.reasoning)
        return Raw(self.out, self.note)

    def _print(self, renderable: RenderableType) -> None:
        self._console_for_rest.print(renderable)

    @staticmethod
    def _console(file: TextIO, terminal: bool | None) -> Console:
        return Console(
            file=file, force_terminal=terminal, theme=THEME, markup=False, highlight=False, emoji=False
        )


def _how_it_went(reply: Reply) -> str:
    """Tokens, speed, time to the first token, and whether a limit ended it."""
    parts = []
    if reply.usage and reply.usage.completion:
        parts.append(f"{reply.usage.completion:,} tokens")
    if reply.timings.tokens_per_second:
        parts.append(f"{reply.timings.tokens_per_second:,.0f} tokens/s")
    if reply.timings.first_token is not None:
        parts.append(f"first after {reply.timings.first_token:.2f} s")
    if "length" in reply.finish_reasons:
        parts.append("cut by a token limit (max_tokens, or the context window)")
    return " · ".join(parts)
