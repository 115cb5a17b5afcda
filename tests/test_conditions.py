"""Odd terminals, closed streams, full disks, broken files: each has a sentence, and the program goes on."""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.scripted import ScriptedServer, answer, serving
from tests.session import store_at
from tests.terminal import in_terminal, terminal

MARKDOWN = ("Some **bold** “quoted” text.\n\n", "- one\n- two\n\n", "```python\nprint(1)\n```\n")
NO_UTF8: dict[str, Any] = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.fixture
def here() -> Iterator[ScriptedServer]:
    """A server that always answers with some markdown."""
    with serving() as running:
        yield running.will(answer(*MARKDOWN))


def run(command: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """Run a shell's command, in which `llmchat` is the program."""
    program = f'llmchat() {{ {shlex.quote(sys.executable)} -m llmchat "$@"; }}; set -o pipefail; '
    return subprocess.run(
        ["bash", "-c", program + command],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
        env={**os.environ, **environ},
    )


def answered(times: int) -> Callable[[str], bool]:
    """Whether so many answers are on the screen."""
    return lambda shown: shown.count("first after") == times


def test_a_dumb_terminal_gets_text_and_no_sequence(here: ScriptedServer, home: Path) -> None:
    with terminal("-u", here.url, home=home, TERM="dumb") as screen:
        screen.wait_for(">")
        screen.line("hi")
        shown = screen.wait_for("first after")
        assert "Some bold “quoted” text." in shown
        assert "print(1)" in shown
        assert "\x1b" not in screen.raw


def test_without_colour_there_is_none_in_a_reply(here: ScriptedServer, home: Path) -> None:
    with terminal("-u", here.url, home=home, NO_COLOR="1") as screen:
        screen.wait_for_prompt()
        screen.line("hi")
        screen.wait_for("first after")
        assert "\x1b[3" not in screen.raw
        assert "\x1b[9" not in screen.raw


def test_a_terminal_without_utf_8_is_told_and_shows_what_it_can(here: ScriptedServer, home: Path) -> None:
    with terminal("-u", here.url, home=home, **NO_UTF8) as screen:
        screen.wait_for("The locale is ascii: what it has no sign for is shown as ?.")
        screen.wait_for_prompt()
        screen.line("hi")
        screen.wait_for("Some bold ?quoted? text.")
        screen.wait_for_prompt()


def test_a_file_gets_what_came_whatever_the_locale_is(here: ScriptedServer) -> None:
    done = run(f"llmchat -u {here.url} hi", **NO_UTF8)
    assert (done.returncode, done.stdout) == (0, "".join(MARKDOWN))


def test_twenty_columns_are_enough(here: ScriptedServer, home: Path) -> None:
    with terminal("-u", here.url, "--no-store", home=home, columns=20) as screen:
        screen.wait_for_prompt()
        screen.line("/settings pager off")
        screen.wait_for("pager is off.")
        screen.line("hi")
        shown = screen.wait_for("print(1)")
        assert "Some bold “quoted”\ntext." in shown
        screen.wait_for_prompt()
        screen.line("/set")
        screen.wait_for("temperature")
        screen.wait_for_prompt()


@pytest.mark.parametrize(
    ("command", "code", "told"),
    [
        ("llmchat -u {url} hi <&-", 0, ""),
        ("llmchat -u {url} <&-", 2, "Nothing was asked."),
        ("llmchat -u {url} hi >&-", 2, "Standard output is closed"),
        ("llmchat -u {url} hi 2>&-", 0, ""),
        ("llmchat -u {url} hi <&- >&- 2>&-", 2, ""),
        ("llmchat -u {url} hi >/dev/full", 1, "The output cannot be written: No space left on device."),
        ("llmchat -u {url} hi 2>/dev/full", 0, ""),
        ("llmchat --version >/dev/full", 1, "No space left on device."),
    ],
)
def test_closed_and_full_streams(here: ScriptedServer, command: str, code: int, told: str) -> None:
    done = run(command.format(url=here.url))
    assert done.returncode == code
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ("" if code else "".join(MARKDOWN))


def test_a_reader_that_leaves_in_mid_reply_ends_it_and_what_came_is_kept(home: Path) -> None:
    lines = [f"line {number}\n" for number in range(20_000)]
    with serving() as server:
        server.will(answer(*lines))
        done = run(f"llmchat -u {server.url} hi | head -1")
    assert (done.stdout, done.stderr, done.returncode) == ("line 0\n", "", 141)
    store = store_at(home / "data" / "chats.db")
    (_, reply) = store.nodes(store.last() or 0)
    store.close()
    assert reply.message.state == "cut short"
    assert "".join(lines).startswith(reply.message.content)


def test_a_full_disk_costs_no_word(here: ScriptedServer, home: Path, tmp_path: Path) -> None:
    home.mkdir()
    export = tmp_path / "chat.md"
    export.write_text("earlier")
    program = f"ulimit -f 0; exec {sys.executable} -m llmchat -u {here.url}"
    with in_terminal(["sh", "-c", program], home=home, columns=200) as screen:
        screen.wait_for_prompt()
        screen.line("hi")
        screen.wait_for("This chat goes on in memory and is not kept.")
        screen.wait_for_prompt()
        screen.line("/settings theme light --save")
        screen.wait_for("cannot be changed: File too large.")
        screen.line(f"/export {export}")
        screen.wait_for("Overwrite it?")
        screen.line("y")
        screen.wait_for("chat.md cannot be written: File too large.")
        screen.wait_for_prompt()
        screen.line("hi again")
        screen.wait_until(answered(2), "the second answer")
    assert export.read_text() == "earlier"
    assert sorted(os.listdir(tmp_path)) == ["chat.md", "home"]
    assert [m["content"] for m in here.requests[1].body["messages"]][::2] == ["hi", "hi again"]


def test_a_home_that_cannot_be_written_keeps_nothing_and_says_so(
    here: ScriptedServer, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with terminal("-u", here.url, home=tmp_path / "file", columns=200) as screen:
        screen.wait_for_prompt()
        screen.line("hi")
        shown = screen.wait_for("This chat goes on in memory and is not kept.")
        assert "Some bold" in shown
        screen.wait_for_prompt()
        screen.line("hi again")
        screen.wait_until(answered(2), "the second answer")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"theme = \xff", "cannot be read: it is no text. Mend it, or rename it"),
        (b"theme = [", "cannot be read: Invalid value (at end of document). Mend it, or rename it"),
        (b"thme = 'x'", "has an unknown key 'thme'. Known keys: url,"),
        (b"theme = 'blue'", "settings.toml: theme is one of"),
    ],
)
def test_broken_settings_are_named_and_the_way_out_too(
    here: ScriptedServer, home: Path, data: bytes, told: str
) -> None:
    (home / "config").mkdir(parents=True)
    (home / "config" / "settings.toml").write_bytes(data)
    done = run(f"llmchat -u {here.url} hi")
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr


