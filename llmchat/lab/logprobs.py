"""How sure the model was: a reply's tokens with their log-probabilities, out of the server's JSON.

A server tells them as a list of `{"token", "bytes", "logprob", "top_logprobs"}`. That list and the
reply's text are not always the same: reasoning and special tokens stand in the list alone, the
beginning of a continued answer in the text alone, and llama.cpp leaves a token out of its stream
that ends inside a character. So each token is looked for in the text.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from llmchat.messages import Message

_AHEAD = 8
"""Tokens that have to be found together where the list and the text part."""

_LONGEST_LEFT_OUT = 16
"""Bytes of text between two tokens of which the second goes on with a character."""


@dataclass(frozen=True, slots=True)
class Alternative:
    r"""A token that could have stood at a place; a part of a character is written as `\xe6`.

    `whole` is false where there is such a part. The text of a token that ends the answer may be "".
    """

    text: str
    logprob: float
    whole: bool = True

    @property
    def probability(self) -> float:
        """From 0 to 1."""
        return math.exp(min(0.0, self.logprob))


@dataclass(frozen=True, slots=True)
class Token:
    """A token of a reply: `start` and `end` are its place in the text, counted in characters.

    A token that is only a part of a character has the place of the whole character. The
    `alternatives` are the likeliest first, the token itself among them.
    """

    text: str
    logprob: float
    start: int
    end: int
    alternatives: tuple[Alternative, ...] = ()

    @property
    def probability(self) -> float:
        """From 0 to 1."""
        return math.exp(min(0.0, self.logprob))


def tokens(message: Message) -> tuple[Token, ...]:
    """The tokens of a message's text in their order; () when none are known."""
    entries = _entries(message.logprobs)
    content = message.content.encode("utf-8", "surrogatepass")
    starts, ends = _characters(message.content)
    placed = _places(entries[_reasoned(entries, message.reasoning) :], content)
    return tuple(
        Token(_shown(raw), logprob, starts[at], ends[at + len(raw)], alternatives)
        for at, (raw, logprob, alternatives) in placed
    )


def mean_logprob(message: Message) -> float | None:
    """The mean log-probability of a message's tokens; None when none are known."""
    known = tokens(message)
    return sum(token.logprob for token in known) / len(known) if known else None


_Entry = tuple[bytes, float, tuple[Alternative, ...]]


def _entries(logprobs: str) -> list[_Entry]:
    """The list as told: each token's bytes, log-probability and alternatives."""
    try:
        told = json.loads(logprobs or "[]")
    except (ValueError, RecursionError):
        return []
    found = []
    for item in told if isinstance(told, list) else ():
        logprob = _logprob(item)
        if logprob is not None:
            found.append((_bytes(item), logprob, tuple(_alternatives(item))))
    return found


def _alternatives(item: Mapping[str, Any]) -> Iterator[Alternative]:
    listed = item.get("top_logprobs") or item.get("top_probs") or ()
    others = [other for other in listed if isinstance(other, dict)] if isinstance(listed, list) else []
    for other in sorted(others, key=lambda other: -(_logprob(other) or 0.0)):
        logprob = _logprob(other)
        if logprob is not None:
            raw = _bytes(other)
            yield Alternative(_shown(raw), logprob, whole=raw.decode("utf-8", "ignore").encode() == raw)


def _logprob(item: Any) -> float | None:
    """A log-probability; llama.cpp tells probabilities where it was asked for those after sampling."""
    if not isinstance(item, dict):
        return None
    logprob, probability = item.get("logprob"), item.get("prob")
    if _is_number(logprob):
        return None if math.isnan(logprob) else float(logprob)
    return math.log(max(probability, 1e-45)) if _is_number(probability) else None


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _bytes(item: Mapping[str, Any]) -> bytes:
    raw, text = item.get("bytes"), item.get("token")
    if isinstance(raw, list) and all(isinstance(byte, int) and 0 <= byte < 256 for byte in raw):
        return bytes(raw)
    return text.encode("utf-8", "replace") if isinstance(text, str) else b""


def _shown(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def _reasoned(entries: Sequence[_Entry], reasoning: str) -> int:
    """How many tokens at the beginning belong to the reasoning."""
    if not reasoning:
        return 0
    joined = b"".join(raw for raw, _, _ in entries)
    wanted = reasoning.strip().encode("utf-8", "replace")
    at = joined.find(wanted)
    if at < 0:
        return 0
    length = count = 0
    while length < at + len(wanted):
        length += len(entries[count][0])
        count += 1
    return count


def _places(entries: Sequence[_Entry], content: bytes) -> Iterator[tuple[int, _Entry]]:
    """Each token that stands in the text, with the byte where it begins."""
    place = 0
    for number, entry in enumerate(entries):
        raw = entry[0]
        if not raw:
            continue
        if not content.startswith(raw, place):
            found = _next_place(entries[number : number + _AHEAD], content, place)
            if found < 0:
                continue
            place = found
        yield place, entry
        place += len(raw)


def _next_place(ahead: Sequence[_Entry], content: bytes, place: int) -> int:
    """Where the next token stands when it does not follow at once; -1 when it is not in the text."""
    first = ahead[0][0]
    if first[0] & 0xC0 == 0x80:  # it goes on with a character whose beginning was left out
        return content.find(first, place, place + len(first) + _LONGEST_LEFT_OUT)
    return content.find(b"".join(raw for raw, _, _ in ahead), place)


def _characters(text: str) -> tuple[list[int], list[int]]:
    """For each byte of a text, and its end: the character that it belongs to, and the one after that.

    The second is for ends: a piece that ends inside a character takes all of it.
    """
    starts: list[int] = []
    ends: list[int] = [0]
    for number, character in enumerate(text):
        length = len(character.encode("utf-8", "surrogatepass"))
        starts += [number] * length
        ends += [number + 1] * length
    return [*starts, len(text)], ends
