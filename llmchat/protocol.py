"""The chat protocol: a request's body out, a stream's bytes or a whole completion in.

Everything that servers do differently on the wire ends here: `Text`, `Reasoning`, `Usage` and the
other deltas are all that the rest of the program sees.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from llmchat import params
from llmchat.deltas import Delta, Finish, Progress, Reasoning, ToolCallPart
from llmchat.errors import DroppedError, ServerError
from llmchat.messages import Message, Timings, Usage
from llmchat.refusal import error_in, refusal
from llmchat.sampling import EXTRA, Sampling
from llmchat.servers import Kind
from llmchat.sse import Decoder, Event
from llmchat.thinking import Splitter

CHAT_PATH = "/v1/chat/completions"


def messages_array(system: str, messages: Iterable[Message]) -> list[dict[str, str]]:
    """The `messages` of a request: the system prompt if any, then role and content of each."""
    array = [{"role": message.role, "content": message.content} for message in messages]
    return [{"role": "system", "content": system}, *array] if system else array


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
    return {**body, "stream": True, "stream_options": {"include_usage": True}, **kind.fields}


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


class ReplyReader:
    """A stream's bytes in, deltas out, until the reply has really ended.

    A reply has ended when a finish reason or `[DONE]` has come; the end of the bytes alone is a
    dropped connection. An error event ends it too, and keeps what came before. Events that are no
    JSON are skipped and counted in `skipped`.
    """

    def __init__(self) -> None:
        self._events = Decoder()
        self._splitters: dict[int, Splitter] = {}
        self._done = False
        self._finished = False
        self._error: ServerError | None = None
        self.skipped = 0

    def feed(self, data: bytes) -> list[Delta]:
        """The deltas that `data` completes."""
        return [delta for event in self._events.feed(data) for delta in self._read(event)]

    def finish(self) -> list[Delta]:
        """The last deltas, when no more bytes come."""
        deltas = [d for event in self._events.feed(b"", final=True) for d in self._read(event)]
        for splitter in self._splitters.values():
            deltas += splitter.feed("", final=True)
        return deltas

    def check_end(self) -> None:
        """Raise what an error event said, or DroppedError when neither a finish reason nor `[DONE]` came."""
        if self._error:
            raise self._error
        if not (self._done or self._finished):
            raise DroppedError("The server closed the stream early.", "`/regen` asks the question again.")

    @property
    def done(self) -> bool:
        """Whether `[DONE]` or an error has come: nothing after it counts."""
        return self._done or self._error is not None

    def completion(self, data: Mapping[str, Any]) -> list[Delta]:
        """The deltas of a whole completion, from a server that does not stream."""
        deltas = list(self._chunk(data))
        for splitter in self._splitters.values():
            deltas += splitter.feed("", final=True)
        self._done = True
        return deltas

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
        except ValueError:
            data = None
        if event.name == "error" or error_in(data):
            self._error = refusal(0, event.data)
            return []
        if not isinstance(data, dict):
            self.skipped += 1
            return []
        return self._chunk(data)

    def _chunk(self, data: Mapping[str, Any]) -> list[Delta]:
        out: list[Delta] = []
        for choice in data.get("choices") or ():
            index = choice.get("index") or 0
            part = choice.get("delta") or choice.get("message") or {}
            out += self._part(part, index)
            out += self._end(choice.get("finish_reason"), index)
        return out + _about_request(data)

    def _part(self, part: Mapping[str, Any], index: int) -> list[Delta]:
        splitter = self._splitters.setdefault(index, Splitter(index))
        out: list[Delta] = []
        reasoning = part.get("reasoning_content") or part.get("reasoning")
        if isinstance(reasoning, str):
            splitter.expect_answer()
            out.append(Reasoning(reasoning, index))
        content = part.get("content")
        if isinstance(content, str) and content:
            out += splitter.feed(content)
        for position, call in enumerate(part.get("tool_calls") or ()):
            function = call.get("function") or {}
            out.append(
                ToolCallPart(
                    call.get("index", position),
                    function.get("name") or "",
                    function.get("arguments") or "",
                    index,
                )
            )
        return out

    def _end(self, reason: Any, index: int) -> list[Delta]:
        """An old KoboldCpp says "null" and an old Ollama "" where others say nothing."""
        if not reason or reason == "null":
            return []
        if reason == "error":
            self._error = ServerError(
                "The server broke off with an error of its own.", "Its log may say more."
            )
            return []
        self._finished = True
        return [Finish(str(reason), index)]


def _about_request(data: Mapping[str, Any]) -> list[Delta]:
    out: list[Delta] = []
    usage, timings, progress = (data.get(key) for key in ("usage", "timings", "prompt_progress"))
    if isinstance(usage, dict):
        details = usage.get("prompt_tokens_details") or {}
        out.append(
            Usage(
                usage.get("prompt_tokens") or 0,
                usage.get("completion_tokens") or 0,
                details.get("cached_tokens"),
            )
        )
    if isinstance(timings, dict):
        out.append(Timings(tokens_per_second=timings.get("predicted_per_second")))
    if isinstance(progress, dict):
        out.append(Progress(progress.get("processed") or 0, progress.get("total") or 0))
    return out


def _comment(text: str) -> list[Delta]:
    """mlx_lm tells its progress in comments: `keepalive 512/2048`."""
    words = text.split()
    if len(words) == 2 and words[0] == "keepalive":
        done, _, total = words[1].partition("/")
        if done.isdecimal() and total.isdecimal():
            return [Progress(int(done), int(total))]
    return []
