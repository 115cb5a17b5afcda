"""The user's own colours, and the lines and the window that are marked as the user's."""

from pathlib import Path

import pytest

from llmchat.config.settings import load
from llmchat.config.styles import STYLES, for_prompt, read
from llmchat.errors import UsageError
from llmchat.terminal.themes import theme
from tests.scripted import ScriptedServer, answer
from tests.terminal import terminal


def test_the_settings_file_changes_how_an_element_is_drawn(home: Path) -> None:
    file = home / "config" / "settings.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text('[styles]\nuser.text = "italic"\n"markdown.code" = "#FF8800 on black"\n')
    own = load().styles
    assert own == {"user.text": "italic", "markdown.code": "#ff8800 on black"}
    drawn = theme("dark", own).styles["markdown.code"]
    assert str(drawn) == "#ff8800 on black"
    assert theme("dark", own).styles["markdown.h1"] == theme("dark").styles["markdown.h1"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"markdown.h9": "bold"}, "no element 'markdown.h9'"),
        ({"markdown": "bold"}, "no element 'markdown'"),
        *[
            ({"user": {"text": style}}, "a style such as 'bold red'")
            for style in (
                "",
                "pink",
                "red blue",
                "on",
                "red on",
                "on bold",
                3,
                "#12345",
                "link x",
                "on red on blue",
            )
        ],
    ],
)
def test_what_is_no_style_is_refused_with_those_that_there_are(table: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said) as raised:
        read(table)
    assert "cyan" in raised.value.hint or "user.text" in raised.value.hint


def test_every_style_of_the_program_is_one_that_the_settings_may_name() -> None:
    assert dict(read(STYLES)) == dict(STYLES)


def test_what_is_typed_has_the_same_style_in_the_words_of_the_prompt() -> None:
    own = {"user.text": "none", "user.sign": "bold bright_red on #112233"}
    assert for_prompt(own) == {"user-text": "", "user-sign": "bold ansibrightred bg:#112233"}
    assert for_prompt({"user.text": "white on bright_black"})["user-text"] == "ansigray bg:ansibrightblack"


def test_the_lines_of_the_user_stand_out_and_the_window_tells_where_we_are(
    server: ScriptedServer, home: Path
) -> None:
    server.will(answer("The answer."))
    with terminal("-u", server.url, home=home) as screen:
        screen.wait_for_prompt()
        assert screen.title == "llmchat"
        assert "\x1b[22;2t" in screen.raw
        screen.answer("first\x1b\x1b line")
        row = next(row for row in screen.cells if row[0].data == ">")
        assert [(cell.bold, cell.fg) for cell in row[:7:2]] == [(True, "cyan"), *[(True, "default")] * 3]
        screen.wait_until(lambda _: screen.title == "first line · llmchat", "the title")
        screen.answer("/settings window_title off")
        assert screen.title == ""
        screen.answer("/settings window_title on")
        screen.line("/exit")
        assert screen.wait_for_end() == 0
        assert screen.title == ""
        assert screen.raw.count("\x1b[22;2t") == screen.raw.count("\x1b[23;2t") == 2


def test_a_dumb_terminal_has_no_title(server: ScriptedServer, home: Path) -> None:
    server.will(answer("The answer."))
    with terminal("-u", server.url, home=home, TERM="dumb") as screen:
        screen.wait_for(">")
        screen.line("hi")
        screen.wait_for("The answer.")
        screen.wait_for_prompt()
        screen.line("/exit")
        assert screen.wait_for_end() == 0
        assert "\x1b]" not in screen.raw
        assert "\x1b[22" not in screen.raw
