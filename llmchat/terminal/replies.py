"""Replies as they came, for a pipe or a file; `drawn_replies.py` draws them."""

import time
from collections.abc import Callable, Sequence
from typing import Protocol, TextIO

from llmchat.config.preferences import DEFAULTS
from llmchat.interruptions import Suspension
from llmchat.lab.comparison import foot, label
from llmchat.lab.run import Run
from llmchat.store.answers import Answer
from llmchat.turn import Turn
from llmchat.wire.deltas import Delta, Notice, Text

_NAP = 0.01
"""Seconds."""

_PATIENCE = 0.5
"""Seconds between two looks at what is not drawn."""


class View(Protocol):
    """How one reply is shown."""

    def patience(self) -> float:
        """How long to wait for more, in seconds."""

    def take(self, deltas: list[Delta]) -> None:
        """Take what has come."""

    def paint(self) -> None:
        """Show what was taken, if it is time."""

    def put_away(self) -> None:
        """Leave the terminal to others for a while."""

    def finish(self) -> None:
        """Show what is left."""


class Replies:
    """Shows replies on `out`; notices go beside them, to `note`."""

    def __init__(self, out: TextIO, note: Callable[[str], None]) -> None:
        self._out = out
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
        self._out.write(f"{self._made(content)}\n")

    def markdown(self, content: str) -> None:
        """Show a message with its markdown drawn, where that can be."""
        self.whole(content)

    def follow(self, run: Run, suspension: Suspension) -> None:
        """Show the lanes of a run while they run, where that can be; of this nothing stays."""
        while not run.ended:
            run.wait(_PATIENCE)
            if suspension.due:
                suspension.take()

    def side_by_side(self, answers: Sequence[Answer]) -> None:
        """Show several answers side by side; where nothing is drawn, one below the other."""
        parts = [(label(a.number, a.differs), a.message.content, a.request.error, foot(a)) for a in answers]
        below_each_other = "".join("\n\n".join(filter(None, each)) + "\n\n" for each in parts)
        self._out.write(self._made(below_each_other))

    def _view(self) -> View:
        return Raw(self._out, self._note, self._made)

    def _made(self, text: str) -> str:
        """What is written of a text: a pipe or a file gets it as it is."""
        return text


class Raw:
    """A reply as it came; `made` is what is written of each text."""

    def __init__(self, out: TextIO, note: Callable[[str], None], made: Callable[[str], str]) -> None:
        self._out = out
        self._note = note
        self._made = made
        self._last = "\n"

    def patience(self) -> float:
        """How long to wait for more, in seconds."""
        return _PATIENCE

    def take(self, deltas: list[Delta]) -> None:
        """Write what has come."""
        for delta in deltas:
            if isinstance(delta, Text) and delta.choice == 0:
                self._out.write(self._made(delta.text))
                self._last = delta.text[-1:] or self._last
            elif isinstance(delta, Notice):
                self._note(delta.text)

    def paint(self) -> None:
        """Let the reader have it."""
        self._out.flush()

    def put_away(self) -> None:
        """Leave the terminal to others for a while."""
        self._out.flush()

    def finish(self) -> None:
        """End with a whole line."""
        if self._last != "\n":
            self._out.write("\n")
        self._out.flush()
