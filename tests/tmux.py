"""A real tmux with the program in it: a terminal that wraps its rows anew when it is resized."""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

LONGEST_WAIT = 30.0
"""A guard against hanging, in seconds; nothing is expected to take that long."""


class Tmux:
    """A tmux server of its own with one window of 16 rows."""

    def __init__(self, socket: Path, command: str, columns: int) -> None:
        self._socket = socket
        self._tmux("new-session", "-d", "-x", str(columns), "-y", "16", command)

    def resize(self, columns: int) -> None:
        self._tmux("resize-window", "-x", str(columns), "-y", "16")

    def type(self, keys: str) -> None:
        """Press keys."""
        self._tmux("send-keys", "-l", keys)

    @property
    def rows(self) -> list[str]:
        """All rows of the history and the screen."""
        return self._tmux("capture-pane", "-p", "-S", "-").rstrip("\n").split("\n")

    @property
    def coloured(self) -> str:
        """All rows of the history and the screen, with their colours as escape sequences."""
        return self._tmux("capture-pane", "-p", "-e", "-S", "-")

    @property
    def paste_buffer(self) -> str:
        """What tmux would paste."""
        return self._tmux("show-buffer")

    def wait_for(self, text: str) -> list[str]:
        """All rows, as soon as the text is in them."""
        return self.wait_until(lambda rows: text in "\n".join(rows), text)

    def wait_until(self, there: Callable[[list[str]], bool], what: str) -> list[str]:
        """All rows, as soon as they fit."""
        end = time.monotonic() + LONGEST_WAIT
        while not there(rows := self.rows):
            assert time.monotonic() < end, f"{what!r} did not come:\n" + "\n".join(rows)
            time.sleep(0.05)
        return rows

    def close(self) -> None:
        self._tmux("kill-server")

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-S", str(self._socket), "-f", os.devnull, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@contextlib.contextmanager
def tmux(folder: Path, command: str, *, columns: int = 60) -> Iterator[Tmux]:
    """A shell's command in a tmux whose socket is in this folder; ended with the block."""
    assert shutil.which("tmux"), "This test needs tmux: install it (apt-get install tmux, brew install tmux)."
    terminal = Tmux(folder / "socket", command, columns)
    try:
        yield terminal
    finally:
        terminal.close()
