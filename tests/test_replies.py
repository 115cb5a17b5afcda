"""What is done with a reply that is there: copied, written to a file, shown again the other way."""

import base64
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmchat.terminal.clipboard import osc52
from tests.scripted import ScriptedServer, answer, serving
from tests.session import session
from tests.terminal import terminal
from tests.tmux import tmux

CODE = 'def greet(name):\n    """Say it."""\n    if name:\n        print(f"Hello, {name}!")\n\n    return 1'
REPLY = f"Some **text**:\n\n```python\n{CODE}\n```\n\n- a list\n\n  ```\n  echo two\n  ```\n\nThe end.\n"
NO_DESKTOP = {"DISPLAY": "", "WAYLAND_DISPLAY": "", "TMUX": "", "SSH_TTY": "", "SSH_CONNECTION": ""}
OSC_52 = re.compile(r"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07")


@pytest.fixture
def here() -> Iterator[ScriptedServer]:
    """A server that answers with two blocks of code."""
    with serving() as running:
        yield running.will(answer(REPLY))


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What was put on the clipboard: `xclip` is a program that writes it to this file."""
    file = tmp_path / "clipboard"
    program = tmp_path / "bin" / "xclip"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ncat > {file}\n")
    program.chmod(0o755)
    for name, value in {**NO_DESKTOP, "DISPLAY": ":7"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return file


@pytest.mark.parametrize(
    ("line", "copied", "told"),
    [
        ("/copy", REPLY, "Copied message 2"),
        ("/copy code", "echo two", "Copied block 2 of 2 (8 characters) with xclip."),
        ("/copy code 1", CODE, "Copied block 1 of 2"),
        ("/copy #1", "hi", "Copied message 1"),
        ("/copy all", f"# hi\n\n## user\n\nhi\n\n## assistant\n\n{REPLY}", "Copied everything"),
    ],
)
def test_a_reply_or_a_part_of_it_is_on_the_clipboard_as_it_came(
    here: ScriptedServer, desktop: Path, line: str, copied: str, told: str
) -> None:
    ran = session(here.url, "hi", line)
    assert desktop.read_text() == copied
    assert told in ran.screen


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("/copy", "There is no answer yet."),
        ("/copy all", "The conversation has not begun."),
        ("/copy code 3", "There is no block 3. The last reply has 2 blocks of code."),
        ("/copy nothing", "/copy knows no 'nothing'."),
        ("/copy 1 2", "/copy 1 takes no '2'."),
        ("/write", "/write needs file."),
        ("/write no/such/folder.py", "folder.py cannot be written"),
        ("/raw 9", "There is no message 9."),
    ],
)
def test_what_cannot_be_copied_is_said(here: ScriptedServer, desktop: Path, line: str, told: str) -> None:
    lines = (line,) if told.endswith(("yet.", "begun.")) else ("hi", line)
    ran = session(here.url, *lines)
    assert told in ran.screen.replace("\n", " ")
    assert not desktop.exists()


def test_a_reply_without_code_says_so() -> None:
    with serving() as server:
        server.will(answer("No code here."))
        assert (
            "There is no code in the last reply, message 2." in session(server.url, "hi", "/copy code").screen
        )


def test_without_a_clipboard_and_a_terminal_that_is_said(
    here: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in NO_DESKTOP.items():
        monkeypatch.setenv(name, value)
    assert "There is no clipboard here." in session(here.url, "hi", "/copy").screen


@pytest.mark.parametrize("environ", [{}, {"SSH_CONNECTION": "1.2.3.4 5 6.7.8.9 22", "DISPLAY": ":7"}])
def test_the_terminal_is_asked_where_no_program_reaches_the_clipboard(
    here: ScriptedServer,
    home: Path,
    desktop: Path,
    monkeypatch: pytest.MonkeyPatch,
    environ: dict[str, str],
) -> None:
    for name, value in {**NO_DESKTOP, **environ}.items():
        monkeypatch.setenv(name, value)
    with terminal("-u", here.url, home=home) as screen:
        screen.wait_for_prompt()
        screen.line("hi")
        screen.wait_for("The end.")
        screen.wait_for_prompt()
        screen.line("/copy code 1")
        screen.wait_for("by the terminal, if it allows that (OSC 52).")
        found = OSC_52.search(screen.raw)
    assert found
    assert base64.b64decode(found[1]).decode() == CODE
    assert not desktop.exists()


def test_tmux_has_the_text_in_its_paste_buffer(here: ScriptedServer, home: Path, tmp_path: Path) -> None:
    environ = " ".join(
        f"{name}={value}" for name, value in {**NO_DESKTOP, "LLMCHAT_HOME": home}.items() if name != "TMUX"
    )
    run = f"{environ} {sys.executable} -m llmchat -u {here.url} -x hi -x '/copy code 1'; sleep 60"
    with tmux(tmp_path, run) as window:
        window.wait_for("Copied block 1 of 2")
        assert window.paste_buffer == CODE


def test_tmux_hands_the_request_on_as_one() -> None:
    assert osc52("a", in_tmux=True) == "\x1bPtmux;\x1b\x1b]52;c;YQ==\x07\x1b\\"


def test_code_is_written_to_a_file_and_never_over_one_unasked(
    here: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = session(here.url, "hi", "/write two words.sh", "/write one.py 1", "/write one.py 2", "n")
    assert (tmp_path / "two words.sh").read_text() == "echo two\n"
    assert (tmp_path / "one.py").read_text() == CODE + "\n"
    assert "one.py exists. Overwrite it? [y/N] Nothing was written." in ran.screen
    session(here.url, "hi", "/write one.py 2", "y")
    assert (tmp_path / "one.py").read_text() == "echo two\n"


def test_a_reply_is_shown_the_other_way(here: ScriptedServer) -> None:
    ran = session(here.url, "hi", "/raw", "/last", "/raw 1", rendered=True)
    drawn, raw, again, question = re.split(r"> /(?:raw 1|raw|last)\n", ran.screen)
    assert "```python" in raw
    assert "**text**" in raw
    for shown in (drawn, again):
        assert "python · 1" in shown
        assert "**" not in shown
    assert question.strip() == "hi"


def test_what_is_selected_on_the_screen_is_the_code(here: ScriptedServer, home: Path) -> None:
    with terminal("-u", here.url, home=home, columns=60) as screen:
        screen.wait_for_prompt()
        screen.line("hi")
        screen.wait_for("The end.")
        rows = screen.wait_for_prompt().split("\n")
    first = rows.index("python · 1") + 1
    assert "\n".join(rows[first : first + CODE.count("\n") + 1]) == CODE
    assert rows[first + CODE.count("\n") + 1] == ""
