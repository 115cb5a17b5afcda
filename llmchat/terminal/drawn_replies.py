"""Replies drawn as markdown: while they arrive (`view.py`), whole, in columns."""

from collections.abc import Callable, Sequence
from typing import TextIO

from rich.console import Console

from llmchat.input.piped import Pieces
from llmchat.interruptions import Suspension
from llmchat.lab.run import Run
from llmchat.store.answers import Answer
from llmchat.terminal.columns import side_by_side
from llmchat.terminal.consoles import console, repaints
from llmchat.terminal.lanes import Following
from llmchat.terminal.markdown import document
from llmchat.terminal.render import Renderer
from llmchat.terminal.replies import Replies, View
from llmchat.terminal.sanitize import safe
from llmchat.terminal.view import Rendered
from llmchat.wire.deltas import Text


class DrawnReplies(Replies):
    """Shows replies as markdown, unless the user has switched that off; what is not drawn is made safe."""

    def __init__(self, out: TextIO, note: Callable[[str], None], console: Console) -> None:
        super().__init__(out, note)
        self._console = console

    def whole(self, content: str) -> None:
        """Show a whole reply as it looked when it came."""
        if self.preferences.markdown:
            self.markdown(content)
        else:
            super().whole(content)

    def markdown(self, content: str) -> None:
        """Draw a message as markdown."""
        renderer = Renderer(self._console, self._console.width)
        rows = [row for piece in document(safe(content)) for row in renderer.rows(piece)]
        self._out.write("".join(row + "\n" for row in rows))

    def follow(self, run: Run, suspension: Suspension) -> None:
        """Show the lanes of a run while they run; of this nothing stays."""
        if repaints(self._console):
            Following(self._console, run).until_ended(suspension)
        else:
            super().follow(run, suspension)

    def side_by_side(self, answers: Sequence[Answer]) -> None:
        """Show several answers side by side, or one below the other where nothing is drawn."""
        if self.preferences.markdown:
            self._out.write(side_by_side(self._console, answers, self.preferences.reasoning))
        else:
            super().side_by_side(answers)

    def _view(self) -> View:
        if self.preferences.markdown:
            return Rendered(self._console, reasoning=self.preferences.reasoning)
        return super()._view()

    def _made(self, text: str) -> str:
        return safe(text)


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
