"""The bell after a long reply: it rings where nobody watches, as far as the terminal tells."""

import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.scripted import Reply, ScriptedServer, chunk, serving, sse
from tests.terminal import LONGEST_WAIT, Terminal, terminal
from tests.test_signals import BEGUN, job_control

IN, OUT = "\x1b[I", "\x1b[O"
KNOWS, KNOWS_NOT = "\x1b[?1004;1$y", "\x1b[?1004;0$y"
ASK, ON, OFF = "\x1b[?1004$p", "\x1b[?1004h", "\x1b[?1004l"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """The terminal of the tests is neither in tmux nor Apple's, whatever they run in."""
    monkeypatch.delenv("TMUX", raising=False)
    monkeypatch.delenv("TERM_PROGRAM", raising=False)


@pytest.fixture
def here() -> Iterator[ScriptedServer]:
    with serving() as running:
        yield running


def bell(home: Path, seconds: int) -> None:
    """A title would bring bells of its own."""
    (home / "config").mkdir(parents=True)
    (home / "config" / "settings.toml").write_text(f"bell = {seconds}\nwindow_title = false\n")


def slow(typed: threading.Event) -> Callable[[object], Reply]:
    """A reply that takes more than a second after something was typed."""

    def body() -> Iterator[bytes | float]:
        yield from sse(chunk("Once upon"), done=False)
        typed.wait(LONGEST_WAIT)
        yield 1.1
        yield from sse(chunk(" a time."), chunk(finish="stop"))

    return lambda _: Reply(body())


def during_reply(screen: Terminal, server: ScriptedServer, keys: str, line: str = "hi") -> int:
    """How often the bell rings for a reply, or two at once, while which these keys come."""
    typed, asked = threading.Event(), len(server.requests)
    rung, told = screen.raw.count("\a"), screen.text.count("time.")
    server.will(slow(typed), slow(typed))
    screen.line(line)
    screen.wait_until(lambda _: len(server.requests) > asked, "the request")
    screen.type(keys)
    typed.set()
    screen.wait_until(
        lambda text: screen.cursor_line.startswith(">") and text.count("time.") > told, "the end"
    )
    return screen.raw.count("\a") - rung


def is_on(screen: Terminal) -> bool:
    """Whether the terminal has been told last to report its focus."""
    return screen.raw.rfind(ON) > screen.raw.rfind(OFF)


def test_the_bell_rings_only_while_the_window_is_in_the_background(here: ScriptedServer, home: Path) -> None:
    bell(home, 0)
    with terminal("-u", here.url, home=home) as screen:
        screen.wait_for_prompt()
        assert during_reply(screen, here, "") == 0
        assert "[?1004" not in screen.raw
        screen.answer("/settings bell 1")
        assert during_reply(screen, here, KNOWS + OUT + IN) == 0
        assert (screen.raw.count(ON), screen.raw.count(ASK), is_on(screen)) == (1, 1, False)
        assert during_reply(screen, here, f"ab{OUT}cd") == 1
        assert screen.cursor_line == "> abcd"
        # Enter is pressed in a window that is in front; what comes late types nothing.
        screen.type(OUT + KNOWS + IN)
        assert during_reply(screen, here, "") == 0
        assert screen.cursor_line == ">"
        assert (screen.raw.count(ON), screen.raw.count(ASK), is_on(screen)) == (3, 1, False)
    assert here.requests[-1].body["messages"][-1]["content"] == "abcdhi"


@pytest.mark.parametrize(
    ("term", "keys", "line"),
    [
        ("xterm", "", "hi"),
        ("xterm", "", "/sweep temperature 0 1 -- hi"),
        ("xterm", KNOWS_NOT, "hi"),
        ("linux", "", "hi"),
    ],
)
def test_where_the_terminal_tells_nothing_it_rings_by_seconds(
    here: ScriptedServer, home: Path, term: str, keys: str, line: str
) -> None:
    bell(home, 1)
    with terminal("-u", here.url, home=home, TERM=term) as screen:
        screen.wait_for_prompt()
        assert during_reply(screen, here, keys, line) == 1
        assert (ON in screen.raw) == (ASK in screen.raw) == (term != "linux")


@pytest.mark.parametrize("environ", [{"TMUX": "/tmp/socket,1,0"}, {"TERM": "tmux-256color"}])
def test_a_multiplexer_that_hands_on_nothing_is_not_believed(
    here: ScriptedServer, home: Path, environ: dict[str, str]
) -> None:
    bell(home, 3600)
    here.will(BEGUN)
    with terminal("-u", here.url, home=home, **environ) as screen:  # type: ignore[arg-type]
        screen.wait_for_prompt()
        screen.line("hi")
        screen.wait_for("a time")
        assert (is_on(screen), ASK in screen.raw) == (True, False)
        screen.child.kill(signal.SIGTERM)
        assert screen.wait_for_end() == 143
        assert not is_on(screen)


def test_nothing_is_reported_to_the_shell_nor_after_a_stop(here: ScriptedServer, home: Path) -> None:
    bell(home, 3600)
    here.will(BEGUN)
    with job_control(home, "-u", here.url) as screen:
        screen.line("hi")
        screen.wait_for("a time")
        assert is_on(screen)
        screen.type(f"ab{OUT}{IN}\x1a")
        screen.wait_until(lambda shown: "Stopped" in shown and screen.cursor_line == "sh:", "the shell")
        assert not is_on(screen)
        screen.line("fg")
        screen.wait_until(lambda _: is_on(screen), "the reply")
        screen.type("cd\x03")
        screen.wait_until(lambda _: screen.cursor_line == "> abcd", "the prompt")
        assert not is_on(screen)


def test_without_a_prompt_it_rings_by_seconds(here: ScriptedServer, home: Path) -> None:
    bell(home, 1)
    here.will(Reply([1.1, *sse(chunk("yes"), chunk(finish="stop"))]))
    with terminal("-u", here.url, "hi", home=home) as screen:
        assert screen.wait_for_end() == 0
        assert screen.raw.count("\a") == 1
        assert "[?1004" not in screen.raw
