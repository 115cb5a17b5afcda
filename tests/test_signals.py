"""Signals in a real pty: the terminal as it was, the reply kept, the child gone, the exit code right."""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.scripted import Reply, ScriptedServer, answer, chunk, serving, sse
from tests.session import store_at
from tests.terminal import LONGEST_WAIT, Terminal, in_terminal, terminal

BEGUN = Reply(sse(chunk("Once upon "), chunk("a time"), done=False), hold=True)
ENDING = {"TERM": 143, "HUP": 129, "QUIT": 131}


@pytest.fixture
def here() -> Iterator[ScriptedServer]:
    """A server whose first reply never ends."""
    with serving() as running:
        yield running.will(BEGUN, answer("fine"))


@contextlib.contextmanager
def shell(home: Path, *arguments: str, columns: int = 80) -> Iterator[Terminal]:
    """llmchat started by a shell, which notes the terminal's settings before and after, pid and exit code."""
    home.mkdir(parents=True, exist_ok=True)
    program = shlex.join([sys.executable, "-m", "llmchat", *arguments])
    script = (
        f"cd {shlex.quote(str(home))}; trap : HUP TERM; stty -a > before; "
        f"sh -c 'echo $$ > pid; exec {program}'; echo $? > code.new; stty -a > after; mv code.new code"
    )
    with in_terminal(["sh", "-c", script], home=home, columns=columns) as screen:
        yield screen


def pid(home: Path) -> int:
    return int((home / "pid").read_text())


def exit_code(screen: Terminal, home: Path) -> int:
    """The program's exit code, once it has ended and left the terminal as it was."""
    screen.wait_until(lambda _: (home / "code").exists(), "the end")
    assert (home / "after").read_text() == (home / "before").read_text()
    return int((home / "code").read_text())


def until(there: Callable[[], bool]) -> None:
    """Wait for something outside of the terminal."""
    end = time.monotonic() + LONGEST_WAIT
    while not there():
        assert time.monotonic() < end
        time.sleep(0.02)


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def half(go_on: threading.Event) -> Iterator[bytes]:
    """A reply that stands still in its middle."""
    yield from sse(chunk("Once upon"), done=False)
    go_on.wait(LONGEST_WAIT)
    yield from sse(chunk(" a time"), chunk(finish="stop"))


def kept(home: Path) -> list[tuple[str, str, str]]:
    """What the store has of the last conversation: role, content, state."""
    store = store_at(home / "data" / "chats.db")
    nodes = store.nodes(store.last() or 0)
    store.close()
    return [(n.message.role, n.message.content, n.message.state) for n in nodes]


@pytest.mark.parametrize("name", ENDING)
def test_a_signal_at_the_prompt_ends_the_program(here: ScriptedServer, home: Path, name: str) -> None:
    with shell(home, "-u", here.url) as screen:
        screen.wait_for_prompt()
        screen.type("half a line")
        screen.wait_for("half a line")
        os.kill(pid(home), getattr(signal, f"SIG{name}"))
        assert exit_code(screen, home) == ENDING[name]


def test_a_signal_while_the_menu_is_open_ends_the_program(here: ScriptedServer, home: Path) -> None:
    with shell(home, "-u", here.url) as screen:
        screen.wait_for_prompt()
        screen.type("/temp")
        screen.wait_for("How freely")
        os.kill(pid(home), signal.SIGTERM)
        assert exit_code(screen, home) == 143
        assert "How freely" not in screen.text


@pytest.mark.parametrize("name", ENDING)
def test_a_signal_in_mid_reply_keeps_what_came(here: ScriptedServer, home: Path, name: str) -> None:
    with shell(home, "-u", here.url) as screen:
        screen.wait_for_prompt()
        screen.line("hi")
        screen.wait_for("Once upon a time")
        os.kill(pid(home), getattr(signal, f"SIG{name}"))
        assert exit_code(screen, home) == ENDING[name]
        assert screen.raw.endswith("\x1b[?25h") or screen.raw.rfind("\x1b[?25h") > screen.raw.rfind(
            "\x1b[?25l"
        )
        assert "Traceback" not in screen.text
    assert kept(home) == [("user", "hi", "complete"), ("assistant", "Once upon a time", "cut short")]
    assert here.requests[0].hung_up.wait(LONGEST_WAIT)


def test_ctrl_c_again_and_again_at_the_prompt_does_not_leave(here: ScriptedServer, home: Path) -> None:
    with shell(home, "-u", here.url) as screen:
        screen.wait_for_prompt()
        for presses in range(20):
            os.kill(pid(home), signal.SIGINT)
            screen.settle(0.001 * presses)
        screen.settle()
        screen.line("/system kept")
        screen.wait_for("System prompt: kept")
        assert "Traceback" not in screen.text


def test_the_second_signal_ends_a_program_that_does_not_end(home: Path) -> None:
    with serving() as server:
        server.will(Reply(wait=LONGEST_WAIT))
        with shell(home, "-u", server.url) as screen:
            screen.wait_for_prompt()
            screen.line("hi")
            screen.wait_until(lambda _: bool(server.requests), "the request")
            os.kill(pid(home), signal.SIGTERM)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid(home), signal.SIGTERM)
            assert exit_code(screen, home) == 143
    assert kept(home) == [("user", "hi", "failed")]


def test_what_is_not_to_hang_up_goes_on(here: ScriptedServer, home: Path) -> None:
    home.mkdir()
    nohup = ["sh", "-c", f"trap '' HUP; echo $$ > {home}/pid; exec {sys.executable} -m llmchat -u {here.url}"]
    with in_terminal(nohup, home=home) as screen:
        screen.wait_for_prompt()
        screen.line("hi")
        screen.wait_for("Once upon a time")
        os.kill(pid(home), signal.SIGHUP)
        screen.type("\x03")
        screen.wait_for("marked as cut short")
        screen.wait_for_prompt()


