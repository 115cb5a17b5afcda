"""What was finished stays on the screen and in the scrollback, each row once, whatever came between."""

import random
from collections.abc import Iterator

import pyte

from llmchat.terminal.painter import Painter

WIDTH, HEIGHT = 20, 8


class Terminal:
    """A terminal emulator with a scrollback, and a painter that draws on it."""

    def __init__(self) -> None:
        self.screen = pyte.HistoryScreen(WIDTH, HEIGHT, history=1000, ratio=0.5)
        self._stream = pyte.Stream(self.screen)
        self._painter = Painter()

    def show(self, finished: list[str], live: list[str]) -> str:
        written = self._painter.frame(finished, live)
        self._stream.feed(written)
        return written

    def wipe(self, height: int) -> None:
        self._stream.feed(self._painter.wipe(height))

    def close(self) -> None:
        self._stream.feed(self._painter.close())

    @property
    def rows(self) -> list[str]:
        """All that can be seen by scrolling, without the empty rows at the end."""
        gone = ["".join(line[x].data for x in range(WIDTH)) for line in self.screen.history.top]
        rows = [row.rstrip() for row in [*gone, *self.screen.display]]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    @property
    def row(self) -> int:
        """The cursor's row, counted from the first that was ever written."""
        return int(len(self.screen.history.top) + self.screen.cursor.y)


def frames_at_random(seed: int) -> Iterator[tuple[list[str], list[str]]]:
    """Frames as a reply makes them: rows come, change, and are finished; all are at the end."""
    choose = random.Random(seed)
    live: list[str] = []
    for _ in range(choose.randint(1, 12)):
        done = choose.randint(0, len(live))
        finished = live[:done] + ([] if choose.random() < 0.7 else [f"x{choose.randint(0, 99)}"])
        kept = live[done : choose.randint(done, len(live))]
        live = (kept + [f"r{choose.randint(0, 99)}" for _ in range(choose.randint(0, 3))])[:4]
        yield finished, live
    yield live, []


def test_every_frame_shows_what_is_finished_and_what_is_live() -> None:
    for seed in range(150):
        terminal = Terminal()
        committed: list[str] = []
        for finished, live in frames_at_random(seed):
            terminal.show(finished, live)
            committed += finished
            assert terminal.rows == committed + live, seed
            assert terminal.row == len(committed) + max(0, len(live) - 1), seed
        assert terminal.screen.cursor.x == 0, seed
        assert terminal.screen.cursor.hidden, seed
        terminal.close()
        assert not terminal.screen.cursor.hidden, seed


def test_nothing_is_written_when_nothing_has_changed() -> None:
    terminal = Terminal()
    assert terminal.show([], []) == ""
    assert terminal.show(["a"], ["b"]) != ""
    assert terminal.show([], ["b"]) == ""


def test_rows_that_have_not_changed_are_not_written_again() -> None:
    terminal = Terminal()
    terminal.show([], ["same", "old"])
    written = terminal.show([], ["same", "new"])
    assert "new" in written
    assert "same" not in written


def test_a_row_that_becomes_shorter_leaves_nothing_behind() -> None:
    terminal = Terminal()
    terminal.show([], ["a long row", "another"])
    terminal.show([], ["short"])
    assert terminal.rows == ["short"]
    terminal.show([], [])
    assert (terminal.rows, terminal.row) == ([], 0)


def test_the_part_below_is_never_erased_at_once() -> None:
    """tmux scrolls the screen away when it is told to erase below the cursor."""
    terminal = Terminal()
    frames = [([], ["a", "b"]), (["a"], ["b"]), (["b"], []), (["c"], ["d"]), ([], [])]
    assert not any("\x1b[J" in terminal.show(finished, live) for finished, live in frames)


def test_a_row_that_only_grew_is_not_written_again() -> None:
    painter = Painter()
    painter.frame([], ["first", "sec"])
    assert painter.frame([], ["first", "second"]) == "\x1b[?2026h\x1b[?7lond\x1b[?7h\x1b[?2026l"
    assert painter.frame([], ["first", "second"]) == ""


def test_an_accent_that_comes_later_is_written_with_its_letter() -> None:
    painter = Painter()
    painter.frame([], ["caf\N{LATIN SMALL LETTER E}"])
    assert "cafe\u0301" in painter.frame([], ["cafe\u0301"])


def test_wiping_empties_the_live_rows_and_goes_back_to_where_they_began() -> None:
    terminal = Terminal()
    terminal.show(["kept"], ["a", "b", "c"])
    terminal.wipe(3)
    assert terminal.rows == ["kept"]
    terminal.show([], ["again"])
    assert terminal.rows == ["kept", "again"]


def test_the_cursor_is_hidden_with_the_first_frame_and_given_back_once() -> None:
    painter = Painter()
    assert painter.close() == ""
    assert painter.frame([], ["a"]).startswith("\x1b[?25l")
    assert "\x1b[?25l" not in painter.frame([], ["b"])
    assert painter.close().endswith("\x1b[?25h")
    assert painter.close() == ""
