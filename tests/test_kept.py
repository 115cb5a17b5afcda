"""The real program killed at random moments: every question and every reply is kept but its last second."""

import random
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.scripted import Reply, Request, ScriptedServer, chunk, serving, sse
from tests.session import store_at
from tests.terminal import terminal

WORDS = [f"word{n} " for n in range(60)]
PAUSE = 0.05
AT_ONCE = 4
"""Programs, each with a store of its own: they mostly wait."""


def slowly(_: Request) -> Reply:
    pieces: list[bytes | float] = []
    for word in WORDS:
        pieces += [*sse(chunk(word), done=False), PAUSE]
    return Reply([*pieces, *sse(chunk(finish="stop"))])


@pytest.mark.parametrize("times", [12, pytest.param(200, marks=pytest.mark.slow)])
def test_kill_9_at_random_moments_loses_nothing(home: Path, times: int) -> None:
    each = times // AT_ONCE
    with ThreadPoolExecutor(AT_ONCE) as homes:
        list(homes.map(lambda n: _kill_often(home / str(n), random.Random(n), each), range(AT_ONCE)))


def _kill_often(home: Path, moments: random.Random, times: int) -> None:
    """Kill the program again and again over one store; each time all that was shown is there."""
    path = home / "data" / "chats.db"
    with serving() as server:
        server.will(slowly)
        for number in range(times):
            seen = _killed(server, home, f"question {number}", moments.uniform(0.0, 1.2))
            _check_sound(path)
            _check_kept(path, f"question {number}", seen)
    store = store_at(path)
    assert len(store.chats(limit=1000)) == times
    store.close()


def _killed(server: ScriptedServer, home: Path, question: str, seconds: float) -> int:
    """Ask, kill the program after this time of the reply; how many words were shown."""
    asked = len(server.requests)
    with terminal("-u", server.url, home=home) as screen:
        screen.wait_for_prompt()
        screen.line(question)
        screen.wait_until(lambda _: len(server.requests) > asked, "the request")
        start = time.monotonic()
        while time.monotonic() < start + seconds:
            screen.settle(min(0.05, max(0.0, start + seconds - time.monotonic())))
        shown = screen.text.count("word")
        screen.child.kill(9)
        screen.child.wait()
    return shown


def _check_sound(path: Path) -> None:
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.execute("INSERT INTO search (search) VALUES ('integrity-check')")
    db.close()


def _check_kept(path: Path, question: str, shown: int) -> None:
    """All that was shown is kept, but for the words of the last second."""
    store = store_at(path)
    (listed,) = (chat for chat in store.chats(limit=1000) if chat.title == question)
    nodes = store.nodes(listed.id)
    store.close()
    assert nodes[0].message.content == question
    answer = nodes[1].message.content if len(nodes) > 1 else ""
    assert "".join(WORDS).startswith(answer)
    assert answer.count("word") >= shown - 1.0 / PAUSE
