"""What stands on the screen and in the scrollback after streaming equals the reply drawn at once."""

import random
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product

import pytest

from tests.documents import examples, mixtures, readmes
from tests.predicates import PREDICATES, far_markup, late_underline
from tests.streaming import cut, one_shot, streamed

COLUMNS = (40, 80, 120)
ROWS = (10, 40)

SPEEDS = ((4, 1.0), (40, 1.0), (200, 0.02))
"""The longest piece in characters, and the seconds between two: a frame a token, a frame a few words,
and several pieces a frame."""

CONDITIONS = list(product(COLUMNS, ROWS, SPEEDS))


@dataclass
class Found:
    """What a run over documents found: runs, those that differ and why, and those that nothing excuses."""

    runs: int = 0
    differing: dict[str, int] = field(default_factory=dict)
    unexplained: list[str] = field(default_factory=list)

    def check(self, source: str, columns: int, rows: int, speed: tuple[int, float], seed: int) -> None:
        """Stream a document and look."""
        longest, pause = speed
        pieces = cut(source, longest, random.Random(seed))
        self.runs += 1
        if streamed(pieces, columns, rows, pause=pause).terminal.history == one_shot(source, columns):
            return
        reason = next((predicate.__name__ for predicate in PREDICATES if predicate(source)), "")
        self.differing[reason] = self.differing.get(reason, 0) + 1
        if not reason:
            self.unexplained.append(f"{columns} x {rows}, pieces up to {longest}, seed {seed}: {source!r}")


@pytest.mark.parametrize(
    ("documents", "every"),
    [(examples(), 10), (mixtures(80), 2), (readmes(), 6)],
    ids=["examples", "mixtures", "readmes"],
)
def test_a_sample_equals_its_one_shot_rendering(documents: list[str], every: int) -> None:
    found = Found()
    for seed, source in enumerate(documents[::every]):
        found.check(source, *CONDITIONS[seed % len(CONDITIONS)], seed=seed)
    assert found.runs >= 10
    assert not found.unexplained
    assert sum(found.differing.values()) <= 0.03 * found.runs


@pytest.mark.slow
@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda value: "-".join(map(str, value)))
def test_all_documents_equal_their_one_shot_rendering(condition: tuple[int, int, tuple[int, float]]) -> None:
    documents = [*examples(), *mixtures(1400), *readmes()]
    found = Found()
    for seed, source in enumerate(documents):
        found.check(source, *condition, seed=seed)
    sys.stdout.write(f"\n{condition}: {found.runs} documents, {sum(found.differing.values())} differ\n")
    assert len(documents) >= 2000
    assert not found.unexplained
    assert sum(found.differing.values()) <= 0.03 * found.runs


LONG = " ".join(f"word{number}" for number in range(60))

EDGES = [
    f"{LONG}\n| a | b |\n|---|---|\n| 1 | 2 |\n",
    f"{LONG}\n{LONG} [link](http://a.b)  \n{LONG}\\\n{LONG}\n\nend",
    "".join(f"word{number}\n" for number in range(90)),
    "模型读取词元并预测接下来的内容。" * 60 + "**强调**的内容" * 40,
    f"> {LONG}\n{LONG}\n\n- {LONG}\n\n  {LONG}\n",
    "".join(f"{number}. item\n" for number in range(95, 130)),
    "| a | b |\n|---|--:|\n" + "".join(f"| {'x' * (n * 3)} | *{n}* |\n" for n in range(30)) + "\nend\n",
    "|" + " column |" * 14 + "\n|" + "---|" * 14 + "\n" + ("|" + " some words |" * 14 + "\n") * 6,
    '```python\nx = """\nabc = 1\n"""\nfor x in y:\n' + f"{LONG} # {LONG}\n" * 3 + "```\n",
    "- a\n  1. b\n     - c\n       ```\n" + "       code\n\n" * 30 + "       ```\n",
    "<div>\n" * 40 + "\n<!-- " + "comment\n" * 40 + "-->\n",
    "    code\n\n" * 40 + "text\n",
    "a\tb " * 200,
    f"{'x' * 500} " * 5,
    "👩‍🔬 café ｅ́ " * 100,
]


@pytest.mark.parametrize("every", [8, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("number", range(len(EDGES)))
def test_long_and_odd_blocks_equal_their_one_shot_rendering(number: int, every: int) -> None:
    found = Found()
    for seed, (columns, rows, speed) in enumerate(CONDITIONS[number % every :: every]):
        found.check(EDGES[number], columns, rows, speed, seed)
    assert not found.differing


@pytest.mark.parametrize(
    ("predicate", "source"),
    [
        (late_underline, f"{LONG}\n===\n"),
        (late_underline, f"{LONG} | b\n|---|---|\n| 1 | 2 |\n"),
        (far_markup, f"*{' '.join(f'word{number}' for number in range(700))} end*\n"),
    ],
)
def test_what_cannot_be_known_in_time_loses_nothing(predicate: Callable[[str], bool], source: str) -> None:
    streaming = streamed(cut(source, 20, random.Random(1)), 80, 24).terminal
    assert streaming.history != one_shot(source, 80)
    assert predicate(source)
    assert re.findall(r"word\d+", " ".join(streaming.text)) == re.findall(r"word\d+", source)


def test_the_open_tail_takes_up_half_the_screen_at_most_and_every_frame_is_whole() -> None:
    source = "".join(mixtures(30)) + "- item\n" * 50 + "  word" * 500
    window = streamed(cut(source, 9, random.Random(1)), 60, 12)
    assert max(map(int, re.findall(r"\x1b\[(\d+)A", "".join(window.writes)))) < 6
    frame = re.compile(r"(\x1b\[\?25l)?\x1b\[\?2026h\x1b\[\?7l.*\x1b\[\?7h\x1b\[\?2026l", re.DOTALL)
    assert all(frame.fullmatch(write) for write in window.writes[:-1])
    assert not any("\x1b[J" in write for write in window.writes)
    assert window.writes[-1].endswith("\x1b[?25h")


def test_code_that_is_drawn_character_by_character_keeps_its_colours() -> None:
    source = '```python\nx = """\nabc = 1\n"""\nfor x in y:\n    pass\n```\n'
    assert streamed(source, 80, 24).terminal.history == one_shot(source, 80)


def test_only_what_changed_is_written() -> None:
    source = "word " * 2000
    window = streamed(cut(source, 5, random.Random(1)), 80, 24)
    assert sum(map(len, window.writes)) < 12 * len(source)


def test_a_long_item_with_code_in_it_is_released_row_by_row() -> None:
    lines = [f"  line_{number} = {number}" for number in range(60)]
    source = "- item\n\n  ```python\n" + "\n".join(lines) + "\n"
    window = streamed(source.splitlines(keepends=True), 40, 10)
    assert window.terminal.history == one_shot(source, 40)
    # Already before its end most of it was final: the last frame has only the rest to write.
    assert len("".join(window.writes[-3:])) < 300


def test_output_that_would_drive_the_terminal_is_shown_instead() -> None:
    source = "a\x1b[2Jb &#27;[31mc &#x202e;d `\x9b31m`\n\n```\n\x1b]0;title\x07\n```\n"
    window = streamed([source], 80, 24)
    shown = "\n".join(window.terminal.text)
    assert "a␛[2Jb" in shown
    assert "<U+202E>d" in shown
    assert "␛]0;title␇" in shown
    assert not re.search(r"\x1b(?!\[\??[\d;]*[hlmAK])|\x9b|\u202e", "".join(window.writes))