def test_a_broken_history_gives_what_it_has(here: ScriptedServer, home: Path) -> None:
    (home / "data").mkdir(parents=True)
    (home / "data" / "history").write_bytes(bytes(range(256)) * 20 + b"\n+an earlier line\n+\xff\x1b]0;x\x07")
    with terminal("-u", here.url, home=home) as screen:
        screen.wait_for_prompt()
        screen.type("\x1b[A")
        screen.wait_for("an earlier line")
        assert "\x1b]0;x" not in screen.raw
        screen.type("\x03")
        screen.line("hi")
        screen.wait_for("first after")


@pytest.mark.parametrize("data", [b"no database" * 900, b"SQLite format 3\0" + bytes(80)])
def test_a_broken_store_is_put_aside(here: ScriptedServer, home: Path, data: bytes) -> None:
    (home / "data").mkdir(parents=True)
    (home / "data" / "chats.db").write_bytes(data)
    with terminal("-u", here.url, home=home, columns=200) as screen:
        screen.wait_for_prompt()
        screen.line("hi")
        screen.wait_for("It was put aside as chats-damaged-")
        screen.wait_for("first after")
    (aside,) = (home / "data").glob("chats-damaged-*.db")
    assert aside.read_bytes() == data


def test_two_sessions_at_once_keep_both(here: ScriptedServer, home: Path) -> None:
    with terminal("-u", here.url, home=home) as one, terminal("-u", here.url, home=home) as other:
        for number in range(3):
            for name, screen in (("one", one), ("other", other)):
                screen.wait_for_prompt()
                screen.line(f"{name} asks {number}")
                screen.wait_until(answered(number + 1), "the answer")
    store = store_at(home / "data" / "chats.db")
    kept = [[n.message.content for n in store.nodes(chat.id)][::2] for chat in store.chats(limit=9)]
    store.close()
    assert sorted(kept) == [[f"{name} asks {n}" for n in range(3)] for name in ("one", "other")]
    typed = (home / "data" / "history").read_text()
    assert [typed.count(f"+{name} asks {n}\n") for name in ("one", "other") for n in range(3)] == [1] * 6
