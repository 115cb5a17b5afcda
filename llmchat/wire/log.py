"""What goes over the wire, written to a file for bug reports, without the keys.

One JSON object a line, since several requests may be on their way at once: `exchange` is the same for
all that belongs to one. `what` is `request`, `answer` (status and headers), `piece` (of the body, as it
came), or `end`.
"""

import codecs
import contextlib
import itertools
import json
import os
import re
import stat
import threading
import urllib.parse
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from llmchat.errors import UsageError

REMOVED = "(removed)"

# All other headers of a request may carry a key; of an answer, only these do.
_HARMLESS = ("accept", "accept-encoding", "connection", "content-length", "content-type", "user-agent")
_SECRET = ("set-cookie", "set-cookie2", "authorization", "proxy-authorization")


class Redactor:
    """A text that comes in pieces, without the secrets in it, also where a piece ends inside one."""

    def __init__(self, secrets: Collection[str]) -> None:
        forms = {form for secret in secrets if secret for form in _forms(secret)}
        longest_first = sorted(forms, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, longest_first))) if forms else None
        self._beginnings = {form[:length] for form in forms for length in range(1, len(form))}
        self._longest = max(map(len, forms), default=0)
        self._held = ""

    def feed(self, text: str, *, final: bool = False) -> str:
        """What can be shown after `text`; what may become a secret is held back."""
        if self._secrets is None:
            return text
        text = self._secrets.sub(REMOVED, self._held + text)
        most = 0 if final else min(len(text), self._longest)
        kept = next((length for length in range(most, 0, -1) if text[-length:] in self._beginnings), 0)
        self._held = text[len(text) - kept :]
        return text[: len(text) - kept]


def _forms(secret: str) -> set[str]:
    """A secret as it is, and as it stands in JSON and in a URL."""
    escaped = json.dumps(secret)[1:-1]
    return {secret, escaped, escaped.replace("/", "\\/"), urllib.parse.quote(secret, safe="")}


class Log:
    """The file, or nothing at all without a path; it is made for its owner alone, and added to.

    Raises UsageError when it cannot be opened. When it can no longer be written, `told` says so and
    the chat goes on.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._file = _open(path) if path else None
        self._path = path
        self._secrets: set[str] = set()
        self._numbers = itertools.count(1)
        self._news = [f"Requests and answers are written to {path}, without keys."] if path else []

    def hide(self, *secrets: str) -> None:
        """Let these stand nowhere in what is written from now on."""
        self._secrets |= set(filter(None, secrets))

    def told(self) -> list[str]:
        """What the user should know of it, each once: where it is, and that it could not be written."""
        news, self._news = self._news, []
        return news

    @property
    def on(self) -> bool:
        """Whether anything is written."""
        return self._file is not None

    def exchange(self) -> "Exchange":
        """For one request and its answer."""
        return Exchange(self, next(self._numbers))

    def redactor(self) -> Redactor:
        """For a text of one exchange."""
        return Redactor(self._secrets)

    def write(self, number: int, what: str, **fields: Any) -> None:
        """Write one line; texts are to be without secrets already."""
        now = datetime.now().astimezone().isoformat(timespec="milliseconds")
        line = json.dumps({"time": now, "exchange": number, "what": what, **fields}, ensure_ascii=False)
        with self._lock:
            if self._file is None:
                return
            try:
                os.write(self._file, line.encode("utf-8", "backslashreplace") + b"\n")
            except OSError as error:
                os.close(self._file)
                self._file = None
                self._news.append(f"{self._path} can no longer be written: {error.strerror}.")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None


class Exchange:
    """One request and its answer, on their way into the log; how the block ends is how they ended."""

    def __init__(self, log: Log, number: int) -> None:
        self._log = log
        self._number = number
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._body = log.redactor()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._log.on:
            self._piece(self._utf8.decode(b"", final=True), final=True)
            self._write("end", error=f"{kind.__name__}: {error}" if kind else "")

    def request(self, method: str, url: str, headers: Mapping[str, Any], body: Any) -> None:
        """What is sent; `body` is None or bytes."""
        text = body.decode("utf-8", "replace") if isinstance(body, bytes) else ""
        shown = {k: v if k.lower() in _HARMLESS else REMOVED for k, v in headers.items()}
        self._write("request", method=method, url=url, headers=shown, body=text)

    def answer(self, status: int, headers: Mapping[str, str]) -> None:
        """The answer has begun."""
        shown = {k: REMOVED if k.lower() in _SECRET else v for k, v in headers.items()}
        self._write("answer", status=status, headers=shown)

    def piece(self, data: bytes) -> None:
        """More of the answer's body has come."""
        if self._log.on:
            self._piece(self._utf8.decode(data))

    def _piece(self, text: str, *, final: bool = False) -> None:
        if shown := self._body.feed(text, final=final):
            self._log.write(self._number, "piece", text=shown)

    def _write(self, what: str, **fields: Any) -> None:
        if self._log.on:
            self._log.write(
                self._number, what, **{name: self._clean(value) for name, value in fields.items()}
            )

    def _clean(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {str(self._clean(key)): self._clean(inner) for key, inner in value.items()}
        if isinstance(value, str | bytes):
            text = value.decode("latin-1") if isinstance(value, bytes) else value
            return self._log.redactor().feed(text, final=True)
        return value


def _open(path: Path) -> int:
    try:
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError as error:
        raise UsageError(f"The log {path} cannot be written: {error.strerror}.") from error
    if hasattr(os, "fchmod") and stat.S_ISREG(os.fstat(file).st_mode):
        with contextlib.suppress(OSError):  # another's file, which we may write
            os.fchmod(file, 0o600)
    return file
