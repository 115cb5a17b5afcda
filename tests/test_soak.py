"""Hundreds of turns in one session, each with a server that does something else, leave nothing behind."""

import gc
import io
import os
import random
import threading
from pathlib import Path

import pytest

from llmchat.chat import Chat
from llmchat.config.settings import data_folder
from llmchat.input.lines import Line
from llmchat.launch.opening import STORE
from llmchat.repl import Repl
from llmchat.terminal.screen import Screen
from tests.fixtures import FIXTURES, QUESTION, Fixture
from tests.scripted import Reply, ScriptedServer, answer, serving
from tests.session import WIDTH, Lines, settings_for

SEED = 6
SETTLED = 50
"""The turn after which the program should need no more than it has."""

MIB = 1024 * 1024
# A conversation grows by its texts, as it should; without the longest, that is little.
PLAYED = [name for name in FIXTURES if name not in ("a line of a megabyte", "a line without an end")]


class Nowhere(io.StringIO):
    """A file that keeps nothing."""

    def write(self, output: str) -> int:
        return len(output)


class Soak(Lines):
    """A reader that lets the server do something else at each turn, and looks at what came of the last."""

    def __init__(self, server: ScriptedServer, turns: int) -> None:
        super().__init__((), Nowhere())
        self.chat = Chat(settings_for(server.url), data_folder(os.environ) / STORE)
        self.turns = 0
        self.measures: list[tuple[int, int, int]] = []
        self._server = server
        self._wanted = turns
        self._chance = random.Random(SEED)
        self._fixture: Fixture | None = None
        self._waiting: list[str] = []

    def read(self, default: str = "") -> Line:
        """The next line; EOFError when all turns were made."""
        if self._waiting:
            return Line(self._waiting.pop(0))
        self._check(default)
        if self.turns == self._wanted:
            raise EOFError
        self.turns += 1
        return self._next()

    def _next(self) -> Line:
        self._fixture = fixture = FIXTURES[self._chance.choice(PLAYED)]
        self._server.requests.clear()
        self._server.script[:] = [*fixture.replies, Reply(answer("never asked for"))]
        # What an earlier one has set, or the server has refused, counts for that one alone.
        self.chat.connection.client.refused.clear()
        self._waiting = ["/max_tokens default", *fixture.lines, QUESTION]
        return Line(self._waiting.pop(0))

    def _check(self, given_back: str) -> None:
        """The turn had its outcome; the conversation is one that the strictest template takes."""
        roles = [message.role for message in self.chat.conversation.messages()]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
        if fixture := self._fixture:
            assert given_back == ("" if fixture.held else QUESTION)
            assert len(self._server.requests) == len(fixture.replies)
            if fixture.held:
                assert self.chat.conversation.messages()[-1].content == fixture.answer
        if self.turns in (SETTLED, self._wanted):
            self.measures.append(measure())


def measure() -> tuple[int, int, int]:
    """What the process holds: bytes of memory, open files and sockets, threads."""
    for thread in threading.enumerate():
        if thread.name.endswith("(_serve)"):
            thread.join(timeout=20)  # the server's own, about to end
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE"), len(os.listdir("/proc/self/fd")), threading.active_count()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="Linux tells what a process holds")
@pytest.mark.parametrize("turns", [100, pytest.param(500, marks=pytest.mark.slow)])
def test_a_long_session_leaves_nothing_behind(turns: int) -> None:
    with serving() as server:
        soak = Soak(server, turns)
        soak.chat.connection.connect(soak.chat.settings.address)
        Repl(soak.chat, soak, Screen(Nowhere(), Nowhere(), rendered=True, width=WIDTH)).run()
    (memory, files, threads), (memory_then, files_then, threads_then) = soak.measures
    assert soak.turns == turns
    assert memory_then - memory < 10 * MIB
    assert files_then <= files + 1  # a connection may wait for the next turn, or not
    assert threads_then <= threads
