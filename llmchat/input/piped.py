"""Standard input that is no terminal: whole, or piece by piece while it comes."""

import codecs
import os
import queue
import sys
import threading

from llmchat.errors import UsageError

_PIECE = 4096
"""Bytes that are read at once: as much as can be drawn in one frame."""

_AHEAD = 16
"""Pieces that are read before they are wanted."""


def all_of_it() -> str:
    """All of it, in whatever encoding; "" at a terminal, or where it is closed. Raises UsageError."""
    if not sys.stdin or sys.stdin.isatty():
        return ""
    try:
        return _decoded(sys.stdin.buffer.read()).strip("\n")
    except OSError as error:
        raise _unreadable(error) from error


def _decoded(data: bytes) -> str:
    """Bytes as text: some of it may be in another encoding, but what has zeros too is no text."""
    encoding = _encoding(data)
    try:
        return data.decode(encoding, "replace" if encoding == "utf-16" else "strict")
    except UnicodeDecodeError:
        if b"\0" in data:
            raise UsageError("Standard input is no text.", "`-f FILE` attaches an image.") from None
        return data.decode("utf-8", "replace")


def _encoding(data: bytes) -> str:
    """What the first bytes say."""
    return "utf-16" if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"


class Pieces:
    """Its text as it comes. A thread reads: not every system can wait for a pipe until a deadline."""

    def __init__(self) -> None:
        self._decoder: codecs.IncrementalDecoder | None = None
        self._read: queue.Queue[bytes | OSError] = queue.Queue(_AHEAD)
        self.ended = False
        threading.Thread(target=self._read_all, daemon=True).start()

    def wait(self, seconds: float) -> str:
        """What has come, waiting for it this long; "" when nothing has. Raises UsageError."""
        try:
            data = self._read.get(timeout=seconds)
        except queue.Empty:
            return ""
        if isinstance(data, OSError):
            raise _unreadable(data) from data
        self.ended = not data
        if self._decoder is None:
            self._decoder = codecs.getincrementaldecoder(_encoding(data))("replace")
        return self._decoder.decode(data, final=self.ended)

    def _read_all(self) -> None:
        try:
            while data := os.read(sys.stdin.fileno(), _PIECE):
                self._read.put(data)
            self._read.put(b"")
        except OSError as error:
            self._read.put(error)


def _unreadable(error: OSError) -> UsageError:
    return UsageError(f"Standard input cannot be read: {error.strerror}.")