@pytest.mark.parametrize("where", ["at the prompt", "in mid-reply"])
def test_a_closed_terminal_ends_the_program_and_its_reply_is_kept(
    here: ScriptedServer, home: Path, where: str
) -> None:
    with terminal("-u", here.url, home=home) as screen:
        screen.wait_for_prompt()
        if where == "in mid-reply":
            screen.line("hi")
            screen.wait_for("Once upon a time")
        assert screen.hang_up() == 129
    if where == "in mid-reply":
        assert kept(home) == [("user", "hi", "complete"), ("assistant", "Once upon a time", "cut short")]


def test_the_child_that_runs_the_model_ends_with_the_program(home: Path) -> None:
    with shell(home, "--demo") as screen:
        screen.wait_for_prompt()
        screen.line("hi")
        screen.wait_for("first after")
        children = subprocess.run(["pgrep", "-P", str(pid(home))], capture_output=True, text=True, check=True)
        (child,) = map(int, children.stdout.split())
        os.kill(pid(home), signal.SIGTERM)
        assert exit_code(screen, home) == 143
    until(lambda: not is_alive(child))


@pytest.mark.parametrize(("name", "code"), [("INT", 130), ("TERM", 143)])
def test_a_question_without_a_prompt_is_kept_too(
    here: ScriptedServer, home: Path, name: str, code: int
) -> None:
    with shell(home, "-u", here.url, "hi") as screen:
        screen.wait_for("Once upon a time")
        os.kill(pid(home), getattr(signal, f"SIG{name}"))
        assert exit_code(screen, home) == code
    assert kept(home)[1] == ("assistant", "Once upon a time", "cut short")


@contextlib.contextmanager
def job_control(home: Path, *arguments: str) -> Iterator[Terminal]:
    """llmchat as a job of an interactive shell that does not care for the terminal's settings itself."""
    home.mkdir(parents=True, exist_ok=True)
    with in_terminal(["dash", "-i"], home=home, PS1="sh: ", ENV="") as screen:
        screen.wait_for("sh:")
        screen.line(
            f"cd {home}; stty -a > before; clear; {sys.executable} -m llmchat {shlex.join(arguments)}"
        )
        screen.wait_for_prompt()
        yield screen


def stopped(screen: Terminal, home: Path) -> None:
    """Wait until the job is stopped and the terminal is as it was, and look at it."""
    screen.wait_until(lambda shown: "Stopped" in shown and screen.cursor_line == "sh:", "the shell")
    screen.line("stty -a > stopped; echo d'on'e")
    screen.wait_for("done")
    assert (home / "stopped").read_text() == (home / "before").read_text()


def test_ctrl_z_at_the_prompt_and_back(here: ScriptedServer, home: Path) -> None:
    with job_control(home, "-u", here.url) as screen:
        screen.type("half a line")
        screen.wait_until(lambda _: screen.cursor_line == "> half a line", "the text")
        screen.type("\x1a")
        stopped(screen, home)
        screen.line("fg")
        screen.wait_until(lambda _: screen.cursor_line == "> half a line", "the text again")


def test_ctrl_z_in_mid_reply_and_back(home: Path) -> None:
    go_on = threading.Event()
    with serving() as server:
        server.will(lambda _: Reply(half(go_on)), answer("fine"))
        with job_control(home, "-u", server.url) as screen:
            screen.line("hi")
            screen.wait_for("Once upon")
            screen.type("\x1a")
            stopped(screen, home)
            assert "Once upon" not in screen.text
            screen.line("fg")
            screen.wait_for("Once upon")
            screen.type("typed meanwhile")
            go_on.set()
            screen.wait_until(lambda _: screen.cursor_line == "> typed meanwhile", "what was typed")
            assert screen.text.count("Once upon a time") == 1
            assert screen.text.count("typed meanwhile") == 1
    assert kept(home) == [("user", "hi", "complete"), ("assistant", "Once upon a time", "complete")]


def test_a_stop_from_outside_with_the_menu_open(here: ScriptedServer, home: Path) -> None:
    with job_control(home, "-u", here.url) as screen:
        screen.type("/temp")
        screen.wait_for("How freely")
        program = subprocess.run(
            ["pgrep", "-P", str(screen.child.pid)], capture_output=True, text=True, check=True
        )
        os.kill(int(program.stdout), signal.SIGTSTP)
        stopped(screen, home)
        screen.line("fg")
        screen.wait_until(lambda _: screen.cursor_line == "> /temp", "the line")


@pytest.mark.parametrize("where", ["at the prompt", "in mid-reply"])
def test_a_closed_terminal_ends_a_program_that_is_not_to_hang_up_too(home: Path, where: str) -> None:
    words: list[bytes | float] = []
    for number in range(2000):
        words += [*sse(chunk(f"word{number} "), done=False), 0.02]
    home.mkdir()
    with serving() as server:
        server.will(Reply(words))
        script = (
            f"trap '' HUP; {sys.executable} -m llmchat -u {server.url} 2> {home}/told; echo $? > {home}/code"
        )
        with in_terminal(["sh", "-c", script], home=home) as screen:
            screen.wait_for_prompt()
            if where == "in mid-reply":
                screen.line("hi")
                screen.wait_for("word0 word1")
            screen.hang_up()
    assert "Traceback" not in (home / "told").read_text()
    assert (home / "code").read_text() in ("0\n", "1\n")
    if where == "in mid-reply":
        question, reply = kept(home)
        assert question == ("user", "hi", "complete")
        assert reply[1].startswith("word0 word1")
        assert reply[2] == "cut short"
