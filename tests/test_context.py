"""The context window: what is sent, what is left out of it, and how full it is."""

import contextlib
import os
from pathlib import Path

import pytest

from llmchat.messages import Conversation, Message
from llmchat.store.records import Request, body_of
from llmchat.store.writing import Store
from tests.scripted import ScriptedServer, answer
from tests.session import Session, session


@pytest.fixture
def here(server: ScriptedServer) -> ScriptedServer:
    return server.will(answer("One."), answer("Two."), answer("Three."), answer("Four."))


def sent(server: ScriptedServer) -> list[str]:
    """The contents of the last request's messages."""
    return [message["content"] for message in server.requests[-1].body["messages"]]


def test_a_forgotten_question_is_not_sent_nor_is_its_answer(here: ScriptedServer) -> None:
    ran = session(here.url, "a", "b", "/forget 1", "c", "/history", "/tree")
    assert sent(here) == ["b", "Two.", "c"]
    assert "Forgotten: messages 1 to 2, each question with its answer." in ran.screen
    assert "1  user (forgotten)       a" in ran.screen
    assert "assistant: One. (forgotten)" in ran.screen
    assert [role for role, _ in ran.said] == ["user", "assistant"] * 3  # it stays in the conversation


def test_the_answer_stands_for_its_question_too(here: ScriptedServer) -> None:
    session(here.url, "a", "b", "c", "/forget 4-2", "d")
    assert sent(here) == ["c", "Three.", "d"]


def test_what_was_forgotten_can_be_remembered(here: ScriptedServer) -> None:
    ran = session(here.url, "a", "b", "/forget 1-4", "/remember 2", "/remember", "/remember", "c")
    assert sent(here) == ["a", "One.", "b", "Two.", "c"]
    assert "Sent again from now on: messages 1 to 2." in ran.screen
    assert "Sent again from now on: messages 3 to 4." in ran.screen
    assert "Nothing of that is forgotten." in ran.screen


def test_a_question_that_is_asked_again_is_sent_though_it_is_forgotten(here: ScriptedServer) -> None:
    ran = session(here.url, "a", "b", "/forget 3", "/regen")
    assert sent(here) == ["a", "One.", "b"]
    assert ran.said[-1] == ("assistant", "Three.")


def test_it_is_forgotten_in_the_next_session_too_and_after_a_fork(here: ScriptedServer) -> None:
    session(here.url, "a", "b", "/forget 1", "c")
    ran = session(here.url, "/open 1", "d", "/fork", "/remember", "e")
    assert [m["content"] for m in here.requests[3].body["messages"]] == ["b", "Two.", "c", "Three.", "d"]
    assert sent(here) == ["a", "One.", "b", "Two.", "c", "Three.", "d", "Four.", "e"]
    assert request_of(ran, 8).omissions == (1, 2)


def test_the_request_is_made_again_without_what_was_omitted(here: ScriptedServer) -> None:
    ran = session(here.url, "a", "b", "/forget 1", "c", "/request")
    made = body_of(request_of(ran, 6), ran.conversation)
    assert made == here.requests[-1].body


def request_of(ran: Session, number: int) -> Request:
    store = Store(Path(os.environ["LLMCHAT_HOME"]) / "data" / "chats.db")
    with contextlib.closing(store):
        found = store.request(ran.chat.keeping.id, number)
    assert found
    return found


@pytest.mark.parametrize("line", ["/forget 9", "/forget x", "/forget 1-x", "/forget -"])
def test_a_message_that_is_none_is_refused(here: ScriptedServer, line: str) -> None:
    assert "There is no message" in session(here.url, "a", line).screen


def test_only_what_is_on_the_path_can_be_forgotten(here: ScriptedServer) -> None:
    screen = session(here.url, "a", "b", "/goto 2", "/forget 3").screen
    assert "Message 3 is not among what is sent." in screen


def test_a_conversation_keeps_what_is_omitted_while_it_grows() -> None:
    conversation = Conversation().add(Message("user", "a")).add(Message("assistant", "b"))
    grown = Conversation(conversation.nodes, 2, frozenset({1, 2})).add(Message("user", "c"))
    assert [node.number for node in grown.sent()] == [3]
    assert grown.omissions() == (1, 2)
