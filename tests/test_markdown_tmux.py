"""The real program in a real tmux: what its scrollback holds after a reply, also when it was resized."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tmux import Tmux, tmux

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


@pytest.fixture
def window(tmp_path: Path) -> Iterator[Tmux]:
    (tmp_path / "reply.md").write_text(SOURCE)
    (tmp_path / "feed.py").write_text(FEED)
    python = sys.executable
    pipeline = f"{python} {tmp_path}/feed.py {tmp_path}/reply.md | {python} -m llmchat --render"
    with tmux(tmp_path, f"{pipeline}; echo done; sleep 60") as terminal:
        yield terminal


def test_the_scrollback_holds_every_line_once(window: Tmux) -> None:
    rows = window.wait_for("done")
    assert marks(rows) == MARKS
    # Nothing but the reply: tmux would keep rows that were scrolled away by `CSI J`.
    assert rows[0] == "Title"
    assert rows[rows.index("python · 1") + 1 :][:40] == [f"code{n} = [{n}]" for n in range(40)]


def test_the_scrollback_holds_every_line_once_when_the_window_changes(window: Tmux) -> None:
    for mark, columns in (
        ("para3", 40),
        ("para9", 90),
        ("code10", 30),
        ("code30", 70),
        ("item5", 44),
        ("item9", 60),
    ):
        window.wait_for(mark)
        window.resize(columns)
    assert marks(window.wait_for("done")) == MARKS


def marks(rows: list[str]) -> list[str]:
    """The words of the rows that are marks, in their order."""
    known = set(MARKS)
    return [word for row in rows for word in row.split() if word in known]
