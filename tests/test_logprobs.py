"""Tokens with their log-probabilities: from the wire into the message, and their places in its text."""

import contextlib
import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmchat.lab.logprobs import Token, mean_logprob, tokens
from llmchat.local import engine
from llmchat.messages import Message
from llmchat.store import exports
from llmchat.store.records import Record
from llmchat.wire.deltas import Draft
from llmchat.wire.protocol import ReplyReader
from tests.cutting import cut_at_random
from tests.scripted import ScriptedServer, chunk, sse
from tests.session import session, settings_for


@pytest.fixture(scope="module")
def practice() -> Iterator[str]:
    """The URL of a llama.cpp server with the practice model."""
    with contextlib.closing(engine.start_practice()) as running:
        yield running.url


def told(*pieces: bytes, logprob: float = -1.0, alternatives: dict[str, float] | None = None) -> list[Any]:
    """What a server tells of these tokens."""
    others = [
        {"token": text, "bytes": [*text.encode()], "logprob": value}
        for text, value in (alternatives or {}).items()
    ]
    return [
        {
            "token": raw.decode("utf-8", "replace"),
            "bytes": [*raw],
            "logprob": logprob,
            "top_logprobs": others,
        }
        for raw in pieces
    ]


def message(content: str, *pieces: bytes, reasoning: str = "") -> Message:
    return Message("assistant", content, reasoning, logprobs=json.dumps(told(*pieces)))


def said(word: str, **options: Any) -> dict[str, Any]:
    """A chunk with a word and its log-probability."""
    made = chunk(word)
    made["choices"][0]["logprobs"] = {"content": told(word.encode(), **options)}
    return made


def placed(known: Message) -> list[tuple[str, str]]:
    """Each token, and the part of the text where it stands."""
    return [(token.text, known.content[token.start : token.end]) for token in tokens(known)]


STREAM = b"".join(sse(said("Hello"), said(" world"), chunk(finish="stop")))


@given(cut_at_random(st.just(STREAM)))
def test_they_come_with_the_reply_however_the_stream_is_cut(whole: tuple[bytes, list[bytes]]) -> None:
    reader, draft = ReplyReader(), Draft()
    for piece in whole[1]:
        for delta in reader.feed(piece):
            draft.add(delta)
    reply = draft.reply().choices[0]
    assert json.loads(reply.logprobs) == told(b"Hello", b" world")
    assert placed(reply) == [("Hello", "Hello"), (" world", " world")]


@given(cut_at_random(st.text().map(str.encode)), st.booleans(), st.text())
def test_every_token_finds_its_place(halves: tuple[bytes, list[bytes]], whole: bool, prefix: str) -> None:
    """All where all came; in order where llama.cpp leaves out those that end inside a character."""
    content, text = halves[0], halves[0].decode()
    pieces, end = [], 0
    for piece in halves[1]:
        end += len(piece)
        inside = end < len(content) and content[end] & 0xC0 == 0x80
        pieces += [] if inside and len(piece) < 5 and not whole else [piece]
    for beginning in ("", prefix):
        known = tokens(message(beginning + text, *pieces))
        assert all(0 <= token.start < token.end <= len(beginning + text) for token in known)
        assert [token.start for token in known] == sorted(token.start for token in known)
        if whole and not beginning:
            assert len(known) == sum(map(bool, pieces))


# fmt: off
PASSED_OVER = [
    (message("Well there", b" there"), [(" there", " there")]),
    (message("oh", b"<think>", b"Hi", b" you", b"</think>", b"oh", reasoning="Hi you"), [("oh", "oh")]),
    (message("there", b"<s>", b"there", b""), [("there", "there")]),
    (message("日本", b"\xe6", b"\x97\xa5"), [(r"\xe6", "日"), (r"\x97\xa5", "日")]),
    (message("日本", b"\xa5", b"\xac"), [(r"\xa5", "日"), (r"\xac", "本")]),
    (Message("assistant", "Hi"), []),
    (Message("assistant", "Hi", logprobs="no JSON"), []),
    (Message("assistant", "Hi", logprobs='[{"token": "Hi", "logprob": "much"}, 5, null]'), []),
    (Message("assistant", "Hi", logprobs='[{"token": "Hi", "logprob": NaN}]'), []),
    (Message("assistant", "Hi", logprobs='[{"token": "Hi", "bytes": null, "logprob": 0}]'), [("Hi", "Hi")]),
]
# fmt: on


@pytest.mark.parametrize(("known", "there"), PASSED_OVER)
def test_what_stands_only_in_one_of_them_is_passed_over(known: Message, there: list[tuple[str, str]]) -> None:
    assert placed(known) == there


def test_probabilities_after_sampling_are_understood() -> None:
    others = [{"token": "Hi", "prob": 0.5}, {"token": "Ho", "prob": 0.0}]
    after = [{"token": "Hi", "prob": 0.5, "top_probs": others}]
    (token,) = tokens(Message("assistant", "Hi", logprobs=json.dumps(after)))
    assert token.probability == pytest.approx(0.5)
    assert [other.text for other in token.alternatives] == ["Hi", "Ho"]


def test_the_mean_is_over_the_tokens_of_the_text() -> None:
    entries = [*told(b"Hi", logprob=-1.0), *told(b" you", logprob=-3.0), *told(b"<end>", logprob=-50.0)]
    assert mean_logprob(Message("assistant", "Hi you", logprobs=json.dumps(entries))) == -2.0
    assert mean_logprob(Message("assistant", "Hi you")) is None


def test_they_are_kept_with_the_conversation_and_in_its_export(server: ScriptedServer) -> None:
    server.will(sse(said("Hi", logprob=-0.5), said(" you", logprob=-0.25), chunk(finish="stop")))
    ran = session(server.url, "hello", "/quit", settings=settings_for(server.url, logprobs=True))
    again = session(server.url, "/open hello")
    assert again.conversation == ran.conversation
    (_, answer) = exports.read(exports.lossless(Record("", again.conversation))).conversation.messages()
    assert [token.logprob for token in tokens(answer)] == [-0.5, -0.25]


def test_the_real_server_tells_them_for_each_token(practice: str) -> None:
    settings = settings_for(practice, temperature=0, logprobs=True, top_logprobs=3)
    ran = session(practice, "hello", settings=settings)
    answer = ran.conversation.messages()[-1]
    known = tokens(answer)
    assert "".join(token.text for token in known) == answer.content
    assert all(len(token.alternatives) == 3 and _is_likeliest(token) for token in known)
    assert math.isclose(sum(token.logprob for token in known) / len(known), mean_logprob(answer) or 0)


def _is_likeliest(token: Token) -> bool:
    """As it has to be at temperature 0."""
    return token.alternatives[0].text == token.text
