"""Replies: while they arrive (`view.py`), whole, side by side; markdown on a terminal, else as they came."""

import time
from collections.abc import Callable, Sequence
from typing import TextIO

from rich.console import Console

from llmchat.config.preferences import DEFAULTS
from llmchat.input.piped import Pieces
from llmchat.interruptions import Suspension
from llmchat.lab.run import Run
from llmchat.store.answers import Answer
from llmchat.terminal.consoles import console
from llmchat.terminal.lanes import Following, below_each_other, side_by_side
from llmchat.terminal.markdown import document
from llmchat.terminal.render import Renderer
from llmchat.terminal.sanitize import safe
from llmchat.terminal.view import Raw, Rendered
from llmchat.turn import Turn
from llmchat.wire.deltas import Delta, Text

_NAP = 0.01
"""Seconds."""


class Replies:
    """Shows replies on `out`. `rendered` says whether they may be drawn as markdown, on the console
    there; where they may not, notices go beside them, to `note`."""

    def __init__(self, out: TextIO, console: Console, *, rendered: bool, note: Callable[[str], None]) -> None:
        self._out = out
        self._console = console
        self._rendered = rendered
        self._note = note
        self.preferences = DEFAULTS

    def stream(self, turn: Turn, suspension: Suspension) -> None:
        """Show a turn while it arrives, until it has ended. Raises what `turn.wait` raises."""
        view = self._view()
        held: list[Delta] = []
        if turn.opening:
            view.take([Text(turn.opening)])
        try:
            while not turn.ended:
                deltas = turn.wait(view.patience())
                if self.preferences.stream:
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

    def whole(self, content: str) -> None:
        """Show a whole reply as it looked when it came."""
        if self._drawn:
            self.markdown(content)
        else:
            self._out.write(f"{self._undrawn(content)}\n")

    def markdown(self, content: str) -> None:
        """Draw a message as markdown, where the output is a terminal."""
        if self._rendered:
            renderer = Renderer(self._console, self._console.width)
            rows = [row for piece in document(safe(content)) for row in renderer.rows(piece)]
            self._out.write("".join(row + "\n" for row in rows))
        else:
            self._out.write(f"{content}\n")

    def follow(self, run: Run, suspension: Suspension) -> None:
        """Show the lanes of a run while they run; of this nothing stays."""
        Following(self._console, run).until_ended(suspension)

    def side_by_side(self, answers: Sequence[Answer]) -> None:
        """Show several answers side by side; where nothing is drawn, one below the other."""
        if self._drawn:
            self._out.write(side_by_side(self._console, answers, self.preferences.reasoning))
        else:
            self._out.write(self._undrawn(below_each_other(answers)))

    @property
    def _drawn(self) -> bool:
        return self._rendered and self.preferences.markdown

    def _undrawn(self, text: str) -> str:
        """A text where no markdown is drawn: a pipe gets what came, a terminal what is safe."""
        return safe(text) if self._rendered else text

    def _view(self) -> Rendered | Raw:
        if self._drawn:
            return Rendered(self._console, reasoning=self.preferences.reasoning)
        return Raw(self._out, self._note, for_terminal=self._rendered)


def render(source: Pieces, out: TextIO) -> None:
    """Show markdown while it comes. Raises what `source` raises."""
    view = Rendered(console(out))
    try:
        while not source.ended:
            if text := source.wait(view.patience()):
                view.take([Text(text)])
            view.paint()
    finally:
        view.finish()
