"""The real program in a real tmux: what its scrollback holds after a reply, also when it was resized."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = "".join(
    [
        "# Title\n\n",
        *(f"Paragraph para{n} with some words that are long enough to wrap here.\n\n" for n in range(12)),
        "```python\n",
        *(f"code{n} = [{n}]\n" for n in range(40)),
        "```\n\n",
        *(f"1. item{n} and its words, of which there are some\n   - sub{n}\n" for n in range(20)),
        "\nThe very end.\n",
    ]
)
MARKS = [
    *(f"para{n}" for n in range(12)),
    *(f"code{n}" for n in range(40)),
    *(mark for n in range(20) for mark in (f"item{n}", f"sub{n}")),
]

FEED = """
import sys, time
for line in open(sys.argv[1]):
    print(line, end="", flush=True)
    time.sleep(0.03)
"""


class Tmux:
    """A tmux server of its own with one window."""

    def __init__(self, socket: Path, command: str) -> None:
        self._socket = socket
        self._tmux("new-session", "-d", "-x", "60", "-y", "16", command)

    def resize(self, columns: int) -> None:
        self._tmux("resize-window", "-x", str(columns), "-y", "16")

    def wait_for(self, text: str) -> list[str]:
        """All rows of the history and the screen, as soon as the text is among them."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            rows = self._tmux("capture-pane", "-p", "-S", "-").rstrip("\n").split("\n")
            if any(text in row for row in rows):
                return rows
            time.sleep(0.05)
        raise AssertionError(f"{text!r} did not come:\n" + "\n".join(rows))

    def close(self) -> None:
        self._tmux("kill-server")

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-S", str(self._socket), "-f", os.devnull, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    assert shutil.which("tmux"), "This test needs tmux: install it (apt-get install tmux, brew install tmux)."
    (tmp_path / "reply.md").write_text(SOURCE)
    (tmp_path / "feed.py").write_text(FEED)
    python = sys.executable
    pipeline = f"{python} {tmp_path}/feed.py {tmp_path}/reply.md | {python} -m llmchat --render"
    terminal = Tmux(tmp_path / "socket", f"{pipeline}; echo done; sleep 60")
    yield terminal
    terminal.close()


def test_the_scrollback_holds_every_line_once(tmux: Tmux) -> None:
    rows = tmux.wait_for("done")
    assert marks(rows) == MARKS
    # Nothing but the reply: tmux would keep rows that were scrolled away by `CSI J`.
    assert rows[0] == "Title"
    assert rows[rows.index("python · 1") + 1 :][:40] == [f"code{n} = [{n}]" for n in range(40)]


def test_the_scrollback_holds_every_line_once_when_the_window_changes(tmux: Tmux) -> None:
    for mark, columns in (
        ("para3", 40),
        ("para9", 90),
        ("code10", 30),
        ("code30", 70),
        ("item5", 44),
        ("item9", 60),
    ):
        tmux.wait_for(mark)
        tmux.resize(columns)
    assert marks(tmux.wait_for("done")) == MARKS


def marks(rows: list[str]) -> list[str]:
    """The words of the rows that are marks, in their order."""
    known = set(MARKS)
    return [word for row in rows for word in row.split() if word in known]
