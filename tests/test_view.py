"""The view of a streaming reply: what is drawn when, and what is left."""

import io

import pytest
from rich.console import Console

from llmchat.terminal.themes import theme
from llmchat.terminal.view import FRAME, SLOWEST_FRAME, Rendered
from llmchat.wire.deltas import Delta, Notice, Progress, Reasoning, Text, WasReasoning
from tests.emulator import Terminal
from tests.streaming import Clock, Window, console


class Streaming:
    """A view on a terminal of 30 x 12 whose clock is set by hand."""

    def __init__(self, reasoning: str = "fold") -> None:
        self.terminal = Terminal(30, 12)
        self.window = Window(self.terminal)
        self.clock = Clock()
        self.console = console(self.window, 30, 12)
        self.view = Rendered(self.console, reasoning=reasoning, clock=self.clock, reflows=False)

    def after(self, seconds: float, *deltas: Delta) -> list[str]:
        """What is to be seen when these have come."""
        self.clock.now += seconds
        self.view.take(list(deltas))
        self.view.paint()
        return self.terminal.text

    def resize(self, columns: int) -> None:
        self.console.width = columns
        self.terminal.resize(12, columns)

    def end(self) -> list[str]:
        self.view.finish()
        return self.terminal.text


def test_the_first_word_is_drawn_at_once_and_then_a_frame_at_a_time() -> None:
    streaming = Streaming()
    assert streaming.after(0, Text("one")) == ["one"]
    assert streaming.after(FRAME / 2, Text(" two")) == ["one"]
    assert streaming.view.patience() == pytest.approx(FRAME / 2)
    assert streaming.after(FRAME / 2) == ["one two"]
    assert streaming.after(9, Text(" three")) == ["one two three"]


def test_numbers_are_shown_as_soon_as_they_can_be_no_list() -> None:
    streaming = Streaming()
    assert streaming.after(1, Text("1")) == []
    assert streaming.after(1, Text(" 2")) == ["1 2"]
    assert streaming.after(1, Text(" 3")) == ["1 2 3"]


def test_a_dear_frame_delays_the_next_one() -> None:
    streaming = Streaming()
    cost = 0.02

    class Slow(io.StringIO):
        def write(self, output: str) -> int:
            streaming.clock.now += cost
            return len(output)

    streaming.console.file = Slow()
    streaming.after(0, Text("one"))
    streaming.view.take([Text("two")])
    assert streaming.view.patience() == pytest.approx(10 * cost - cost)
    cost = SLOWEST_FRAME / 2
    streaming.after(1, Text("three"))
    streaming.view.take([Text("four")])
    assert streaming.view.patience() == pytest.approx(SLOWEST_FRAME - cost)


def test_waiting_is_said_until_something_comes() -> None:
    streaming = Streaming()
    assert streaming.after(0.1) == []
    assert streaming.after(2.0) == ["waiting 2 s · Ctrl-C stops"]
    assert streaming.after(1.0, Text("one")) == ["one"]
    assert streaming.end() == ["one"]


@pytest.mark.parametrize(
    ("shown", "while_thinking", "after"),
    [
        ("fold", ["line 3", "line 4", "line 5", "line 6", "line 7", "line 8"], ["thought for 3 s"]),
        ("show", [f"line {n}" for n in range(9)], [*(f"line {n}" for n in range(9)), "thought for 3 s"]),
        ("hide", ["thinking 3 s"], []),
    ],
)
def test_reasoning_is_folded_shown_or_hidden(shown: str, while_thinking: list[str], after: list[str]) -> None:
    streaming = Streaming(shown)
    streaming.after(0, Reasoning("\nline 0"))
    assert streaming.after(3, *(Reasoning(f"\nline {n}") for n in range(1, 9))) == while_thinking
    text = streaming.after(0.4, Text("\n\nThe answer"))
    assert text == [*after, *([""] if after else []), "The answer"]
    assert streaming.end() == text


