"""A reply on its way: a thread that asks, reads and decodes, and a caller that waits with a deadline."""

import contextlib
import json
import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from llmchat.errors import LlmchatError, ServerError, TransportError
from llmchat.wire.deltas import Delta, Notice, Skipped
from llmchat.wire.protocol import ReplyReader
from llmchat.wire.refusal import refusal
from llmchat.wire.repeats import Repeat, repeat
from llmchat.wire.sockets import Line
from llmchat.wire.sse import LONGEST_LINE
from llmchat.wire.stopwatch import Stopwatch

_LONGEST_ERROR = 1024 * 1024
"""Bytes; more of an error is not read."""


class Response(Protocol):
    """An answer whose body is still coming; `headers` are by lower-case name."""

    status: int
    headers: Mapping[str, str]

    def read(self) -> bytes:
        """What has come, waiting for a first byte; b"" at the end. Raises TransportError."""
        ...


class Door(Protocol):
    """What a stream needs of the way to its server; see `Client`."""

    key: str
    refused: set[str]

    def send(self, body: Mapping[str, Any], line: Line) -> AbstractContextManager[Response]: ...


class Stream:
    """A reply on its way; it ends when `wait` says so, and closing it ends the generation.

    A request is asked again by itself where `repeats` says so. Errors that the thread meets are
    raised from `wait`.
    """

    def __init__(self, door: Door, body: Mapping[str, Any], optional: Sequence[str], known: bool) -> None:
        self._door = door
        self._body = {key: value for key, value in body.items() if key not in door.refused}
        self._optional = [name for name in optional if name in self._body]
        self._known = known
        self._line = Line()
        self._deltas: queue.SimpleQueue[list[Delta] | LlmchatError | None] = queue.SimpleQueue()
        self._clock = Stopwatch()
        self._failure: LlmchatError | None = None
        self.ended = False
        self._thread = threading.Thread(target=self._run, name="llmchat-stream", daemon=True)
        self._thread.start()

    @property
    def body(self) -> Mapping[str, Any]:
        """What is sent: without the fields that the server has refused."""
        return self._body

    def wait(self, timeout: float | None = None) -> list[Delta]:
        """All deltas that are there, waiting up to `timeout` seconds for the first; [] when none.

        Sets `ended` with the last. Raises ServerError, TransportError or UsageError.
        """
        deltas: list[Delta] = []
        while not self.ended and self._failure is None:
            try:
                item = self._deltas.get(timeout=timeout) if not deltas else self._deltas.get_nowait()
            except queue.Empty:
                break
            if isinstance(item, LlmchatError):
                self._failure = item
            else:
                self.ended = item is None
                deltas += item or []
        if self._failure and not deltas:
            self.ended = True
            raise self._failure
        return deltas

    def stop(self) -> None:
        """End the reply where it is; safe in a signal handler."""
        self._line.cut = True
        self._deltas.put(None)

    def close(self) -> None:
        """Hang up and wait for the thread, unless it is still connecting to a dead address."""
        self._line.hang_up()
        self._thread.join(timeout=0.5)

    def _run(self) -> None:
        try:
            self._ask()
        except LlmchatError as error:
            error.hide(self._door.key)
            self._deltas.put(error)
        finally:
            # Whatever happens here, nobody waits for ever.
            self._deltas.put(None)

    def _ask(self) -> None:
        earlier: list[Repeat] = []
        while True:
            try:
                self._exchange()
                return
            except (ServerError, TransportError) as error:
                again = repeat(error, self._body, self._optional, earlier, known=self._known)
                if self._line.cut or not again:
                    raise
            self._prepare(again, earlier)
            earlier.append(again)

    def _prepare(self, again: Repeat, earlier: Sequence[Repeat]) -> None:
        """Say that it is asked again, and do what has to be done before."""
        if not earlier or earlier[-1].told != again.told:
            self._deltas.put([Notice(again.told)])
        if again.without:
            del self._body[again.without]
            self._optional.remove(again.without)
            self._door.refused.add(again.without)
        self._line.wait(again.wait)

    def _exchange(self) -> None:
        self._clock = Stopwatch()
        with self._door.send(self._body, self._line) as response:
            if response.status != 200:
                raise refusal(response.status, _error_text(response), response.headers)
            type = response.headers.get("content-type", "")
            first = response.read()
            if "json" in type or first.lstrip().startswith(b"{"):
                self._read_whole(first, response)
            elif "text/html" in type:
                raise refusal(200, _error_text(response, first))
            else:
                self._read_stream(first, response)
        self._deltas.put([self._clock.timings()])

    def _read_stream(self, data: bytes, response: Response) -> None:
        reader = ReplyReader()
        try:
            while data:
                self._pass_on(reader.feed(data))
                data = b"" if reader.done else response.read()
        finally:
            # Also what was held back when the connection broke.
            self._pass_on([*reader.finish(), *([Skipped(reader.skipped)] if reader.skipped else [])])
        reader.check_end()

    def _read_whole(self, data: bytes, response: Response) -> None:
        """A completion, or an error with status 200: LM Studio says so to a path it does not know."""
        text = b"".join([data, *_rest(response, LONGEST_LINE)]).decode("utf-8", "replace")
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict) or "choices" not in found:
            raise refusal(200, text)
        reader = ReplyReader()
        self._pass_on(reader.completion(found))
        reader.check_end()

    def _pass_on(self, deltas: list[Delta]) -> None:
        if deltas:
            for delta in deltas:
                self._clock.note(delta)
            self._deltas.put(deltas)


def _error_text(response: Response, begun: bytes = b"") -> str:
    """The text of an error, or what came of it: that it broke off is the lesser trouble."""
    pieces = [begun]
    with contextlib.suppress(TransportError):
        pieces += _rest(response, _LONGEST_ERROR)
    return b"".join(pieces).decode("utf-8", "replace")


def _rest(response: Response, longest: int) -> Iterator[bytes]:
    """The pieces of a body until its end, or until there are `longest` bytes."""
    while longest > 0 and (data := response.read()):
        yield data[:longest]
        longest -= len(data)
