"""The only file that knows requests: one server's door, and a reply on its way through it.

What of requests and urllib3 is used, and why:
- `raw.read1` gives a token when it has arrived, on chunked and on close-delimited responses;
  `iter_lines` and `iter_content` hold it back on one kind or the other.
- A streaming request says `Connection: close`: llama.cpp closes after every stream while it
  promises to keep the connection, so that one request in ten on a kept one would fail.
- No read time-out: a local model may think for minutes. TCP keep-alive notices a dead peer.
- `trust_env` is off near home: proxies would catch loopback, and netrc would overwrite the key.
"""

import contextlib
import json
import queue
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from llmchat.errors import (
    DroppedError,
    LlmchatError,
    ServerError,
    TransportError,
    UnreachableError,
    UsageError,
)
from llmchat.wire.address import Address
from llmchat.wire.deltas import Delta, Notice
from llmchat.wire.pages import Answer
from llmchat.wire.protocol import CHAT_PATH, ReplyReader, encode
from llmchat.wire.refusal import names_field, refusal
from llmchat.wire.stopwatch import Stopwatch

CONNECT_TIMEOUT = 4.0
"""Seconds; a server that is there accepts at once, however busy its model is."""

_PIECE = 65536
_LONGEST_ERROR = 1024 * 1024
_LONGEST_PAGE = 16 * 1024 * 1024
"""Bytes; more of an error or a page is not read."""


class Client:
    """One server. `key` is sent to it as a bearer token, and to no other server.

    What the server has refused is remembered: `refused` holds the fields that are left out since,
    `told_left_out` the parameters of which the user has been told that they are never sent.
    """

    def __init__(self, address: Address, key: str = "") -> None:
        self.address = address
        self.key = key
        self.refused: set[str] = set()
        self.told_left_out: set[str] = set()

    def get(self, path: str, timeout: float = 3.0) -> Answer | None:
        """What the server says to a GET; None when no answer came within `timeout` seconds."""
        return self._exchange("GET", path, None, timeout)

    def post(self, path: str, body: Mapping[str, Any], timeout: float = 3.0) -> Answer | None:
        """What the server says to a POST of JSON; None when no answer came within `timeout` seconds."""
        return self._exchange("POST", path, body, timeout)

    def _exchange(
        self, method: str, path: str, body: Mapping[str, Any] | None, timeout: float
    ) -> Answer | None:
        with self._session() as session:
            try:
                response = session.request(
                    method,
                    self.address.url(path),
                    data=None if body is None else encode(body),
                    timeout=(min(timeout, CONNECT_TIMEOUT), timeout),
                    allow_redirects=False,
                    headers={"Connection": "close", "Content-Type": "application/json"},
                    stream=True,
                )
                with response:
                    text = response.raw.read(_LONGEST_PAGE, decode_content=True)
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError):
                return None
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status_code, headers, text.decode("utf-8", "replace"))

    def chat(self, body: Mapping[str, Any], optional: Sequence[str] = ()) -> "Stream":
        """Send a chat request; `optional` are the fields that may be left out if it is refused."""
        return Stream(self, body, optional)

    def _session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = not self.address.near
        session.auth = self._authorize
        return session

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        # A callable, because a netrc entry overwrites a header that was only set.
        if self.key:
            request.headers["Authorization"] = f"Bearer {self.key}"
        return request