def test_reasoning_of_one_long_line_is_wrapped_once() -> None:
    streaming = Streaming("show")
    words = [f"word{n}" for n in range(200)]
    for word in words:
        streaming.after(1, Reasoning(word + " "))
    text = streaming.end()
    assert " ".join(text).split() == [*words, "thought", "for", "199", "s"]
    assert all(len(row) > 20 for row in text[:-2])


def test_text_that_was_reasoning_stays_and_says_so() -> None:
    streaming = Streaming()
    streaming.after(1, Text("Hm, let me **see**\n\n```\nx\n```"))
    streaming.after(1, WasReasoning(), Text("The answer\n\n```\ny\n```\n"))
    assert streaming.end() == [
        *["Hm, let me see", "", "code · 1", "x", "The text above was reasoning."],
        *["", "The answer", "", "code · 1", "y"],
    ]


def test_a_notice_stands_above_the_answer_and_other_choices_are_not_shown() -> None:
    streaming = Streaming()
    streaming.after(0, Notice("left out: min_p"), Text("one"), Text("other", 1))
    assert streaming.end() == ["left out: min_p", "", "one"]


def test_waiting_goes_on_below_a_notice_and_tells_what_the_server_tells() -> None:
    streaming = Streaming()
    assert streaming.after(0, Notice("not ready yet")) == ["not ready yet"]
    assert streaming.after(1.0) == ["not ready yet", "waiting 1 s · Ctrl-C stops"]
    streaming.resize(60)
    told = "waiting 2 s · 25 % of 2,048 tokens read · Ctrl-C stops"
    assert streaming.after(1.0, Progress(512, 2048)) == ["not ready yet", told]
    assert streaming.after(9000.0, Progress(2048, 2048))[1].startswith("waiting 9002 s · 100 % of 2,048")
    assert streaming.after(1.0, Text("one")) == ["not ready yet", "", "one"]
    assert streaming.end() == ["not ready yet", "", "one"]


def test_a_new_width_lays_out_the_tail_only() -> None:
    streaming = Streaming()
    streaming.after(1, Text("A finished paragraph of words.\n\nAn open one that is quite long"))
    assert streaming.terminal.text == ["A finished paragraph of words.", "", "An open one that is quite long"]
    streaming.resize(20)
    # This terminal cuts the rows that it has; what was finished is not drawn again.
    assert streaming.after(1) == ["A finished paragraph", "", "An open one that is", "quite long"]
    streaming.resize(40)
    assert streaming.after(1) == ["A finished paragraph", "", "An open one that is quite long"]


def test_a_new_width_in_a_long_list_loses_nothing() -> None:
    streaming = Streaming()
    lines = ["- item", *(f"  - word{n} and some more of it" for n in range(40))]
    for number, line in enumerate(lines):
        if number % 7 == 0:
            streaming.resize(30 if number % 2 else 40)
        streaming.after(1, Text(line + "\n"))
    words = " ".join(streaming.end()).split()
    assert [word for word in words if word.startswith("word")] == [f"word{n}" for n in range(40)]


def test_the_cursor_comes_back_also_when_drawing_fails() -> None:
    streaming = Streaming()
    streaming.after(0, Text("one"))

    class Broken(io.StringIO):
        def write(self, output: str) -> int:
            if "two" in output:
                raise BrokenPipeError
            return streaming.window.write(output)

    streaming.console.file = Broken()
    streaming.view.take([Text(" two")])
    with pytest.raises(BrokenPipeError):
        streaming.view.finish()
    assert streaming.window.writes[-1].endswith("\x1b[?7h\x1b[?2026l\x1b[?25h")


def test_without_a_terminal_finished_rows_are_written_and_nothing_else() -> None:
    out = io.StringIO()
    view = Rendered(Console(file=out, theme=theme("auto"), width=30), clock=Clock())
    for piece in ("# Ti", "tle\n\nsome *wo", "rds*"):
        view.take([Text(piece)])
        view.paint()
    view.finish()
    assert out.getvalue() == "Title\n\nsome words\n"
