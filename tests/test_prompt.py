"""The prompt in a real pty: completion, history, paste, type-ahead, several lines, the toolbar, vi keys."""

import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmchat.commands import registry
from tests.scripted import Reply, ScriptedServer, answer, chunk, models, serving, sse, usage
from tests.terminal import Terminal, terminal

CTRL_R, CTRL_X_E, ALT_ENTER, TAB, UP, ESCAPE = "\x12", "\x18\x05", "\x1b\r", "\t", "\x1b[A", "\x1b"
PASTE = "\x1b[200~{}\x1b[201~"


@pytest.fixture
def here() -> Iterator[ScriptedServer]:
    """A server that always answers `fine`."""
    with serving() as running:
        running.pages["/v1/models"] = models("tiny-model", "other-model", owned_by="vllm", max_model_len=4096)
        yield running.will(answer("fine"))


def last_row(text: str) -> str:
    """The last row that is not empty."""
    return text.rpartition("\n")[2].strip()


def sent(server: ScriptedServer) -> list[str]:
    """The last message of each request."""
    return [request.body["messages"][-1]["content"] for request in server.requests]


def ask(screen: Terminal, server: ScriptedServer, text: str) -> None:
    """Send a line and wait until it was answered."""
    asked = len(server.requests)
    screen.line(text)
    screen.wait_until(lambda _: len(server.requests) > asked, "the request")
    screen.wait_for_prompt()


def test_commands_parameters_values_and_models_are_completed_with_their_meaning(
    here: ScriptedServer, home: Path
) -> None:
    with terminal("-u", here.url, home=home) as screen:
        screen.wait_for("tiny-model")
        screen.type("/tem")
        screen.wait_for("How freely the next token is chosen")
        screen.type(TAB)
        screen.wait_until(lambda _: screen.cursor_line.startswith("> /temperature"), "the name")
        screen.type(" ")
        screen.wait_for("the default")
        screen.type("\x03/model oth")
        screen.wait_for("other-model")
        screen.type(TAB + "\r")
        screen.wait_for("The model is now other-model.")


def test_the_menu_is_gone_after_the_line_is_sent(here: ScriptedServer, home: Path) -> None:
    with terminal("-u", here.url, home=home) as screen:
        screen.wait_for_prompt()
        screen.type("/temp")
        screen.wait_for("How freely")
        screen.type(" 0.3\r")
        shown = screen.wait_for("temperature is 0.3.")
        screen.wait_for_prompt()
        assert "How freely" not in shown


def test_earlier_inputs_come_back_by_key_and_by_search_in_a_later_session(
    here: ScriptedServer, home: Path
) -> None:
    with terminal("-u", here.url, home=home) as screen:
        screen.wait_for_prompt()
        ask(screen, here, "what is a zebra")
        ask(screen, here, "something else")
    history = home / "data" / "history"
    assert stat.S_IMODE(history.stat().st_mode) == 0o600
    assert stat.S_IMODE(history.parent.stat().st_mode) == 0o700
    with terminal("-u", here.url, home=home) as screen:
        screen.wait_for_prompt()
        screen.type(UP)
        screen.wait_until(lambda _: screen.cursor_line == "> something else", "the last input")
        screen.type("\x03" + CTRL_R + "zeb")
        screen.wait_for("what is a zebra")
        screen.type("\r")
        screen.wait_until(lambda _: screen.cursor_line == "> what is a zebra", "the found input")
        screen.type("\r")
        screen.wait_until(lambda _: len(here.requests) == 3, "the request")
    assert sent(here)[-1] == "what is a zebra"


def test_the_rest_of_an_earlier_input_is_suggested(here: ScriptedServer, home: Path) -> None:
    with terminal("-u", here.url, home=home) as screen:
        screen.wait_for_prompt()
        ask(screen, here, "what is a zebra")
        screen.type("what is")
        screen.wait_until(lambda _: screen.cursor_line == "> what is a zebra", "the suggestion")
        screen.type("\x05\r")
        screen.wait_until(lambda _: len(here.requests) == 2, "the request")
    assert sent(here) == ["what is a zebra"] * 2


def test_a_paste_of_200_lines_is_one_message_and_sends_nothing_by_itself(
    here: ScriptedServer, home: Path
) -> None:
    lines = "\n".join(f"/line {number}" for number in range(200))
    with terminal("-u", here.url, home=home) as screen:
        screen.wait_for_prompt()
        screen.type(PASTE.format(lines.replace("\n", "\r")))
        screen.wait_for("/line 199")
        assert here.requests == []
        screen.type("\r")
        screen.wait_until(lambda _: len(here.requests) == 1, "the request")
        screen.wait_for("fine")
        screen.wait_for_prompt()
    assert sent(here) == [lines]


