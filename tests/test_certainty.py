"""`/logprobs`, `/tokens` and `/alt`: how sure the model was, and another way on."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llmchat.lab.logprobs import tokens
from llmchat.local import engine
from llmchat.messages import Message
from llmchat.store import exports
from llmchat.store.records import Record
from tests.scripted import ScriptedServer, answer, chunk, models, sse
from tests.session import Session, session, settings_for
from tests.terminal import terminal

P50, P25, P10 = -0.6, -1.3, -2.3
"""Log-probabilities of about 55, 27 and 10 %."""


@pytest.fixture(scope="module")
def practice() -> Iterator[str]:
    """The URL of a llama.cpp server with the practice model."""
    with contextlib.closing(engine.start_practice()) as running:
        yield running.url


def said(word: str | bytes, logprob: float = -0.01, **others: float) -> dict[str, Any]:
    """A chunk with a token, its log-probability, and its alternatives'."""
    raw = word if isinstance(word, bytes) else word.encode()
    listed = {word: logprob, **others} if isinstance(word, str) else {}
    top = [{"token": text, "bytes": [*text.encode()], "logprob": value} for text, value in listed.items()]
    made = chunk(raw.decode("utf-8", "ignore"))
    token = {"token": "", "bytes": [*raw], "logprob": logprob, "top_logprobs": top}
    made["choices"][0]["logprobs"] = {"content": [token]}
    return made


def reply(*tokens_said: dict[str, Any]) -> list[bytes]:
    return sse(*tokens_said, chunk(finish="stop"))


def talk(server: ScriptedServer, first: list[bytes], *lines: str) -> Session:
    server.pages["/v1/models"] = models("m", owned_by="llamacpp")
    server.will(first, answer(" and more"))
    return session(server.url, "/logprobs on", "hi", *lines)


TEA = reply(said("I"), said(" like", P50), said(" tea", P25, **{" milk": P50, "!": P10}), said(".\n", P10))


def shown(ran: Session, line: str) -> str:
    return ran.screen.partition(f"> {line}\n")[2]


def test_the_less_sure_the_more_marks(server: ScriptedServer) -> None:
    ran = talk(server, TEA, "/tokens")
    assert shown(ran, "/tokens").startswith(
        "I like² tea³?.⁴??\n\nfrom 90 %   from 50 %⁷   from 20 %⁷?   less⁷??"
    )
    assert "4 tokens, perplexity 2.86." in ran.screen
    assert server.requests[0].body["logprobs"] is True
    assert server.requests[0].body["top_logprobs"] == 5


def test_white_space_and_split_characters_are_shown(server: ScriptedServer) -> None:
    blank = reply(said("a"), said(" ", P50), said("\n\n", P10), said(b"\xe6\x97", P50), said(b"\xa5", P50))
    message = Message("assistant", "a \n\n日", logprobs=json.dumps(_tokens_of(blank)))
    ran = session(server.url, "/tokens", on_chat=lambda chat: chat.put(message, 0))
    assert "a␣²⏎³??\n\n日⁴⁻⁵?\n" in ran.screen


def _tokens_of(stream: list[bytes]) -> list[Any]:
    events = [json.loads(piece.removeprefix(b"data: ")) for piece in stream if b"logprobs" in piece]
    return [event["choices"][0]["logprobs"]["content"][0] for event in events]


def test_every_tenth_token_has_its_number(server: ScriptedServer) -> None:
    ran = talk(server, reply(*(said(f" {word}") for word in "abcdefghijkl")), "/tokens")
    assert "a b c d e f g h i j¹⁰ k l" in ran.screen


def test_alternatives_are_listed_likeliest_first(server: ScriptedServer) -> None:
    ran = talk(server, TEA, "/alt 3")
    rows = [" ".join(line.split()) for line in shown(ran, "/alt 3").splitlines()]
    assert rows[1:4] == ['1 " milk" 54.9 %', '* 2 " tea" 27.3 %', '3 "!" 10.0 %']
    assert "…I like» tea«." in ran.screen


@pytest.mark.parametrize(
    ("typed", "begun"),
    [
        ("1", "I like milk"),
        ("2", "I like tea"),
        ('" milk"', "I like milk"),
        ('"coffee"', "I like coffee"),
        ("coffee", "I like coffee"),
        ('"!"', "I like!"),
        ('"?"', "I like?"),
        (r'"\n- x"', "I like\n- x"),
        ('"2"', "I like 2"),
        ("green tea", "I like green tea"),
    ],
)
def test_another_word_is_gone_on_with_as_a_sibling(server: ScriptedServer, typed: str, begun: str) -> None:
    ran = talk(server, TEA, f"/alt 3 {typed}")
    assert server.requests[1].body["messages"][-1] == {"role": "assistant", "content": begun}
    assert ran.said == [("user", "hi"), ("assistant", f"{begun} and more")]
    assert [node.message.content for node in ran.conversation.children(1)] == [
        "I like tea.\n",
        f"{begun} and more",
    ]
    assert f"{begun} and more" in shown(ran, f"/alt 3 {typed}")


