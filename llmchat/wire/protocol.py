"""The chat protocol: a request's body out, a stream's bytes or a whole completion in.

Everything that servers do differently on the wire ends here: `Text`, `Reasoning`, `Usage` and the
other deltas are all that the rest of the program sees.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from llmchat import params
from llmchat.amounts import LARGEST, number_in
from llmchat.errors import DroppedError, ServerError
from llmchat.messages import Message, Timings, Usage
from llmchat.sampling import EXTRA, Sampling
from llmchat.wire.deltas import Delta, Finish, Progress, Reasoning, TokenLogprobs, ToolCallPart
from llmchat.wire.refusal import error_in, refusal
from llmchat.wire.servers import Kind
from llmchat.wire.sse import Decoder, Event
from llmchat.wire.thinking import Splitter

# Finish reasons that are none: KoboldCpp and OpenRouter say the one, vLLM and SGLang the other.
_BROKEN_OFF = {
    "error": "The server broke off with an error of its own.",
    "abort": "The server aborted the answer.",
}

_ANY_JSON = {"type": "json_object"}
_ANY_OBJECT = {
    "type": "json_schema",
    "json_schema": {"name": "answer", "schema": {"type": "object"}},
}

CHAT_PATH = "/v1/chat/completions"


def messages_array(system: str, messages: Iterable[Message]) -> list[dict[str, Any]]:
    """The `messages` of a request: the system prompt if any, then role and content of each."""
    array: list[dict[str, Any]] = [
        {"role": message.role, "content": _content(message)} for message in messages
    ]
    return [{"role": "system", "content": system}, *array] if system else array


def _content(message: Message) -> str | list[dict[str, Any]]:
    """Attached texts stand before the message's own; only images make it a list of parts."""
    texts = [attached.data for attached in message.attachments if attached.kind == "text"]
    text = "\n\n".join([*texts, message.content])
    images = [attached.data for attached in message.attachments if attached.kind == "image"]
    if not images:
        return text
    shown: list[dict[str, Any]] = [{"type": "image_url", "image_url": {"url": url}} for url in images]
    return [{"type": "text", "text": text}, *shown]


def request_body(
    kind: Kind, model: str, messages: Sequence[Mapping[str, Any]], sampling: Sampling
) -> dict[str, Any]:
    """The JSON body of a chat request to this kind of server, always a stream.

    Streaming is what makes stopping work: a server ends a generation when its stream is closed.
    """
    body: dict[str, Any] = {"model": model, "messages": list(messages)}
    unwelcome = left_out(kind, sampling)
    for name, setting in sampling.effective.items():
        if name not in unwelcome:
            _put(body, _wire_name(name, kind), setting.value)
    if body.get("max_tokens") == -1:
        if kind.unlimited == "omit":
            del body["max_tokens"]
        elif isinstance(kind.unlimited, int):
            body["max_tokens"] = kind.unlimited
    if body.get("response_format") == _ANY_JSON and not kind.any_json:
        body["response_format"] = _ANY_OBJECT
    return {**body, "stream": True, "stream_options": {"include_usage": True}, **kind.fields}


def encode(body: Mapping[str, Any]) -> bytes:
    """A request's body as it goes over the wire."""
    return json.dumps(body).encode()


def left_out(kind: Kind, sampling: Sampling) -> tuple[str, ...]:
    """The parameters that are set and not sent, since this kind of server would refuse the request."""
    if not kind.refuses_unknown:
        return ()
    ours = [name for name in sampling.chosen if not name.startswith(EXTRA)]
    return tuple(name for name in ours if not params.param(name).honoured_by(kind.name))


def _wire_name(name: str, kind: Kind) -> str:
    return name[len(EXTRA) :] if name.startswith(EXTRA) else params.param(name).wire_name(kind.name)


def _put(body: dict[str, Any], path: str, value: Any) -> None:
    *parents, name = path.split(".")
    for parent in parents:
        if not isinstance(body.get(parent), dict):
            body[parent] = {}
        body = body[parent]
    body[name] = value


def optional_fields(body: Mapping[str, Any], kind: Kind, sampling: Sampling) -> tuple[str, ...]:
    """The fields of `body` that the user did not set, which may be left out when a server objects."""
    defaults = [name for name, s in sampling.effective.items() if s.origin == "default"]
    return tuple(name for name in (*defaults, "stream_options", *kind.fields) if name in body)


def unsetting(kind: Kind, sampling: Sampling) -> dict[str, str]:
    """The fields that the user has set, as this kind of server calls them, each with what unsets it."""
    return {_wire_name(name, kind): f"/unset {name}" for name in sampling.chosen}