def test_what_is_typed_while_a_reply_streams_is_not_sent_even_with_enter_in_it(home: Path) -> None:
    slowly = Reply([*sse(chunk("Once "), done=False), 1.0, *sse(chunk("more"), chunk(finish="stop"))])
    with serving() as server:
        server.will(slowly, answer("fine"))
        with terminal("-u", server.url, home=home) as screen:
            screen.wait_for_prompt()
            screen.line("hi")
            screen.wait_for("Once")
            screen.type("and then\rwhat\x1b[D?")
            screen.wait_until(lambda _: screen.cursor_line.strip() == "what?", "what was typed")
            lines = [line.strip() for line in screen.text.splitlines()]
            assert "Once more" in lines
            assert [line for line in lines if "and then" in line] == ["> and then"]
            assert len(server.requests) == 1
            screen.type("\r")
            screen.wait_for("fine")
    assert sent(server)[1] == "and then\nwhat?"


def test_what_was_typed_stands_behind_a_question_that_came_back(home: Path) -> None:
    with serving() as server:
        server.will(Reply(hold=True), answer("fine"))
        with terminal("-u", server.url, home=home) as screen:
            screen.wait_for_prompt()
            screen.line("first")
            screen.wait_for("waiting")
            screen.type(" second")
            time.sleep(0.2)
            screen.type("\x03")
            screen.wait_until(lambda _: screen.cursor_line == "> first second", "both")


@pytest.mark.parametrize(
    "keys", [f"one{ALT_ENTER}two", "one\ntwo", '"""\rone\rtwo\r"""', "one\\n"[:0] + "one\ntwo"]
)
def test_several_lines(here: ScriptedServer, home: Path, keys: str) -> None:
    with terminal("-u", here.url, home=home) as screen:
        screen.wait_for_prompt()
        screen.type(keys + "\r")
        screen.wait_until(lambda _: len(here.requests) == 1, "the request")
    assert sent(here) == ["one\ntwo"]


def test_in_multi_line_mode_enter_begins_a_line_and_alt_enter_sends(here: ScriptedServer, home: Path) -> None:
    with terminal("-u", here.url, home=home) as screen:
        screen.wait_for_prompt()
        screen.line("/multiline")
        screen.wait_for("Alt-Enter sends")
        screen.type("one\rtwo" + ALT_ENTER)
        screen.wait_until(lambda _: len(here.requests) == 1, "the request")
        screen.wait_for_prompt()
        screen.line("/multiline")  # a command is sent by Enter in either mode
        screen.wait_for("Enter sends; Alt-Enter begins a new line.")
    assert sent(here) == ["one\ntwo"]


@pytest.mark.parametrize(
    ("columns", "shown", "dropped"),
    [
        (
            120,
            ["vLLM", "tiny-model", "temp 0.3", "top_k 40", "seed 7", "9 of 4,096 tokens", "1,234 tokens/s"],
            [],
        ),
        (80, ["tiny-model", "temp 0.3", "top_k 40", "seed 7", "9 of 4,096 tokens"], ["tokens/s"]),
        (60, ["tiny-model", "temp 0.3", "top_k 40", "seed 7"], ["tokens/s", "4,096"]),
    ],
)
def test_the_toolbar_shows_what_matters_most(
    here: ScriptedServer, home: Path, columns: int, shown: list[str], dropped: list[str]
) -> None:
    last = {**usage(5, 4), "timings": {"predicted_per_second": 1234}}
    here.script[0] = Reply(sse(chunk("fine"), chunk(finish="stop"), last))
    with terminal("-u", here.url, home=home, columns=columns) as screen:
        screen.wait_for_prompt()
        screen.line("/set temperature=0.3 top_k=40 seed=7 presence_penalty=0.25")
        screen.wait_for("presence_penalty is 0.25.")
        ask(screen, here, "hi")
        bar = last_row(screen.wait_until(lambda text: "tiny-model ·" in last_row(text), "the toolbar"))
    assert len(bar) < columns
    assert [part for part in shown if part not in bar] == []
    assert not any(part in bar for part in dropped)


def test_the_toolbar_shows_no_parameter_that_is_at_its_default(here: ScriptedServer, home: Path) -> None:
    with terminal("-u", here.url, home=home) as screen:
        bar = last_row(screen.wait_until(lambda text: "· tiny-model" in last_row(text), "the toolbar"))
        assert bar == "vLLM · tiny-model"