def test_what_was_sent_for_it_is_known_later(server: ScriptedServer) -> None:
    ran = talk(server, TEA, "/alt 3 1", "/request 3")
    sent, _ = json.JSONDecoder().raw_decode(shown(ran, "/request 3"))
    assert sent["messages"] == server.requests[1].body["messages"]
    reopened = session(server.url, "/open 1", "/request 3")
    assert json.JSONDecoder().raw_decode(shown(reopened, "/request 3"))[0] == server.requests[1].body
    record = ran.chat.keeping.do(lambda store: store.record(ran.chat.keeping.id))
    assert record
    assert exports.read(exports.lossless(record)) == record
    assert "'prefix': 'I like milk'" in exports.FORMATS[".py"](Record("", ran.conversation, record.requests))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("/alt 0", "There is no token 0."),
        ("/alt 5", "There is no token 5."),
        ("/alt x", "There is no token x."),
        ("/alt 3 9", "There is no alternative 9."),
        ("/alt 3 0", "There is no alternative 0."),
        ("/tokens 1", "Message 1 came without log-probabilities."),
        ("/tokens 9", "There is no message 9."),
    ],
)
def test_what_there_is_not_is_a_sentence(server: ScriptedServer, line: str, told: str) -> None:
    ran = talk(server, TEA, line)
    assert told in ran.screen
    assert len(server.requests) == 1


def test_alternatives_that_are_no_text_are_not_gone_on_with(server: ScriptedServer) -> None:
    top = [
        {"token": "", "bytes": [], "logprob": -0.5},
        {"token": "", "bytes": [230, 151], "logprob": -1.5},
    ]
    odd = {"token": "a", "bytes": [97], "logprob": -2.0, "top_logprobs": top}
    first = chunk("a")
    first["choices"][0]["logprobs"] = {"content": [odd]}
    ran = talk(server, reply(first), "/alt 1", "/alt 1 1", "/alt 1 2")
    assert "(the end)" in ran.screen
    assert r'"\\xe6\\x97"' in ran.screen
    assert "Alternative 1 ends the answer." in ran.screen
    assert "Alternative 2 is only a part of a character." in ran.screen


def test_a_server_that_does_not_go_on_is_a_sentence(server: ScriptedServer) -> None:
    server.will(TEA)
    ran = session(server.url, "/logprobs on", "hi", "/alt 3", "/alt 3 1")
    assert '" milk"' in ran.screen
    assert "not known to go on with an answer that has begun." in ran.screen
    assert "Known to do it: llama.cpp, vLLM" in ran.screen
    assert len(server.requests) == 1


def test_a_server_that_tells_none_is_a_sentence(server: ScriptedServer) -> None:
    server.pages["/api/v0/models"] = models("m", state="loaded")
    server.will(answer("yes"))
    ran = session(server.url, "hi", "/tokens", "/logprobs on", "/regen", "/tokens", "/alt 1")
    assert "Message 2 came without log-probabilities." in ran.screen
    assert "logprobs is on (but LM Studio is known to ignore it)." in ran.screen
    assert ran.screen.count("The server told no log-probabilities for message 3.") == 2
    assert ran.screen.count("Known to tell them: OpenAI, OpenRouter, llama.cpp") == 3


def test_they_are_switched_together(server: ScriptedServer) -> None:
    server.will(answer("yes"))
    ran = session(server.url, "/logprobs 3", "hi", "/logprobs off", "hi", "/logprobs 21", "/logprobs")
    first, second = (request.body for request in server.requests)
    assert (first["logprobs"], first["top_logprobs"]) == (True, 3)
    assert "logprobs" not in second
    assert "top_logprobs" not in second
    assert "top_logprobs is a whole number from 0 to 20, not 21." in ran.screen
    assert not ran.chat.sampling.chosen


def test_the_practice_model_goes_on_with_the_chosen_word(practice: str) -> None:
    settings = settings_for(practice, temperature=0)
    ran = session(practice, "/logprobs 5", "hello", "/tokens", '/alt 3 "We"', settings=settings)
    first, other = ran.conversation.children(1)
    third = tokens(first.message)[2]
    assert other.message.content.startswith(first.message.content[: third.start] + " We")
    assert len(other.message.content) > third.start + 3
    assert ran.conversation.head == other.number
    assert tokens(other.message)[0].start >= third.start + 3


@pytest.mark.parametrize("no_color", ["", "1"])
def test_in_a_narrow_terminal_with_and_without_colour(home: Path, no_color: str) -> None:
    with terminal("--demo", home=home, columns=60, NO_COLOR=no_color) as screen:
        screen.wait_for_prompt()
        screen.line("/logprobs on")
        screen.wait_for("top_logprobs is 5.")
        screen.line("write hello world in python")
        screen.wait_for("tokens/s")
        screen.wait_for_prompt()
        screen.line("/tokens")
        text = screen.wait_for("perplexity")
        assert all(len(row) <= 60 for row in text.splitlines())
        assert "from 90 %   from 50 %⁷   from 20 %⁷?   less⁷??" in text
        assert ("31mless" in screen.raw) != bool(no_color)
        screen.line('/alt 2 "there"')
        screen.wait_until(lambda shown: shown.count("tokens/s") == 2, "the other way on")
        screen.wait_for_prompt()
        screen.line("/pick")
        assert "#3  Here there" in " ".join(screen.wait_for("takes one").split(" "))
