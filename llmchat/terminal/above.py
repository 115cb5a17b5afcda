"""What is written above the prompt, also while somebody types into it."""

import queue
from collections.abc import Callable
from typing import Any

from prompt_toolkit.application import Application
from prompt_toolkit.output import Output

from llmchat.terminal.wrapping import in_rows


class Above:
    """Writes above the prompt of an application: at once while that runs, else before it runs again."""

    def __init__(self, app: Application[Any], output: Output) -> None:
        self._app = app
        self._output = output
        self._waiting: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def write(self, text: str) -> None:
        """Write a text, which is made safe; may be called from any thread."""
        self.show(lambda: self._output.write(in_rows(text, self._output).replace("\n", "\r\n") + "\r\n"))

    def show(self, show: Callable[[], None]) -> None:
        """Let `show` write there, in the thread of the prompt; may be called from any thread."""
        self._waiting.put(show)
        if self._app.is_running and self._app.loop:
            self._app.loop.call_soon_threadsafe(self._interrupt)

    def catch_up(self) -> None:
        """Let all write that waits for it."""
        while not self._waiting.empty():
            self._waiting.get()()
            self._output.flush()

    def _interrupt(self) -> None:
        """Write above the prompt in use; prompt_toolkit's own way would echo the keys typed meanwhile."""
        renderer = self._app.renderer
        renderer.erase()
        self._output.flush()
        self.catch_up()
        renderer.reset()
        renderer.request_absolute_cursor_position()
        self._app.invalidate()
