"""The window gets another size, in a real tmux: nothing is lost or doubled, and the terminal is as it was."""

import contextlib
import re
import shlex
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.scripted import Reply, ScriptedServer, answer, chunk, serving, sse
from tests.tmux import LONGEST_WAIT, Tmux, tmux

SIZES = (34, 90, 25, 60)
WORDS = [f"word{number}." for number in range(40)]
TALL = answer("first\n\n" * 20, "the end")


@contextlib.contextmanager
def program(home: Path, server: ScriptedServer) -> Iterator[Tmux]:
    """llmchat at a prompt at the bottom; once the block has left it, the terminal is as it was before."""
    home.mkdir()
    server.script.insert(0, Reply(TALL))
    llmchat = shlex.join([sys.executable, "-m", "llmchat", "-u", server.url])
    command = f"cd {home}; stty -g > before; {llmchat}; stty -g > after; echo e'n'ded; sleep 60"
    with tmux(home, command) as terminal:
        terminal.wait_until(lambda rows: ">" in rows, "the prompt")
        terminal.type("hi\r")
        terminal.wait_until(lambda rows: ">" in rows[-3:] and "the end" in rows, "the next prompt")
        yield terminal
        terminal.type("\x15/exit\r")
        terminal.wait_for("ended")
        assert (home / "after").read_text() == (home / "before").read_text()


def words(rows: list[str]) -> list[str]:
    """The words in the rows that are ours, also where the terminal has parted one."""
    return re.findall(r"word\d+\.", "".join(map(str.strip, rows)))


def laid_out(line: str, columns: int) -> list[str]:
    """The rows of the prompt with a line in it."""
    width = columns - 2
    parts = [line[start : start + width] for start in range(0, len(line), width)]
    return [((" " if number else ">") + f" {part}").rstrip() for number, part in enumerate(parts)]


def test_in_mid_reply(home: Path) -> None:
    go_on = threading.Event()

    def pieces() -> Iterator[bytes]:
        yield from sse(*(chunk(f"{word} ") for word in WORDS[:20]), done=False)
        go_on.wait(LONGEST_WAIT)
        yield from sse(*(chunk(f"{word} ") for word in WORDS[20:]), chunk(finish="stop"))

    with serving() as server:
        server.will(lambda _: Reply(pieces()), answer("fine"))
        with program(home, server) as terminal:
            terminal.type("a story\r")
            terminal.wait_for("word19.")
            for columns in SIZES:
                terminal.resize(columns)
                terminal.wait_until(lambda rows: words(rows) == WORDS[:20], f"{columns} columns")
            terminal.type("typed meanwhile")
            go_on.set()
            assert words(terminal.wait_for("> typed meanwhile")) == WORDS
            terminal.type("\r")
            terminal.wait_for("fine")
        assert server.requests[2].body["messages"][-1]["content"] == "typed meanwhile"


def test_at_the_prompt_with_a_long_line(home: Path) -> None:
    line = " ".join(WORDS[:20])
    with serving() as server:
        server.will(answer("fine"))
        with program(home, server) as terminal:
            terminal.type(line)
            for columns in SIZES:
                terminal.resize(columns)
                rows = terminal.wait_for("\n".join(laid_out(line, columns)))
                assert words(rows) == WORDS[:20]
                assert "the end" in rows
            terminal.type("\r")
            terminal.wait_for("fine")
        assert server.requests[1].body["messages"][-1]["content"] == line


def test_while_the_completion_menu_is_open(home: Path) -> None:
    with serving() as server:
        server.will(answer("fine"))
        with program(home, server) as terminal:
            terminal.type("/temp")
            for columns in SIZES:
                terminal.resize(columns)
                terminal.wait_for("\n temperature ")
            terminal.type("erature 0.5\r")
            rows = terminal.wait_for("temperature is 0.5")
            assert sum(row.startswith("> /temp") for row in rows) == 1
            assert not any(row.startswith(" temperature") for row in rows)
