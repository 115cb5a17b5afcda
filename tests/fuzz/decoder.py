"""A target for fuzzing: any bytes as a stream, whole and cut anywhere, mean the same and break nothing."""

from llmchat.errors import LlmchatError
from llmchat.wire.deltas import Delta, Draft
from llmchat.wire.protocol import ReplyReader
from llmchat.wire.sse import Decoder, Event
from tests.cutting import cut

SHORT = 40
"""Characters of the longest line, so that its bound is met too."""


def one_input(data: bytes) -> None:
    """The first bytes say where the others are cut, as a fuzzer without types gives them."""
    count = data[0] % 8 if data else 0
    stream = data[1 + count :]
    check(stream, cut(stream, sorted(place % (len(stream) + 1) for place in data[1 : 1 + count])))


def check(stream: bytes, pieces: list[bytes]) -> None:
    """Read the stream whole, in these pieces, and byte by byte; raises AssertionError."""
    for parts in (pieces, cut(stream, range(1, len(stream)))):
        assert read(parts) == read([stream])
        assert events(parts) == events([stream])


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