class _Line:
    """The socket of a request, so that another thread can hang up, even before any answer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self.cut = False

    def connected(self, sock: socket.socket) -> None:
        with self._lock:
            self._socket = sock
            if self.cut:
                raise ConnectionAbortedError("stopped by the user")
        _keep_alive(sock)

    def hang_up(self) -> None:
        with self._lock:
            self.cut = True
            if self._socket is not None:
                # Only a shutdown wakes the thread that reads; a close would wait for it.
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)


def _keep_alive(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 4)):
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


class _Adapter(HTTPAdapter):
    """Tells a `_Line` of the connection that requests makes."""

    def __init__(self, line: _Line) -> None:
        super().__init__(max_retries=0)
        self._line = line

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        line, plain = self._line, pool.ConnectionCls

        class Connection(plain):  # type: ignore[misc, valid-type]
            def connect(self) -> None:
                super().connect()
                line.connected(self.sock)

        pool.ConnectionCls = Connection
        return pool


class Stream:
    """A reply on its way: one thread reads and decodes, the caller waits with a deadline.

    Errors that the thread meets are raised from `wait`. Closing it ends the generation.
    """

    def __init__(self, client: Client, body: Mapping[str, Any], optional: Sequence[str]) -> None:
        self._client = client
        self._body = {key: value for key, value in body.items() if key not in client.refused}
        self._optional = [name for name in optional if name in self._body]
        self._line = _Line()
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
            self._deltas.put(error)
        finally:
            # Whatever happens here, nobody waits for ever.
            self._deltas.put(None)

    def _ask(self) -> None:
        """Ask, and once more for each field that the server names and nobody has set."""
        while True:
            try:
                with self._client._session() as session, _our_errors(self._client.address):
                    self._exchange(session)
                return
            except (ServerError, DroppedError) as error:
                if self._clock.first_token is not None or self._line.cut:
                    raise
                field = self._unwanted_field(error)
                if not field:
                    raise
                self._leave_out(field)

    def _unwanted_field(self, error: LlmchatError) -> str:
        if isinstance(error, ServerError):
            return names_field(error, self._optional)
        # mlx_lm validates in a way that ends the connection instead of answering.
        unlimited = self._body.get("max_tokens") == -1 and "max_tokens" in self._optional
        silent = isinstance(error, DroppedError) and error.silent
        return "max_tokens" if silent and unlimited else ""

    def _leave_out(self, field: str) -> None:
        value = json.dumps(self._body.pop(field))
        self._optional.remove(field)
        self._client.refused.add(field)
        told = f"The server does not take {field} ({value}); asked again without it."
        self._deltas.put([Notice(told)])

    def _exchange(self, session: requests.Session) -> None:
        adapter = _Adapter(self._line)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        self._clock = Stopwatch()
        response = session.post(
            self._client.address.url(CHAT_PATH),
            data=encode(self._body),
            headers={
                "Content-Type": "application/json",
                "Accept": "text/event-stream",
                "Accept-Encoding": "identity",
                "Connection": "close",
            },
            timeout=(CONNECT_TIMEOUT, None),
            stream=True,
            allow_redirects=False,
        )
        with response:
            if response.status_code != 200:
                text = response.raw.read(_LONGEST_ERROR).decode("utf-8", "replace")
                raise refusal(response.status_code, text, response.headers.get("Location", ""))
            if "json" in response.headers.get("Content-Type", ""):
                self._read_whole(response)
            else:
                self._read_stream(response)
        self._deltas.put([self._clock.timings()])

    def _read_stream(self, response: requests.Response) -> None:
        reader = ReplyReader()
        try:
            while not reader.done and (data := response.raw.read1(_PIECE, decode_content=True)):
                self._pass_on(reader.feed(data))
        finally:
            # Also what was held back when the connection broke.
            self._pass_on(reader.finish())
        reader.check_end()

    def _read_whole(self, response: requests.Response) -> None:
        """A completion, or an error with status 200: LM Studio says so to a path it does not know."""
        text = response.raw.read().decode("utf-8", "replace")
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            data = None
        if not isinstance(data, dict) or "choices" not in data:
            raise refusal(200, text)
        reader = ReplyReader()
        self._pass_on(reader.completion(data))
        reader.check_end()

    def _pass_on(self, deltas: list[Delta]) -> None:
        if deltas:
            for delta in deltas:
                self._clock.note(delta)
            self._deltas.put(deltas)


@contextlib.contextmanager
def _our_errors(address: Address) -> Iterator[None]:
    """Turn what requests and urllib3 raise into ours; the only place that does."""
    try:
        yield
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
        raise UsageError(f"{address} is no address to send to.", "See `/server URL`.") from error
    except requests.exceptions.InvalidHeader as error:
        raise UsageError(
            "The key has a character that cannot be sent.", "Set LLMCHAT_API_KEY anew."
        ) from error
    except requests.exceptions.SSLError as error:
        hint = "Is it a plain http server? Then write http:// before the address."
        raise UnreachableError(f"{address} gives no trusted TLS: {_cause(error)}.", hint) from error
    except requests.exceptions.ConnectTimeout as error:
        raise UnreachableError(
            f"{address} did not answer within {CONNECT_TIMEOUT:g} seconds.", _UNREACHABLE_HINT
        ) from error
    except (requests.exceptions.ConnectionError, urllib3.exceptions.HTTPError, OSError) as error:
        raise _connection_error(address, error) from error


_UNREACHABLE_HINT = "Start the server, or take another: `/server URL`, `/server demo` for the practice model."


def _connection_error(address: Address, error: Exception) -> TransportError:
    unsent = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.NameResolutionError)
    reason = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(reason, unsent):
        return UnreachableError(f"No server answers at {address}.", _UNREACHABLE_HINT)
    return DroppedError(
        f"The connection to {address} broke: {_cause(error)}.",
        "The server may have stopped; its log may say more.",
        # Before the headers the error is requests' own; in the body urllib3's, since we read it raw.
        silent=isinstance(error, requests.exceptions.ConnectionError),
    )


def _cause(error: BaseException) -> str:
    """The innermost reason, without the names of Python objects around it."""
    while True:
        inner = getattr(error, "reason", None) or (error.args[-1] if error.args else None)
        if not isinstance(inner, BaseException):
            break
        error = inner
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return text.rstrip(".")
