"""The painter's output, looked at on a terminal."""

import random

from llmchat.painter import Painter
from tests.terminal import Terminal


def test_random_frames_show_every_finished_row_once_and_the_open_ones_below() -> None:
    for seed in range(300):
        randomness = random.Random(seed)
        terminal, painter = Terminal(20, 8), Painter()
        finished: list[str] = []
        live: list[str] = []
        for _ in range(randomness.randint(1, 12)):
            part, live = _next_frame(randomness, live)
            terminal.write(painter.frame(part, live))
            finished += part
            assert terminal.text == finished + live, seed
            row = len(terminal.scrollback) + terminal.cursor.y
            assert (terminal.cursor.x, row) == _rest(finished, live), seed


def test_a_row_that_only_grew_is_not_written_again() -> None:
    painter = Painter()
    painter.frame([], ["first", "sec"])
    assert painter.frame([], ["first", "second"]) == "\x1b[?2026h\x1b[?7lond\x1b[?7h\x1b[?2026l"
    assert painter.frame([], ["first", "second"]) == ""


def test_an_accent_that_comes_later_is_written_with_its_letter() -> None:
    painter = Painter()
    painter.frame([], ["caf\N{LATIN SMALL LETTER E}"])
    assert "cafe\u0301" in painter.frame([], ["cafe\u0301"])


def test_wiping_empties_the_rows_and_leaves_the_cursor_where_they_began() -> None:
    terminal, painter = Terminal(20, 8), Painter()
    terminal.write(painter.frame(["kept"], ["a", "b", "c"]))
    terminal.write(painter.wipe(3))
    assert terminal.text == ["kept"]
    terminal.write(painter.frame([], ["again"]))
    assert terminal.text == ["kept", "again"]


def test_the_cursor_is_hidden_with_the_first_frame_and_given_back_once() -> None:
    painter = Painter()
    assert painter.close() == ""
    assert painter.frame([], ["a"]).startswith("\x1b[?25l")
    assert "\x1b[?25l" not in painter.frame([], ["b"])
    assert painter.close().endswith("\x1b[?25h")
    assert painter.close() == ""


def _next_frame(randomness: random.Random, live: list[str]) -> tuple[list[str], list[str]]:
    """Some of the open rows finished, perhaps changed at the end, and new open ones."""
    count = randomness.randint(0, len(live))
    part = live[:count]
    if randomness.random() < 0.3:
        part = [*part, f"x{randomness.randint(0, 99)}"]
    rest = live[count : randomness.randint(count, len(live))]
    if rest and randomness.random() < 0.5:
        rest = [*rest[:-1], rest[-1] + "more"]
    return part, (rest + [f"r{randomness.randint(0, 99)}" for _ in range(randomness.randint(0, 3))])[:4]


def _rest(finished: list[str], live: list[str]) -> tuple[int, int]:
    """Where the cursor rests: behind the last open row, or at the start of the row below all."""
    return (len(live[-1]), len(finished) + len(live) - 1) if live else (0, len(finished))
