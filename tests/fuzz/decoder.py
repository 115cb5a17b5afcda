"""A target for fuzzing: any bytes as a stream, whole and cut anywhere, mean the same and break nothing."""

from llmchat.errors import LlmchatError
from llmchat.wire.deltas import Delta, Draft
from llmchat.wire.protocol import ReplyReader
from llmchat.wire.sse import Decoder, Event
from tests.cutting import cut
from tests.fixtures import FIXTURES

SHORT = 40
"""Characters of the longest line, so that its bound is met too."""

SENT = sorted(
    {
        piece
        for fixture in FIXTURES.values()
        for reply in fixture.replies
        for piece in reply.body
        if isinstance(piece, bytes) and len(piece) < 500
    }
)
"""What the servers of the table send, in the pieces in which they send it."""

SIGNS = [
    *(b"\n", b"\r", b"\r\n", b"data: x", b"data:", b":", b"event: error\n", b"\xef\xbb\xbf", b"[DONE]"),
    *(b"data: x\r\ndata: y\r\n\r\n", b"data: x\rdata: y\r\r"),
]
"""What has a meaning in a stream, and events of several lines."""

_TEXTS = ["é", "€", "😀", "<think>", "</think>\\n", "◁think▷", "`", "\\n"]
_CHUNK = 'data: {"choices": [{"delta": {"content": "%s"}}]}\n\n'
_EVENTS = [(_CHUNK % text).encode() for text in _TEXTS]
_PIECES = [*SIGNS, *_EVENTS, *SENT]
_FIRST = 128
"""The lowest byte that stands for one of these pieces; those below stand for themselves."""

_BYTE_BY_BYTE = 4
"""So many places to cut at mean: cut everywhere."""


def one_input(data: bytes) -> None:
    """A stream as a fuzzer without types gives it: where it is cut, then bytes and pieces of real streams."""
    count = data[0] % (_BYTE_BY_BYTE + 1) if data else 0
    parts = (
        _PIECES[(byte - _FIRST) % len(_PIECES)] if byte >= _FIRST else bytes([byte])
        for byte in data[1 + count :]
    )
    check(b"".join(parts), data[1 : 1 + count])


def check(stream: bytes, places: bytes) -> None:
    """Read the stream whole, and cut in these places; raises AssertionError.

    A place is in 255ths of the stream. Enough of them cut a short stream everywhere.
    """
    edges = sorted(place * len(stream) // 255 for place in places)
    everywhere = len(places) >= _BYTE_BY_BYTE and len(stream) < 300
    pieces = cut(stream, range(1, len(stream)) if everywhere else edges)
    assert read(pieces) == read([stream])
    assert events(pieces) == events([stream])


def read(pieces: list[bytes]) -> tuple[list[Delta], str, int]:
    """The deltas, how it ended, and how many events were skipped; the draft takes them all."""
    reader, draft = ReplyReader(), Draft()
    deltas = [delta for piece in pieces for delta in reader.feed(piece)] + reader.finish()
    for delta in deltas:
        draft.add(delta)
    for message in draft.reply().choices:
        (message.content + message.reasoning).encode()  # no half characters
    try:
        reader.check_end()
    except LlmchatError as error:
        return deltas, error.sentence, reader.skipped
    return deltas, "", reader.skipped


def events(pieces: list[bytes]) -> list[Event] | str:
    """The events of a decoder that takes short lines only; the sentence of its refusal."""
    decoder = Decoder(longest=SHORT)
    try:
        return [event for piece in pieces for event in decoder.feed(piece)] + decoder.feed(b"", final=True)
    except LlmchatError as error:
        return error.sentence
