"""What is kept of a request and of a whole conversation, and how the exact JSON is made again from it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from llmchat.messages import ROOT, Conversation, Timings, Usage
from llmchat.wire.protocol import encode, messages_array

_LONGEST_TITLE = 60
"""Characters."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request and how it went; `answers` are the numbers of the messages that it brought.

    `parent` is the last message that was sent, `continues` the answer that the model was to go on
    with (`ROOT`: none), `prefix` what it was given in place of the whole of that ("": the whole),
    `omissions` the messages of the path that were left out. `server` is the API's base URL; `engine`
    is "demo" or a model file when llmchat had started the server itself. `fields` is the JSON of
    the body with null for its messages, `chosen` the parameters that were set, by name. `time` is
    Unix seconds, `seconds` how long it took; `group` is shared by the requests of one comparison, and
    `lane` is the number that its first answer has there, from 1.
    """

    server: str
    kind: str
    model: str
    fields: str
    parent: int = ROOT
    continues: int = ROOT
    prefix: str = ""
    omissions: tuple[int, ...] = ()
    system: str = ""
    chosen: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    engine: str = ""
    group: str = ""
    lane: int = 0
    time: float = 0.0
    answers: tuple[int, ...] = ()
    finish_reasons: tuple[str, ...] = ()
    usage: Usage | None = None
    timings: Timings = field(default_factory=Timings)
    seconds: float | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """A whole conversation with all that is known of it: what is exported and imported.

    `begun` is Unix seconds.
    """

    title: str
    conversation: Conversation
    requests: tuple[Request, ...] = ()
    begun: float = 0.0


def fields_of(body: Mapping[str, Any]) -> str:
    """The JSON of a body with null for its messages; every field stays in its place."""
    return encode({**body, "messages": None}).decode()


def prefix_of(request: Request, conversation: Conversation) -> str:
    """The beginning of the answer that was sent for the model to go on with; "" when none was."""
    if request.prefix or request.continues == ROOT:
        return request.prefix
    return conversation.node(request.continues).message.content


def body_of(request: Request, conversation: Conversation) -> dict[str, Any]:
    """The body that was sent."""
    path = conversation.at(request.parent).path()
    sent = [node.message for node in path if node.number not in request.omissions]
    messages = messages_array(request.system, sent)
    if prefix := prefix_of(request, conversation):
        messages.append({"role": "assistant", "content": prefix})
    body: dict[str, Any] = json.loads(request.fields)
    return {**body, "messages": messages}


def title_of(question: str) -> str:
    """A title made from a first question: its first line, cut at a word."""
    line = next((line.strip() for line in question.splitlines() if line.strip()), "")
    if len(line) <= _LONGEST_TITLE:
        return line
    return (line[:_LONGEST_TITLE].rpartition(" ")[0] or line[: _LONGEST_TITLE - 1]) + "…"
