"""Finding out by asking: does changing a parameter change what a server answers?

Each parameter is tried alone, at two values that should make a difference, with a fixed seed: freely
with two seeds, since a sure model may say the same at any temperature, then at temperature 0, where
chance plays no part. Where the two answers differ, both are asked for again: a server that never
says the same twice proves nothing, unless only one of the two values makes it so.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from llmchat.chat import Chat
from llmchat.errors import ServerError, UsageError
from llmchat.lab.logprobs import tokens
from llmchat.messages import Message
from llmchat.parameter import show
from llmchat.params import param
from llmchat.sampling import EXTRA, Sampling
from llmchat.wire.deltas import Draft
from llmchat.wire.discovery import Found
from llmchat.wire.protocol import left_out, messages_array, optional_fields, request_body

Verdict = Literal["effective", "no effect", "unclear", "refused"]

MOST_REQUESTS = 12
"""For one parameter; three for one whose effect shows at once."""

_QUESTION = Message("user", "Say many random words, and some of them twice: tea moon red tea moon red tea")
_LENGTH = 12  # tokens
_BASES: tuple[Mapping[str, Any], ...] = (
    MappingProxyType({"temperature": 1.5, "seed": 1, "max_tokens": _LENGTH}),
    MappingProxyType({"temperature": 1.5, "seed": 2, "max_tokens": _LENGTH}),
    MappingProxyType({"temperature": 0.0, "seed": 1, "max_tokens": _LENGTH}),
)

_Said = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out about a parameter, and how, in words."""

    name: str
    verdict: Verdict
    how: str


class Probe:
    """Asks a server about these parameters; nothing of it enters the conversation.

    `findings` asks, each time that the next finding is wanted; `asked` counts the requests.
    """

    def __init__(self, chat: Chat, names: Sequence[str]) -> None:
        found = chat.connection.found()
        if found is None or not found.reachable:
            raise UsageError("No server answers that could be asked.", "`/server` shows what there is.")
        self._chat = chat
        self._found: Found = found
        self.names = names
        self.asked = 0

    def findings(self) -> Iterator[Finding]:
        """What is found out, a parameter at a time. Raises LlmchatError."""
        for name in self.names:
            try:
                finding = self._find_out(name)
            except ServerError as error:
                if not 400 <= error.status < 500:
                    raise
                finding = Finding(name, "refused", error.sentence.rstrip("."))
            yield finding

    def _find_out(self, name: str) -> Finding:
        low, high = _extremes(self._chat, name)
        between = f"{_shown(low)} and {_shown(high)}"
        if name in left_out(self._found.kind, _with(Sampling(), name, high)):
            return Finding(name, "refused", f"{self._found.kind.title} does not know it, so it is not sent")
        changing = False
        for base in _BASES:
            first, second = self._ask(base, name, low), self._ask(base, name, high)
            if first == second:
                continue
            if self._ask(base, name, low) == first or self._ask(base, name, high) == second:
                return Finding(name, "effective", f"the answers differ between {between}")
            changing = True
        if changing:
            return Finding(name, "unclear", "the server says something else each time, whatever the value")
        return Finding(name, "no effect", f"the answers are the same at {between}")

    def _ask(self, base: Mapping[str, Any], name: str, value: Any) -> _Said:
        """What the server says with this value, beside those that it needs."""
        needs = {} if name.startswith(EXTRA) else param(name).needs
        sampling = Sampling()
        for key, beside in {**base, **needs}.items():
            sampling = _with(sampling, key, beside)
        sampling = _with(sampling, name, value)
        kind, model = self._found.kind, self._chat.model
        body = request_body(kind, model, messages_array("", [_QUESTION]), sampling)
        optional = optional_fields(body, kind, sampling)
        self.asked += 1
        draft = Draft()
        with contextlib.closing(self._chat.connection.client.chat(body, optional, known=True)) as stream:
            while not stream.ended:
                for delta in stream.wait(0.05):
                    draft.add(delta)
        return _said(draft)


def _said(draft: Draft) -> _Said:
    """All of a reply that a parameter can change."""
    choices = draft.reply().choices
    first = choices[0] if choices else Message("assistant", "")
    known = tokens(first)
    alternatives = len(known[0].alternatives) if known else 0
    return len(choices), first.content, first.reasoning, bool(first.logprobs), alternatives


def _extremes(chat: Chat, name: str) -> tuple[Any, Any]:
    if not name.startswith(EXTRA):
        return param(name).extremes
    setting = chat.sampling.get(name)
    return (None, setting.value) if setting else (0, 1)


def _with(sampling: Sampling, name: str, value: Any) -> Sampling:
    return sampling.without(name) if value is None else sampling.with_value(name, value, "call")


def _shown(value: Any) -> str:
    return "not sent" if value is None else show(value)
