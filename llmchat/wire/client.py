"""The only file that knows requests: one server's door.

What of requests and urllib3 is used, and why:
- `raw.read1` gives a token when it has arrived, on chunked and on close-delimited responses;
  `iter_lines` and `iter_content` hold it back on one kind or the other.
- A streaming request says `Connection: close`: llama.cpp closes after every stream while it
  promises to keep the connection, so that one request in ten on a kept one would fail.
- No read time-out: a local model may think for minutes. TCP keep-alive notices a dead peer.
- `trust_env` is off near home: proxies would catch loopback, and netrc would overwrite the key.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from http.client import IncompleteRead
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from llmchat.errors import (
    DroppedError,
    LlmchatError,
    TransportError,
    UnreachableError,
    UntrustedError,
    UsageError,
)
from llmchat.wire.address import Address
from llmchat.wire.log import Exchange, Log
from llmchat.wire.pages import Answer
from llmchat.wire.protocol import CHAT_PATH, encode
from llmchat.wire.sockets import Line
from llmchat.wire.stream import Stream

CONNECT_TIMEOUT = 4.0
"""Seconds; a server that is there accepts at once, however busy its model is."""

_PIECE = 65536
_LONGEST_PAGE = 16 * 1024 * 1024
"""Bytes; more of a page is not read."""

_PAGE_HEADERS = {"Content-Type": "application/json", "Connection": "close"}
_STREAM_HEADERS = {
    "Content-Type": "application/json",
    "Accept": "text/event-stream",
    "Accept-Encoding": "identity",
    "Connection": "close",
}


class Client:
    """One server. `key` is sent to it as a bearer token, and to no other server.

    `headers` go with every request. `ca_file` is the authority that signs its certificate, "" for
    those that the system trusts.

    What the server has refused is remembered: `refused` holds the fields that are left out since,
    `told_left_out` the parameters of which the user has been told that they are never sent,
    `told_unseen` the models, each with an image, of which the user has been told that they do not see it.
    """

    def __init__(
        self,
        address: Address,
        key: str = "",
        headers: Mapping[str, str] | None = None,
        ca_file: str = "",
        log: Log | None = None,
    ) -> None:
        self.address = address
        self.key = key
        self.verify: str | None = ca_file or None
        self._headers = dict(headers or {})
        self._log = log or Log()
        self._log.hide(key, *self._headers.values())
        self.refused: set[str] = set()
        self.told_left_out: set[str] = set()
        self.told_unseen: set[tuple[str, str]] = set()

    def get(self, path: str, timeout: float = 3.0) -> Answer | None:
        """What the server says to a GET; None when no answer came within `timeout` seconds."""
        with contextlib.suppress(LlmchatError):
            return self.ask(path, timeout=timeout)
        return None

    def post(
        self, path: str, body: Mapping[str, Any], timeout: float = 3.0, line: Line | None = None
    ) -> Answer | None:
        """What the server says to a POST of JSON; None when no answer came within `timeout` seconds.

        Another thread may hang up the `line` that it goes over.
        """
        with contextlib.suppress(LlmchatError):
            return self.ask(path, body, timeout, line)
        return None

    def ask(
        self,
        path: str,
        body: Mapping[str, Any] | None = None,
        timeout: float = 3.0,
        line: Line | None = None,
    ) -> Answer:
        """What the server says to a GET, or to a POST of this body; raises TransportError, UsageError."""
        patience = (min(timeout, CONNECT_TIMEOUT), timeout)
        with self._request(path, body, _PAGE_HEADERS, patience, line or Line()) as response:
            page = response.page()
        return Answer(response.status, response.headers, page.decode("utf-8", "replace"))

    def chat(self, body: Mapping[str, Any], optional: Sequence[str] = (), *, known: bool = False) -> Stream:
        """Send a chat request.

        `optional` are the fields that may be left out if it is refused; `known` says whether the
        server has answered before, so that one that is gone may come back.
        """
        return Stream(self, body, optional, known)

    def send(self, body: Mapping[str, Any], line: Line) -> AbstractContextManager["Response"]:
        """Send a chat request over this line and hold it for a block; raises TransportError, UsageError."""
        return self._request(CHAT_PATH, body, _STREAM_HEADERS, (CONNECT_TIMEOUT, None), line)

    @contextlib.contextmanager
    def _request(
        self,
        path: str,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str],
        patience: tuple[float, float | None],
        line: Line,
    ) -> Iterator["Response"]:
        """A GET, or a POST of this body; `patience` is for the connection, and for each piece that comes."""
        with (
            _our_errors(self.address),
            self._log.exchange() as exchange,
            self._session(exchange, line) as session,
            session.request(
                "GET" if body is None else "POST",
                self.address.url(path),
                data=None if body is None else encode(body),
                headers=headers,
                timeout=patience,
                stream=True,
                allow_redirects=False,
                verify=self.verify,
            ) as response,
        ):
            yield Response(self.address, response, exchange)

    def _session(self, exchange: Exchange, line: Line) -> requests.Session:
        session = requests.Session()
        session.mount("http://", _Adapter(exchange, line))
        session.mount("https://", _Adapter(exchange, line))
        session.trust_env = not self.address.near
        session.auth = self._authorize
        session.headers.update(self._headers)
        return session

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        # A callable, because a netrc entry overwrites a header that was only set.
        if self.key:
            request.headers["Authorization"] = f"Bearer {self.key}"
        return request


class Response:
    """An answer whose body is still coming; `headers` are by lower-case name."""

    def __init__(self, address: Address, response: requests.Response, exchange: Exchange) -> None:
        self._address = address
        self._exchange = exchange
        self.status = response.status_code
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}
        self._raw = response.raw

    def read(self) -> bytes:
        """What has come, waiting for a first byte; b"" at the end. Raises TransportError."""
        with _our_errors(self._address):
            data: bytes = self._raw.read1(_PIECE, decode_content=True)
        self._exchange.piece(data)
        return data

    def page(self) -> bytes:
        """All that comes, as far as a page is read. Raises TransportError."""
        with _our_errors(self._address):
            data: bytes = self._raw.read(_LONGEST_PAGE, decode_content=True)
        self._exchange.piece(data)
        return data


class _Adapter(HTTPAdapter):
    """Tells a `Line` of the connection that requests makes, and the log of what goes over it."""

    def __init__(self, exchange: Exchange, line: Line) -> None:
        super().__init__(max_retries=0)
        self._exchange = exchange
        self._line = line

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        self._exchange.request(str(request.method), str(request.url), request.headers, request.body)
        response = super().send(request, *args, **kwargs)
        self._exchange.answer(response.status_code, response.headers)
        return response

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        line, plain = self._line, pool.ConnectionCls

        class Connection(plain):  # type: ignore[misc, valid-type]
            def connect(self) -> None:
                super().connect()
                line.connected(self.sock)

        pool.ConnectionCls = Connection
        return pool


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
        hint = (
            "Is it a plain http server? Then write http:// before the address. A CA of your own: "
            "ca_file in a [servers.NAME] of the settings file."
        )
        raise UntrustedError(f"{address} gives no trusted TLS: {_innermost(error)}.", hint) from error
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
        refused = isinstance(reason.__cause__, ConnectionRefusedError)
        return UnreachableError(f"No server answers at {address}.", _UNREACHABLE_HINT, refused=refused)
    cause = _innermost(error)
    text = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    if isinstance(cause, IncompleteRead):
        text = "it ended in the middle of the answer"
    # Before the headers the error is requests' own; in the body urllib3's, since we read it raw.
    unanswered = isinstance(error, requests.exceptions.ConnectionError) and isinstance(cause, ConnectionError)
    return DroppedError(
        f"The connection to {address} broke: {text.rstrip('.')}.",
        "The server may have stopped; its log may say more.",
        silent=unanswered,
    )


def _innermost(error: BaseException) -> BaseException:
    """The reason below what requests and urllib3 have put around it."""
    while True:
        inner = getattr(error, "reason", None) or (error.args[-1] if error.args else None)
        if not isinstance(inner, BaseException):
            return error
        error = inner
