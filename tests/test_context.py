"""The context window: what is sent, what is left out of it, and how full it is."""

import contextlib
import os
import re
from pathlib import Path
from typing import Any

import pytest

from llmchat.messages import Conversation, Message
from llmchat.store.records import Request, body_of
from llmchat.wire import counting
from tests.scripted import Reply, ScriptedServer, answer, chunk, models, refuse, sse, usage
from tests.session import Session, session, store_at
from tests.test_one_shot import run


@pytest.fixture
def here(server: ScriptedServer) -> ScriptedServer:
    return server.will(answer("One."), answer("Two."), answer("Three."), answer("Four."))


def sent(server: ScriptedServer) -> list[str]:
    """The contents of the last request's messages."""
    return [message["content"] for message in server.requests[-1].body["messages"]]


def test_what_fills_the_window_is_told_by_its_parts(
    server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "long.txt").write_text("word " * 100, encoding="utf-8")
    server.pages["/v1/models"] = models("m", max_model_len=1000)
    said = sse(chunk("An answer of some length, "), chunk("twice."), chunk(finish="stop"), usage(190, 10))
    server.will(said, said)
    ran = session(
        server.url, "/context", "/system Be brief.", "a", "what? @long.txt", "/forget 1", "/context", "b"
    )
    assert "Nothing is sent yet." in ran.screen
    rows = [" ".join(row.split()) for row in ran.screen.rpartition("> /context\n")[2].splitlines()]
    told = [re.fullmatch(r"~?(\d+) (\d+ %)? ?(.+)", row) for row in rows]
    tokens = {found[3]: int(found[1]) for found in told if found}
    whole = tokens.pop("all of it; the window is 1,000 tokens")
    parts = ("system prompt", "1 question", "1 answer", "1 file")
    assert whole == pytest.approx(sum(tokens[part] for part in parts), abs=3)
    assert max(tokens, key=lambda name: tokens[name]) == "1 file"
    assert tokens["long.txt in #3"] == tokens["1 file"]
    assert rows[rows.index("the biggest:") + 1].endswith("long.txt in #3")
    assert "#1" not in "".join(rows)


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
    store = store_at(Path(os.environ["LLMCHAT_HOME"]) / "data" / "chats.db")
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


def contents(conversation: Conversation) -> list[str]:
    return [message.content for message in conversation.messages()]


def test_a_summary_takes_the_place_of_what_was_said(here: ScriptedServer) -> None:
    ran = session(here.url, "a", "b", "/compact 1", "c", "/goto 4")
    summary, asked = here.requests[2].body["messages"], here.requests[3].body["messages"]
    assert [m["content"] for m in summary[:2]] == ["a", "One."]
    assert summary[2]["content"].startswith("Summarise our conversation so far")
    assert [m["content"] for m in asked][1:] == ["Three.", "b", "Two.", "c"]
    assert [m["role"] for m in asked] == ["user", "assistant"] * 2 + ["user"]
    assert "with the last question as it was; `/goto 4` goes back to all of it." in ran.screen
    assert contents(ran.conversation) == ["a", "One.", "b", "Two."]  # the originals stay


def test_a_summary_is_made_without_what_shapes_other_answers(here: ScriptedServer) -> None:
    session(here.url, "/set max_tokens=3 stop=x temperature=0.1", "a", "b", "/compact 0", "c")
    body = here.requests[2].body
    assert (body["max_tokens"], body["temperature"], "stop" in body) == (-1, 0.1, False)
    assert here.requests[3].body["max_tokens"] == 3


def test_without_a_summary_everything_stays_as_it_was(server: ScriptedServer) -> None:
    server.will(answer("One."), answer("Two."), refuse(500, {"error": {"message": "out of memory"}}))
    ran = session(server.url, "a", "b", "/compact 1")
    assert contents(ran.conversation) == ["a", "One.", "b", "Two."]
    assert "out of memory" in ran.screen
    assert ran.offered[-1] == ""  # the summary's own question does not come back for editing


def test_there_must_be_something_to_summarise(here: ScriptedServer) -> None:
    assert "nothing to summarise yet" in session(here.url, "a", "/compact").screen
    assert "/compact takes the number" in session(here.url, "a", "/compact x").screen


@pytest.fixture
def small(server: ScriptedServer) -> ScriptedServer:
    """A server with a window of 200 tokens, which tells what it has read."""
    server.pages["/v1/models"] = models("m", max_model_len=200)

    def say(request: Any) -> Reply:
        read = counting.estimate(request.body["messages"])
        return Reply(sse(chunk("Yes."), chunk(finish="stop"), usage(read, 1)))

    return server.will(say)


LONG = ("word " * 60).strip()
LONGER = ("more " * 110).strip()


def test_a_question_that_does_not_fit_is_asked_about_and_comes_back(small: ScriptedServer) -> None:
    ran = session(small.url, LONG, LONGER, "")
    assert "This does not fit into the context window: ~" in ran.screen
    assert "of 200 tokens. (c)ompact, (f)orget the oldest questions, or (s)end it all the same?" in ran.screen
    assert ran.offered[-1] == LONGER
    assert len(small.requests) == 1


def test_it_can_be_sent_all_the_same(small: ScriptedServer) -> None:
    ran = session(small.url, LONG, LONGER, "s")
    assert sent(small) == [LONG, "Yes.", LONGER]
    assert ran.offered[-1] == ""


def test_the_oldest_questions_can_be_forgotten_for_it(small: ScriptedServer) -> None:
    ran = session(small.url, LONG, "b", LONGER, "f")
    assert sent(small) == ["b", "Yes.", LONGER]
    assert ran.conversation.omitted == {1, 2}


def test_the_conversation_can_be_compacted_for_it(small: ScriptedServer) -> None:
    ran = session(small.url, LONG, "b", "c", LONGER, "c")
    assert sent(small) == ["What have we said so far, in short?", "Yes.", "b", "Yes.", "c", "Yes.", LONGER]
    assert ran.said[-2:] == [("user", LONGER), ("assistant", "Yes.")]


def test_where_leaving_things_out_makes_no_room_that_is_not_offered(small: ScriptedServer) -> None:
    ran = session(small.url, LONG, LONGER * 3, "f")
    assert "This message alone does not fit into the context window: ~" in ran.screen
    assert "of 200 tokens. Send it all the same? [y/N]" in ran.screen
    assert ran.offered[-1] == LONGER * 3
    assert ran.conversation.omitted == frozenset()
    assert len(small.requests) == 1


def test_what_still_does_not_fit_after_a_summary_is_asked_about_again(small: ScriptedServer) -> None:
    ran = session(small.url, "a", LONG, "c", LONGER, "c", "")
    assert ran.screen.count("This does not fit into the context window") == 2
    assert ran.offered[-1] == LONGER
    assert contents(ran.conversation)[:2] == ["What have we said so far, in short?", "Yes."]


def test_when_the_summary_fails_the_question_comes_back_and_not_the_summarys(small: ScriptedServer) -> None:
    say = small.script[0]
    small.script = [say, say, say, refuse(500, {"error": {"message": "out of memory"}})]
    ran = session(small.url, LONG, "b", "c", LONGER, "c")
    assert ran.offered[-1] == LONGER


def test_without_a_prompt_it_is_said_and_sent(small: ScriptedServer) -> None:
    done = run("-u", small.url, LONGER * 3)
    assert (done.returncode, done.stdout) == (0, b"Yes.\n")
    assert b"This message alone does not fit into the context window: ~" in done.stderr
