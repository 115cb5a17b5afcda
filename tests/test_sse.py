"""Server-sent events mean the same however they are cut, in every form that servers send them.

The numbers are the points of a conformance list drawn from WHATWG's text and from the tests of
httpx-sse, eventsource-parser and openai-python. `[DONE]` and data that is no JSON (points 16 and 20)
are the protocol's: see test_protocol.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmchat.errors import ServerError
from llmchat.wire.sse import Decoder, Event
from tests.cutting import cut_at_random, cuts


def comment(text: str) -> Event:
    return Event(text, "comment")


BOM = b"\xef\xbb\xbf"

CASES: dict[str, tuple[bytes, list[Event]]] = {
    "1 a BOM at the start is dropped": (BOM + b"data: x\n\n", [Event("x")]),
    "1 a second BOM is part of a field's name": (BOM + BOM + b"data: x\n\ndata: y\n\n", [Event("y")]),
    "1 a BOM inside is kept": (b"data: " + BOM + b"x\n\n", [Event("\ufeffx")]),
    "2 LF ends a line": (b"data: x\n\ndata: y\n\n", [Event("x"), Event("y")]),
    "2 CRLF ends a line": (b"data: x\r\n\r\ndata: y\r\n\r\n", [Event("x"), Event("y")]),
    "2 CR ends a line": (b"data: x\r\rdata: y\r\r", [Event("x"), Event("y")]),
    "2 line ends may be mixed": (
        b"data: a\ndata: b\r\ndata: c\r\n\ndata: d\r\r\n",
        [Event("a\nb\nc"), Event("d")],
    ),
    "3 CRLF inside an event is one line end": (b"data: x\r\ndata: y\r\n\r\n", [Event("x\ny")]),
    "5 the lines of an event are joined": (b"data: x\ndata: y\ndata\ndata: z\n\n", [Event("x\ny\n\nz")]),
    "6 the space after the colon may be missing": (b"data:x\n\n", [Event("x")]),
    "6 only one space is dropped": (b"data:   x \n\n", [Event("  x ")]),
    "6 a tab is no space": (b"data:\tx\n\n", [Event("\tx")]),
    "7 a field without a colon is empty": (b"data\n\n", [Event("")]),
    "7 two of them are an empty line": (b"data\ndata\n\n", [Event("\n")]),
    "8 only the first colon parts": (b"data:: a: b\n\n", [Event(": a: b")]),
    "9 a comment between events": (b": keepalive 1/2\n\n:\n\n", [comment("keepalive 1/2"), comment("")]),
    "9 a comment inside an event": (
        b"data: x\n: OPENROUTER PROCESSING\ndata: y\n\n",
        [comment("OPENROUTER PROCESSING"), Event("x\ny")],
    ),
    "10 an event has a name": (b"event: error\ndata: x\n\n", [Event("x", "error")]),
    "10 the name may come after the data": (b"data: x\nevent:error\n\n", [Event("x", "error")]),
    "10 the last name counts": (b"event: a\nevent: b\ndata: x\n\n", [Event("x", "b")]),
    "11 a name is for one event": (b"event: e\ndata: x\n\ndata: y\n\n", [Event("x", "e"), Event("y")]),
    "11 a name without data is no event": (b"event: error\n\ndata: x\n\n", [Event("x")]),
    "12 other fields are ignored": (b"id: 1\nretry: 9\nfoo: x\nData: y\n data: z\ndata: x\n\n", [Event("x")]),
    "12 and alone make no event": (b"id: 1\n\nretry\n\n", []),
    "13 only CR and LF end a line": (
        "data: a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\n\n".encode(),
        [Event("a\u2028b\u2029c\x85d\x0be\x0cf\x1cg")],
    ),
    "14 UTF-8 of every length": ("data: aé€😀\n\n".encode(), [Event("aé€😀")]),
    "14 invalid UTF-8 is replaced": (b"data: a\xffb\xe2\x82c\n\n", [Event("a�b�c")]),
    "14 UTF-8 cut off at the end is replaced": (b"data: a\xe2\x82", [Event("a�")]),
    "15 an event at the end needs no blank line": (b"data: [DONE]\n", [Event("[DONE]")]),
    "15 nor a line end": (b"data: x\n\ndata: [DONE]", [Event("x"), Event("[DONE]")]),
    "15 nor a CR its LF": (b"data: x\r", [Event("x")]),
    "15 the name holds at the end too": (b"event: error\ndata: x", [Event("x", "error")]),
    "15 a comment at the end is one": (b": bye", [comment("bye")]),
    "17 blank lines more than needed": (b"\n\r\n\rdata: x\n\n\n\n\ndata: y\n\n\n", [Event("x"), Event("y")]),
    "18 nothing": (b"", []),
    "18 nothing but a BOM": (BOM, []),
}


def decode(pieces: list[bytes], decoder: Decoder | None = None) -> list[Event]:
    decoder = decoder or Decoder()
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return events + decoder.feed(b"", final=True)


@pytest.mark.parametrize("case", CASES)
def test_a_stream_means_the_same_however_it_is_cut(case: str) -> None:
    stream, events = CASES[case]
    for pieces in cuts(stream):
        assert decode(pieces) == events, pieces


@given(cut_at_random(st.lists(st.sampled_from([stream for stream, _ in CASES.values()])).map(b"".join)))
def test_streams_in_a_row_too(stream: tuple[bytes, list[bytes]]) -> None:
    whole, pieces = stream
    assert decode(pieces) == decode([whole])


@given(cut_at_random(st.binary() | st.text("dat: event\r\n\ufeffé€😀").map(str.encode)))
def test_any_bytes_too(stream: tuple[bytes, list[bytes]]) -> None:
    whole, pieces = stream
    assert decode(pieces) == decode([whole])


@pytest.mark.parametrize("stream", [b"data: x\n\n", b"data: x\r\n\r", b"data: x\r\r", b"data: x\n\r"])
def test_4_an_event_comes_with_the_byte_that_completes_it(stream: bytes) -> None:
    decoder = Decoder()
    assert decoder.feed(stream[:-1]) == []
    assert decoder.feed(stream[-1:]) == [Event("x")]
    assert decoder.feed(b"\n", final=True) == []


def test_the_last_bytes_may_come_with_the_end() -> None:
    assert Decoder().feed(b"data: x", final=True) == [Event("x")]


@pytest.mark.parametrize(
    "stream", [b"data: 12345", b"data: 12345\n\n", b": 123456789", b"data: 1\n" * 6, b"data\n" * 12]
)
def test_19_what_does_not_end_is_refused(stream: bytes) -> None:
    for pieces in cuts(stream):
        with pytest.raises(ServerError, match="without an end"):
            decode(pieces, Decoder(longest=10))


def test_19_what_ends_is_read_as_often_as_it_comes() -> None:
    for pieces in cuts(b"data: 1234\n\n" * 3):
        assert decode(pieces, Decoder(longest=10)) == [Event("1234")] * 3


def test_a_long_answer_is_read_in_one_pass() -> None:
    long = b"x" * 1_000_000
    assert decode([b"data: ", *(bytes([b]) for b in long[:50_000]), b"\n\n"]) == [Event("x" * 50_000)]
    assert decode([b"data: " + long + b"\n\n"]) == [Event("x" * 1_000_000)]
