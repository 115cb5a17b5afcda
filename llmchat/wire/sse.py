"""Server-sent events: bytes in, events out. Knows no socket.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
One rule of it is broken on purpose: what stands at the end without a blank line is an event too,
since KoboldCpp ends with `data: [DONE]` and closes.
"""

import codecs
from dataclasses import dataclass

from llmchat.errors import ServerError

LONGEST_LINE = 16 * 1024 * 1024
"""In characters, of a line or of one event's data; more is an attack or a fault, and fills the memory."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `name` is "" for an ordinary one, and "comment" for a comment line."""

    data: str
    name: str = ""


class Decoder:
    """Feed it bytes as they come; an event is given out with the byte that completes it."""

    def __init__(self, longest: int = LONGEST_LINE) -> None:
        self._longest = longest
        self._utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._line: list[str] = []
        self._line_length = 0
        self._data: list[str] = []
        self._data_length = 0
        self._name = ""
        self._at_start = True
        self._after_cr = False

    def feed(self, data: bytes, *, final: bool = False) -> list[Event]:
        """The events that `data` completes; raises ServerError for an endless line or event."""
        text = self._utf8.decode(data, final)
        if self._at_start and text:
            self._at_start = False
            text = text.removeprefix("\ufeff")
        events: list[Event] = []
        for line in self._lines(text):
            self._take(line, events)
        if final:
            self._finish(events)
        return events

    def _lines(self, text: str) -> list[str]:
        """The lines that `text` completes: LF, CRLF and CR end a line, U+2028 and its kind do not."""
        if self._after_cr and text:
            self._after_cr = False
            text = text.removeprefix("\n")
        self._after_cr = self._after_cr or text.endswith("\r")
        *complete, rest = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        if complete:
            complete[0] = "".join([*self._line, complete[0]])
            self._line, self._line_length = [], 0
        if rest:
            self._line.append(rest)
            self._line_length += len(rest)
        self._bound(max(self._line_length, *map(len, complete), 0))
        return complete

    def _bound(self, length: int) -> None:
        if length > self._longest:
            raise ServerError(
                "The server sent a line without an end.", "Is this a chat server? See `/server`."
            )

    def _take(self, line: str, events: list[Event]) -> None:
        if not line:
            self._dispatch(events)
        elif line.startswith(":"):
            events.append(Event(line[1:].removeprefix(" "), "comment"))
        else:
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "data":
                self._data.append(value)
                self._data_length += len(value) + 1
                self._bound(self._data_length - 1)
            elif field == "event":
                self._name = value

    def _dispatch(self, events: list[Event]) -> None:
        if self._data:
            events.append(Event("\n".join(self._data), self._name))
        self._data, self._data_length, self._name = [], 0, ""

    def _finish(self, events: list[Event]) -> None:
        if self._line:
            self._take("".join(self._line), events)
            self._line, self._line_length = [], 0
        self._dispatch(events)