def test_vi_keys(here: ScriptedServer, home: Path) -> None:
    (home / "config").mkdir(parents=True)
    (home / "config" / "settings.toml").write_text('keys = "vi"\n')
    with terminal("-u", here.url, home=home) as screen:
        screen.wait_for_prompt()
        screen.type("hello wurld")
        screen.wait_until(lambda _: screen.cursor_line == "> hello wurld", "the text")
        screen.type(ESCAPE)
        time.sleep(0.7)
        screen.type("bcwworld")
        screen.wait_until(lambda _: screen.cursor_line == "> hello world", "the change")
        screen.type("\r")
        screen.wait_until(lambda _: len(here.requests) == 1, "the request")
    assert sent(here) == ["hello world"]


def test_the_editor_edits_the_line(here: ScriptedServer, home: Path, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nprintf " and more" >> "$1"\n')
    editor.chmod(0o755)
    with terminal("-u", here.url, home=home, EDITOR=str(editor), VISUAL="") as screen:
        screen.wait_for_prompt()
        screen.type("a line" + CTRL_X_E)
        screen.wait_for("a line and more")
        assert here.requests == []
        screen.type("\r")
        screen.wait_until(lambda _: len(here.requests) == 1, "the request")
    assert sent(here) == ["a line and more"]


def test_a_key_is_not_shown_and_not_kept(here: ScriptedServer, home: Path) -> None:
    with terminal("-u", here.url, home=home) as screen:
        screen.wait_for_prompt()
        screen.line("/key")
        screen.wait_for("Key for")
        screen.line("sk-secret")
        screen.wait_for_prompt()
        ask(screen, here, "hi")
        assert "sk-secret" not in screen.raw
    assert here.requests[0].headers["authorization"] == "Bearer sk-secret"
    assert not any(b"sk-secret" in file.read_bytes() for file in home.rglob("*") if file.is_file())


@pytest.mark.parametrize("name", ["NO_COLOR", "TERM"])
def test_without_colour_there_is_none(here: ScriptedServer, home: Path, name: str) -> None:
    term = "dumb" if name == "TERM" else "xterm-256color"
    no_color = "1" if name == "NO_COLOR" else ""
    with terminal("-u", here.url, home=home, TERM=term, NO_COLOR=no_color) as screen:
        screen.wait_for(">")
        screen.line("hi")
        screen.wait_for("fine")
        assert "\x1b[3" not in screen.raw


def test_wide_characters_take_two_columns(here: ScriptedServer, home: Path) -> None:
    with terminal("-u", here.url, home=home) as screen:
        screen.wait_for_prompt()
        screen.type("日本語x\x7f\x7f")
        screen.wait_until(lambda _: screen.cursor_line.replace(" ", "") == ">日本", "two characters")
        screen.type("\r")
        screen.wait_until(lambda _: len(here.requests) == 1, "the request")
    assert sent(here) == ["日本"]


def test_ctrl_c_at_a_question_is_no_answer(here: ScriptedServer, home: Path) -> None:
    with terminal("-u", here.url, home=home) as screen:
        screen.wait_for_prompt()
        ask(screen, here, "hi")
        here.pages["/v1/models"] = models("m")
        screen.line(f"/server {here.url}")
        screen.wait_for_prompt()
        screen.line("/continue")
        screen.wait_for("[Y/n]")
        screen.type("\x03")
        screen.wait_for("Stopped.")
        screen.wait_for_prompt()
    assert len(here.requests) == 1


def test_a_key_typed_into_a_line_is_not_kept(here: ScriptedServer, home: Path) -> None:
    with terminal("-u", here.url, home=home) as screen:
        screen.wait_for_prompt()
        for name in registry.commands["key"].words:
            screen.line(f"/{name} sk-secret")
            screen.wait_for("does not belong")
            screen.wait_for_prompt()
        ask(screen, here, "hi")
    assert (home / "data" / "history").read_text().count("\n+") == 1


def test_a_question_is_broken_between_its_words(here: ScriptedServer, home: Path) -> None:
    with terminal("-u", here.url, home=home, columns=60) as screen:
        screen.wait_for_prompt()
        ask(screen, here, "seventeen letters")
        assert screen.answer("/delete")[-1] == "Delete 'seventeen letters' with its 2 messages for good?"
        assert screen.cursor_line == "[y/N]"