class ReplyReader:
    """A stream's bytes in, deltas out, until the reply has really ended.

    A reply has ended when a finish reason or `[DONE]` has come; the end of the bytes alone is a
    dropped connection. An error event ends it too: what came before it is kept, and `check_end`
    raises it. Events that are no JSON are skipped and counted in `skipped`; what is not of the type
    that the protocol gives it counts as missing.
    """

    def __init__(self) -> None:
        self._events = Decoder()
        self._splitters: dict[int, Splitter] = {}
        self._done = False
        self._finished = False
        self._error: ServerError | None = None
        self.skipped = 0

    def feed(self, data: bytes) -> list[Delta]:
        """The deltas that `data` completes; raises ServerError for an event without an end."""
        return [delta for event in self._events.feed(data) for delta in self._read(event)]

    def finish(self) -> list[Delta]:
        """The last deltas, when no more bytes come."""
        deltas = [d for event in self._events.feed(b"", final=True) for d in self._read(event)]
        return deltas + self._rest()

    def check_end(self) -> None:
        """Raise the ServerError of an error event, or DroppedError when the end is missing."""
        if self._error:
            raise self._error
        if not (self._done or self._finished):
            raise DroppedError(
                "The server closed the stream early.",
                "The model may have crashed; its log may say more.",
            )

    @property
    def done(self) -> bool:
        """Whether `[DONE]` or an error has come: nothing after it counts."""
        return self._done

    def completion(self, data: Mapping[str, Any]) -> list[Delta]:
        """The deltas of a whole completion, from a server that does not stream; raises ServerError."""
        if error_in(data):
            raise refusal(0, json.dumps(data))
        deltas = self._chunk(data) + self._rest()
        self._done = True
        self.check_end()
        return deltas

    def _rest(self) -> list[Delta]:
        """What was held back because it might have become a tag."""
        return [d for splitter in self._splitters.values() for d in splitter.feed("", final=True)]

    def _read(self, event: Event) -> list[Delta]:
        if self.done:
            return []
        if event.name == "comment":
            return _comment(event.data)
        if event.data.strip() == "[DONE]":
            self._done = True
            return []
        try:
            data = json.loads(event.data)
        except (ValueError, RecursionError):
            data = None
        if event.name == "error" or error_in(data):
            self._fail(refusal(0, event.data))
        elif isinstance(data, dict):
            return self._chunk(data)
        else:
            self.skipped += 1
        return []

    def _fail(self, error: ServerError) -> None:
        self._error = self._error or error
        self._done = True

    def _chunk(self, data: Mapping[str, Any]) -> list[Delta]:
        out: list[Delta] = []
        for choice in map(_mapping, _items(data.get("choices"))):
            index = _count(choice.get("index"))
            part = _mapping(choice.get("delta")) or _mapping(choice.get("message"))
            out += self._part(part, index)
            told = _items(_mapping(choice.get("logprobs")).get("content"))
            if told:
                out.append(TokenLogprobs(tuple(map(json.dumps, told)), index))
            out += self._end(choice.get("finish_reason"), index)
        return out + _about_request(data)

    def _part(self, part: Mapping[str, Any], index: int) -> list[Delta]:
        splitter = self._splitters.setdefault(index, Splitter(index))
        out: list[Delta] = []
        reasoning = _text(part.get("reasoning_content")) or _text(part.get("reasoning"))
        if reasoning:
            splitter.expect_answer()
            out.append(Reasoning(reasoning, index))
        # OpenAI says in a field of its own why it will not answer.
        out += splitter.feed(_text(part.get("content")) or _text(part.get("refusal")))
        for position, call in enumerate(map(_mapping, _items(part.get("tool_calls")))):
            function = _mapping(call.get("function"))
            name, arguments = _text(function.get("name")), _text(function.get("arguments"))
            out.append(ToolCallPart(_count(call.get("index"), position), name, arguments, index))
        return out

    def _end(self, reason: Any, index: int) -> list[Delta]:
        """An old KoboldCpp says "null" and an old Ollama "" where others say nothing."""
        if not isinstance(reason, str) or reason in ("", "null"):
            return []
        if reason in _BROKEN_OFF:
            self._fail(ServerError(_BROKEN_OFF[reason], "Its log may say more."))
            return []
        self._finished = True
        return [*self._splitters[index].feed("", final=True), Finish(reason, index)]


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _items(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _text(value: Any) -> str:
    """A text, without the half characters that JSON can hold and nothing else can."""
    if not isinstance(value, str):
        return ""
    return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _count(value: Any, otherwise: int = 0) -> int:
    known = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < LARGEST
    return value if known else otherwise


def _speed(value: Any) -> float | None:
    """Tokens a second; None for what cannot be measured: a single token takes no time."""
    known = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e9
    return float(value) if known else None


def _about_request(data: Mapping[str, Any]) -> list[Delta]:
    out: list[Delta] = []
    if usage := _mapping(data.get("usage")):
        cached = _mapping(usage.get("prompt_tokens_details")).get("cached_tokens")
        out.append(
            Usage(
                _count(usage.get("prompt_tokens")),
                _count(usage.get("completion_tokens")),
                None if cached is None else _count(cached),
            )
        )
    if timings := _mapping(data.get("timings")):
        drafted = _count(timings.get("draft_n")) or None
        out.append(
            Timings(
                tokens_per_second=_speed(timings.get("predicted_per_second")),
                prompt_per_second=_speed(timings.get("prompt_per_second")),
                drafted=drafted,
                accepted=_count(timings.get("draft_n_accepted")) if drafted else None,
            )
        )
    if progress := _mapping(data.get("prompt_progress")):
        out.append(Progress(_count(progress.get("processed")), _count(progress.get("total"))))
    return out


def _comment(text: str) -> list[Delta]:
    """mlx_lm tells its progress in comments: `keepalive 512/2048`."""
    words = text.split()
    if len(words) == 2 and words[0] == "keepalive":
        done, _, total = words[1].partition("/")
        read, all_of_it = number_in(done), number_in(total)
        if read is not None and all_of_it is not None:
            return [Progress(read, all_of_it)]
    return []
