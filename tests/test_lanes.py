"""Answers side by side: every column holds what its answer is when it stands alone in that width."""

import io
import re

import pytest
from rich.console import Console

from llmchat.messages import Message
from llmchat.store.answers import Answer
from llmchat.store.records import Request
from llmchat.terminal.columns import side_by_side
from llmchat.terminal.markdown import document
from llmchat.terminal.render import Renderer
from llmchat.terminal.results import difference
from llmchat.terminal.themes import theme
from tests.emulator import Cell, Terminal

TEXTS = (
    "# A heading\n\nSome *prose* that is long enough to be broken into several rows of a narrow column.",
    "全角文字の文章はセルを二つずつ使うので、列の幅に合わせて折り返す必要があります。👍 done",
    '```python\ndef greet(name):\n    print(f"Hello, {name}! This line is longer than its column.")\n```',
    "| name | 価格 | note |\n|---|---|---|\n| tea | 120円 | a longer cell |\n| coffee | 340円 | ok |",
    "1. one\n2. two\n   - nested `code`\n\n> quoted",
)
BETWEEN = 3


def answers(count: int) -> list[Answer]:
    request = Request("http://here/v1", "", "m", "{}")
    texts = [TEXTS[n % len(TEXTS)] for n in range(count)]
    return [
        Answer(request, Message("assistant", text), number=n, differs={"top_k": n})
        for n, text in enumerate(texts, 1)
    ]


def console(width: int) -> Console:
    return Console(
        file=io.StringIO(), width=width, force_terminal=True, theme=theme("auto"), color_system="256"
    )


def drawn(output: str, width: int) -> list[list[Cell]]:
    screen = Terminal(width, 200)
    screen.write(output)
    return screen.history


def trimmed(cells: list[Cell]) -> list[Cell]:
    while cells and cells[-1][0] == " ":
        cells = cells[:-1]
    return cells


def alone(answer: Answer, width: int) -> list[list[Cell]]:
    """The rows of an answer in a terminal of this width."""
    renderer = Renderer(console(width), width)
    rows = [row for piece in document(answer.message.content) for row in renderer.rows(piece)]
    return [trimmed(row) for row in drawn("\n".join(rows), width)]


@pytest.mark.parametrize(
    ("width", "count", "columns"),
    [(80, 2, 2), (80, 4, 2), (80, 5, 2), (120, 3, 3), (120, 5, 3), (200, 5, 5), (200, 4, 4), (200, 2, 2)],
)
def test_a_column_is_its_answer_in_that_width(width: int, count: int, columns: int) -> None:
    rows = drawn(side_by_side(console(width), answers(count), "fold"), width)
    wide = (width - BETWEEN * (columns - 1)) // columns
    heads = [n for n, row in enumerate(rows, 1) if re.match(r"\d+ · top_k", "".join(c[0] for c in row))]
    assert len(heads) == -(-count // columns)
    for answer in answers(count):
        tier, column = divmod(answer.number - 1, columns)
        start = column * (wide + BETWEEN)
        part = [trimmed(row[start : start + wide]) for row in rows[heads[tier] + 1 :]]
        expected = alone(answer, wide)
        assert part[: len(expected)] == expected
        if column:
            edges = {row[start - 2][0] for row in rows[heads[tier] : heads[tier] + len(expected)]}
            assert edges == {"│"}


@pytest.mark.parametrize("width", [30, 60, 74])
def test_below_two_columns_the_answers_are_stacked(width: int) -> None:
    rows = drawn(side_by_side(console(width), answers(3), "fold"), width)
    text = ["".join(cell[0] for cell in row).rstrip() for row in rows]
    assert [line for line in text if line.startswith(("1 ·", "2 ·", "3 ·"))] == [
        f"{n} · top_k {n}" for n in (1, 2, 3)
    ]
    expected = alone(answers(3)[1], width)
    start = text.index("2 · top_k 2") + 2
    assert [trimmed(row) for row in rows[start : start + len(expected)]] == expected


def test_a_terminal_that_can_only_write_gets_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[?" in side_by_side(console(80), answers(2), "fold")
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b[?" not in side_by_side(console(80), answers(2), "fold")


def test_what_a_model_says_drives_no_terminal() -> None:
    request = Request("http://here/v1", "", "m\x1b]0;title\x07", "{}", error="\x1b[2J")
    evil = Answer(request, Message("assistant", "\x1b[2J", reasoning="\x9b2J"), differs={"model": "\x1b[2J"})
    output = (
        side_by_side(console(80), [evil, evil], "show")
        + difference([("gone", "\x1b[2J"), ("new", "\x9b")], marked=True).plain
    )
    assert "\x1b[2J" not in output
    assert "\x9b" not in output
    assert "\x07" not in output


def test_thoughts_are_folded_shown_or_hidden() -> None:
    request = Request("http://here/v1", "", "m", "{}")
    one = Answer(request, Message("assistant", "yes", reasoning="let me see"))
    shown = {how: side_by_side(console(80), [one, one], how) for how in ("fold", "show", "hide")}
    assert "thought for 3 words" in shown["fold"]
    assert "let me see" in shown["show"]
    assert "see" not in shown["hide"]
    assert "thought" not in shown["hide"]
