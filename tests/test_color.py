"""`--color`: replies and results drawn with colours into a pipe, and without colours on a terminal."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scripted import Reply, ScriptedServer, answer, chunk, serving, sse
from tests.terminal import in_terminal, terminal
from tests.tmux import tmux

MARKDOWN = "# Title\n\nSome **bold** words, " + "which go on and on, " * 5 + "and `code`.\n"
SGR = re.compile(r"\x1b\[[0-9;]*m")
COLOUR = re.compile(r"\x1b\[(?:[0-9;]*;)?(?:3[0-7]|9[0-7]|38;[0-9;]*)m")


@pytest.fixture
def here() -> Iterator[ScriptedServer]:
    with serving() as running:
        yield running.will(answer(MARKDOWN))


def piped(*arguments: str, given: str = "", **environ: str) -> str:
    """What llmchat writes into a pipe, where there is no terminal at all."""
    done = subprocess.run(
        [sys.executable, "-m", "llmchat", *arguments],
        input=given,
        capture_output=True,
        timeout=60,
        check=True,
        text=True,
        start_new_session=True,
        env={**os.environ, "COLUMNS": "", "TERM": "xterm", **environ},
    )
    return done.stdout


@pytest.mark.parametrize(
    ("flags", "environ", "drawn"),
    [
        (["--color", "always"], {"NO_COLOR": "1"}, True),
        ([], {"FORCE_COLOR": "1", "CLICOLOR_FORCE": "0"}, True),
        ([], {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (["--color", "auto"], {"CLICOLOR_FORCE": "1"}, False),
        (["--color", "never"], {"FORCE_COLOR": "1"}, False),
    ],
)
def test_a_reply_in_a_pipe_is_drawn_only_where_that_is_wanted(
    here: ScriptedServer, flags: list[str], environ: dict[str, str], drawn: bool
) -> None:
    shown = piped("-u", here.url, *flags, "hi", **environ)
    if not drawn:
        assert shown == MARKDOWN
        return
    assert "\x1b[1mbold\x1b[0m" in shown
    assert COLOUR.search(shown)
    rows = SGR.sub("", shown).split("\n")
    assert [row for row in rows if "\x1b" in row or "\r" in row or len(row) > 80] == []
    assert rows[0] == "Title"
    assert " ".join(rows).split() == MARKDOWN.replace("#", "").replace("*", "").replace("`", "").split()


def test_what_commands_show_and_render_follow_it_too(here: ScriptedServer) -> None:
    shown = piped("-u", here.url, "--color", "always", "-x", "/help", COLUMNS="60")
    assert "\x1b[1mcommand" in shown
    rows = SGR.sub("", shown).split("\n")
    assert max(map(len, rows)) <= 60
    assert [row for row in rows if "\x1b" in row] == []
    rendered = {when: piped("--render", "--color", when, given=MARKDOWN) for when in ("always", "never")}
    assert rendered["always"] == piped("-u", here.url, "--color", "always", "hi")
    assert rendered["never"] == SGR.sub("", rendered["always"])


def test_answers_side_by_side_move_no_cursor(here: ScriptedServer) -> None:
    shown = piped("-u", here.url, "--color", "always", "--sweep", "temperature=0,1", "hi")
    assert "│" in shown
    assert COLOUR.search(shown)
    assert "\x1b" not in SGR.sub("", shown)


def test_less_shows_what_the_terminal_would_show(here: ScriptedServer, tmp_path: Path) -> None:
    ours = f"{sys.executable} -m llmchat -u {here.url} --color always hi 2> {tmp_path}/told"
    with tmux(tmp_path, f"{ours} | less -R", columns=50) as window:
        rows = window.wait_for("and code.")
        assert rows[0] == "Title"
        assert "ESC" not in "\n".join(rows)
        assert rows[2] == "Some bold words, which go on and on, which go on"
        assert "\x1b[1mbold\x1b[0m" in window.coloured


def test_whoever_reads_may_leave() -> None:
    with serving() as server:
        server.will(Reply([*sse(*[chunk("line\n\n")] * 20_000, chunk(finish="stop"))]))
        ours = f"{sys.executable} -m llmchat -u {server.url} --color always hi"
        command = f"{ours} | head -n 1; exit ${{PIPESTATUS[0]}}"
        done = subprocess.run(["bash", "-c", command], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (141, b"line\n", b"")


def test_on_a_terminal_colours_can_be_left_out(here: ScriptedServer, home: Path) -> None:
    raw = {}
    for when in ("auto", "never"):
        with terminal("-u", here.url, "--color", when, "hi", home=home) as screen:
            assert screen.wait_for_end() == 0
            raw[when] = screen.raw
            shown = screen.text
    assert COLOUR.search(raw["auto"])
    assert not COLOUR.search(raw["never"])
    assert "\x1b[1mbold" in raw["never"]
    assert "Title\n\nSome bold words" in shown


def test_the_prompt_is_without_colours_too(here: ScriptedServer, home: Path) -> None:
    with terminal("-u", here.url, "--color", "never", home=home) as screen:
        screen.wait_for_prompt()
        screen.type("/temp")
        screen.wait_for("How freely")
        assert not COLOUR.search(screen.raw)


def test_the_width_is_that_of_the_terminal_around(here: ScriptedServer, home: Path) -> None:
    inner = f"{sys.executable} -m llmchat -u {here.url} --color always hi < /dev/null 2> /dev/null"
    with in_terminal(["sh", "-c", f"{inner} | cat"], home=home, columns=40) as screen:
        screen.wait_for("and code.")
        assert "Some bold words, which go on and on," in screen.text.split("\n")
