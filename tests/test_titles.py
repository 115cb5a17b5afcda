"""Titles from the model: only where the setting says so, only while nobody types."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from llmchat.chat import Chat
from llmchat.titles import Titles
from tests.scripted import Reply, ScriptedServer, answer, chunk, refuse, serving, sse
from tests.session import chat_with, settings_for
from tests.terminal import terminal

FOREVER = 60.0
"""Seconds; nobody waits so long, since what was begun is given up."""


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with serving() as running:
        yield running


def asked_chat(server: ScriptedServer, *, titles: str = "model") -> Chat:
    """A chat with one turn, its server known."""
    chat = chat_with(settings_for(server.url))
    chat.preferences = replace(chat.preferences, titles=titles)
    chat.connection.found()
    with chat.turn("why is the sky blue") as turn:
        while not turn.ended:
            turn.wait()
    return chat


def title(chat: Chat) -> str | None:
    return chat.keeping.do(lambda store: store.title(chat.keeping.id))


def idle(titles: Titles) -> None:
    """Wait at a prompt until all that is done there is done."""
    with titles.while_idle():
        while titles.asking:
            time.sleep(0.01)


def test_the_model_gives_a_title_while_the_prompt_waits(server: ScriptedServer) -> None:
    server.will(answer("light"), answer('"The colour', ' of the sky."'))
    chat = asked_chat(server)
    titles = Titles(chat, idle=0)
    idle(titles)
    assert title(chat) == "The colour of the sky"
    assert [m["role"] for m in server.requests[1].body["messages"]] == ["user", "assistant", "user"]
    assert [m.content for m in chat.conversation.messages()] == ["why is the sky blue", "light"]
    idle(titles)
    assert len(server.requests) == 2
    chat.close()


def test_only_the_setting_makes_it_ask(server: ScriptedServer) -> None:
    server.will(answer("light"))
    chat = asked_chat(server, titles="question")
    idle(Titles(chat, idle=0))
    assert (len(server.requests), title(chat)) == (1, "why is the sky blue")
    chat.close()


def test_a_title_that_somebody_gave_stays(server: ScriptedServer) -> None:
    server.will(answer("light"))
    chat = asked_chat(server)
    chat.keeping.do(lambda store: store.rename(chat.keeping.id, "mine"))
    idle(Titles(chat, idle=0))
    assert (len(server.requests), title(chat)) == (1, "mine")
    chat.close()


def test_who_enters_a_line_does_not_wait_for_a_title(server: ScriptedServer) -> None:
    server.will(answer("light"), Reply(sse(chunk("A tit"), done=False), hold=True))
    chat = asked_chat(server)
    titles = Titles(chat, idle=0)
    with titles.while_idle():
        while len(server.requests) < 2:
            time.sleep(0.01)
    assert server.requests[1].hung_up.wait(20)
    assert title(chat) == "why is the sky blue"
    chat.close()


def test_nothing_is_asked_before_the_prompt_has_waited(server: ScriptedServer) -> None:
    server.will(answer("light"))
    chat = asked_chat(server)
    with Titles(chat, idle=FOREVER).while_idle():
        pass
    assert len(server.requests) == 1
    chat.close()


@pytest.mark.parametrize("reply", [refuse(500, "out of memory"), Reply(status=0), Reply(answer("", " \n"))])
def test_what_goes_wrong_leaves_the_title_as_it_is(server: ScriptedServer, reply: Reply) -> None:
    server.will(answer("light"), reply)
    chat = asked_chat(server)
    idle(Titles(chat, idle=0))
    assert title(chat) == "why is the sky blue"
    chat.close()


def test_the_program_asks_at_the_prompt(home: Path) -> None:
    with serving() as server:
        server.will(answer("light"), answer("All about the sky"))
        with terminal("-u", server.url, home=home) as screen:
            screen.wait_for_prompt()
            screen.line("/settings titles model")
            screen.line("why is the sky blue")
            screen.wait_for("light")
            screen.wait_until(lambda _: len(server.requests) == 2, "a request for a title")
    assert "title" in server.requests[1].body["messages"][-1]["content"]
