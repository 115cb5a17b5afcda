"""The screen: replies (`replies.py`), results (`results.py`), and what is said beside them.

Nothing else writes to the terminal. Replies go to standard output: as markdown on a terminal and where
colours are wanted in pipes, else raw and unchanged. All that is not a reply goes to the terminal too, or
to standard error when the output is no terminal.
"""

from collections.abc import Callable
from typing import TextIO

from rich.console import RenderableType
from rich.text import Text as RichText

from llmchat.amounts import counted
from llmchat.config.preferences import DEFAULTS, Preferences
from llmchat.config.styles import NONE, Styles
from llmchat.errors import LlmchatError
from llmchat.messages import Reply
from llmchat.results import (
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
from llmchat.terminal import clipboard
from llmchat.terminal.consoles import console, drawn_for
from llmchat.terminal.replies import Replies
from llmchat.terminal.results import Results
from llmchat.terminal.sanitize import safe
from llmchat.terminal.themes import theme
from llmchat.terminal.working import work
from llmchat.turn import Turn

_ERROR_LINES = 6
_WIDE = 1000
"""Columns of a table for a pipe: nothing of it is cut."""


class Screen:
    """Where everything is shown. `rendered` says whether it is a terminal, where replies are drawn.

    `with_results` says whether what commands show is wanted where the replies go, not beside them.
    `phrase` makes of a note or a caption what helps where it is read. `styles` are those that the user
    has changed.
    """

    def __init__(
        self,
        out: TextIO,
        err: TextIO,
        *,
        rendered: bool | None = None,
        width: int | None = None,
        with_results: bool = False,
        phrase: Callable[[str], str] = str,
        styles: Styles = NONE,
    ) -> None:
        self._out = out
        self._phrase = phrase
        self._terminal = out.isatty() if rendered is None else rendered
        self._rendered = drawn_for(out) if rendered is None else rendered
        self._styles = styles
        self._console = console(out, self._terminal, width or (None if self._rendered else _WIDE), styles)
        beside = width or (None if drawn_for(err) else _WIDE)
        self._beside = self._console if self._terminal else console(err, None, beside, styles)
        self.results = Results(self._console if with_results else self._beside, phrase, paged=self._terminal)
        self.replies = self._replies()
        self._preferences = DEFAULTS

    def apply(self, preferences: Preferences) -> None:
        """Show everything from now on as these say."""
        if preferences.theme != self._preferences.theme:
            self._console.push_theme(theme(preferences.theme, self._styles), inherit=False)
        self.results.paged = preferences.pager and self._terminal
        self.replies.preferences = self._preferences = preferences

    def beside(self, turn: Turn) -> None:
        """Show what came with the answer of a turn: what the model wants to have run."""
        choices = turn.reply.choices if turn.reply else ()
        for call in (call for choice in choices for call in choice.tool_calls):
            self.note(f"The model asks for {call.name}({call.arguments}); llmchat never runs it.")

    def after(self, turn: Turn) -> None:
        """Show what is to be said about a turn that has ended, and how it went."""
        for remark in turn.ending.remarks():
            self.note(remark)
        if self._terminal and self._preferences.stats and turn.reply and (line := _how_it_went(turn.reply)):
            self.note(line)

    def show(self, shown: Shown) -> None:
        """Show what a command returned. Raises UsageError when there is no clipboard to copy to."""
        match shown:
            case str():
                self.results.text(shown)
            case Working():
                work(shown, self.results)
            case Table():
                self.results.table(shown)
            case Verbatim(text, language):
                self.results.verbatim(text, language)
            case Styled(pieces):
                self.results.styled(pieces)
            case Difference():
                self.results.difference(shown)
            case Turns():
                self.turns(shown)
            case Markdown(text):
                self.replies.markdown(text)
            case SideBySide(answers, summary):
                self.replies.side_by_side(answers)
                self.results.table(summary)
            case Copy(text, name):
                how = clipboard.copy(text, self._out)
                self.results.text(f"Copied {name} ({counted(len(text), 'character')}) {how}.")

    def turns(self, turns: Turns) -> None:
        """Show messages as they looked when they came, each with its number."""
        show = self.results.console.print
        show(RichText(safe(turns.heading)))
        if turns.before:
            show(RichText(f"… {counted(turns.before, 'message')} before", "dim"))
        for node in turns.nodes:
            content = node.message.shown
            if node.message.role == "user":
                sign = (f"#{node.number} ", "dim"), ("> ", "user.sign")
                show(RichText.assemble("\n", *sign, (safe(content), "user.text")))
            elif self._rendered and self.results.console is self._console:
                show(RichText(f"#{node.number}", "dim"))
                self.replies.whole(content)
            else:
                show(RichText(safe(f"#{node.number} {content}")))

    def data(self, line: str) -> None:
        """Write a line for another program to standard output, as it is."""
        self._out.write(line + "\n")
        self._out.flush()

    def note(self, text: str) -> None:
        """Show something that is not the matter itself, dim."""
        self._print(RichText(safe(self._phrase(text)), "dim"))

    def error(self, error: LlmchatError) -> None:
        """Show what went wrong and what can be done; a long error is cut to a few lines."""
        lines = safe(error.sentence).splitlines()
        more = ["…"] if len(lines) > _ERROR_LINES else []
        self._print(RichText("\n".join(lines[:_ERROR_LINES] + more), "red"))
        if more or error.sentence.endswith("…"):
            self.note("`/last_error` shows it whole.")
        if error.hint:
            self.note(error.hint)

    def _replies(self) -> Replies:
        if not self._rendered:
            return Replies(self._out, self.note)
        from llmchat.terminal.drawn_replies import DrawnReplies  # what draws markdown takes long to load

        return DrawnReplies(self._out, self.note, self._console)

    def _print(self, renderable: RenderableType) -> None:
        self._beside.print(renderable)


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _how_it_went(reply: Reply) -> str:
    """Tokens, speed, and time to the first token."""
    parts = []
    if reply.usage and reply.usage.completion:
        parts.append(counted(reply.usage.completion, "token"))
    if reply.timings.tokens_per_second:
        parts.append(f"{reply.timings.tokens_per_second:,.0f} tokens/s")
    if reply.timings.first_token is not None:
        parts.append(f"first after {_duration(reply.timings.first_token)}")
    return " · ".join(parts)
