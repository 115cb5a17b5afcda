"""A chat server that does what a test tells it, on a real socket, in both flavours.

`chunked` answers like llama.cpp (HTTP/1.1, chunked); otherwise like mlx_lm and KoboldCpp (HTTP/1.0,
the body ends when the connection does).
"""

import contextlib
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from llmchat.wire.servers import KINDS

Json = dict[str, Any]

_COUNTS = {kind.counts for kind in KINDS}
"""Where the kinds of server that count prompts are asked to."""


def chunk(content: str | None = None, *, index: int = 0, finish: str | None = None, **delta: Any) -> Json:
    """One streaming chunk with a delta for one choice."""
    if content is not None:
        delta["content"] = content
    return {"choices": [{"index": index, "delta": delta, "finish_reason": finish}]}


def usage(prompt: int, completion: int, **rest: Any) -> Json:
    """The extra chunk that carries the token counts."""
    return {"choices": [], "usage": {"prompt_tokens": prompt, "completion_tokens": completion, **rest}}


def sse(*events: Json | str, done: bool = True) -> list[bytes]:
    """The events as server-sent ones, each a piece of its own; `[DONE]` last."""
    texts = [event if isinstance(event, str) else json.dumps(event) for event in events]
    return [f"data: {text}\n\n".encode() for text in [*texts, *(["[DONE]"] if done else [])]]


def answer(*words: str) -> list[bytes]:
    """A whole reply, one chunk a word."""
    return sse(chunk(role="assistant"), *map(chunk, words), chunk(finish="stop"), usage(7, len(words)))


@dataclass
class Reply:
    """What to answer: pieces of a body, with pauses (seconds, as floats) and calls between them.

    `cut` ends the connection without a proper end of the body; `hold` waits for the client to
    hang up before it ends; `wait` is the time in seconds before the headers. A status of 0 ends the
    connection without any answer. `bare` sends the body without a head, `reset` ends with a RST.
    """

    body: Iterable[bytes | float | Callable[[], None]] = ()
    status: int = 200
    type: str = "text/event-stream"
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    hold: bool = False
    wait: float = 0.0
    bare: bool = False
    reset: bool = False


def refuse(status: int, body: Json | str) -> Reply:
    """An error with this body: JSON, or text as it is."""
    text = body if isinstance(body, str) else json.dumps(body)
    return Reply([text.encode()], status, "text/plain" if isinstance(body, str) else "application/json")


@dataclass
class Request:
    """A request that has come; `hung_up` is set when the client has ended the connection early."""

    method: str
    path: str
    headers: dict[str, str]
    body: Json
    hung_up: threading.Event = field(default_factory=threading.Event)


Said = Reply | Callable[[Request], Reply]
"""What is answered, or what makes it of the request."""


class ScriptedServer:
    """Answers chats from `script`, in order (the last one for ever), and all else from `pages`.

    It counts no prompts unless a page says how; what asks it to is none of its `requests`.
    """

    def __init__(self, *, chunked: bool = True, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.chunked = chunked
        self._tls = tls
        self.script: list[Reply | Callable[[Request], Reply]] = []
        self.pages: dict[str, Reply | Callable[[Request], Reply]] = {
            "/v1/models": models("qwen2.5-coder-3b-instruct")
        }
        self.requests: list[Request] = []
        self.others: list[Request] = []
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def will(self, *replies: "Reply | list[bytes] | Callable[[Request], Reply]") -> "ScriptedServer":
        """Answer the next chats like this."""
        self.script += [Reply(reply) if isinstance(reply, list) else reply for reply in replies]
        return self

    def leave(self) -> None:
        """Take no more connections; those that are open stay."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # or the thread that accepts would take one more
        self._listener.close()

    def close(self) -> None:
        self.leave()
        for sock in list(self._open):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self._open.add(sock)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with sock, contextlib.suppress(OSError), self._secured(sock) as line:
            request = _read_request(line)
            if request:
                reply = self._choose(request)
                if reply.status:
                    self._send(line, request, reply)
        self._open.discard(sock)

    def _secured(self, sock: socket.socket) -> socket.socket:
        return self._tls.wrap_socket(sock, server_side=True) if self._tls else sock

    def _choose(self, request: Request) -> Reply:
        if request.method == "GET" or request.path in self.pages or request.path in _COUNTS:
            self.others.append(request)
            missing = refuse(404, {"error": {"message": "File Not Found"}})
            return _said(self.pages.get(request.path, missing), request)
        self.requests.append(request)
        return _said(self.script.pop(0) if len(self.script) > 1 else self.script[0], request)

    def _send(self, sock: socket.socket, request: Request, reply: Reply) -> None:
        if reply.wait and _hung_up(sock, reply.wait):
            request.hung_up.set()
            return
        if not reply.bare:
            sock.sendall(self._head(reply))
        framed = self.chunked and not reply.bare
        for piece in reply.body:
            if isinstance(piece, float):
                if _hung_up(sock, piece):
                    request.hung_up.set()
                    return
            elif callable(piece):
                piece()
            else:
                sock.sendall(b"%x\r\n%s\r\n" % (len(piece), piece) if framed else piece)
        if reply.hold and _hung_up(sock, 20.0):
            request.hung_up.set()
        elif reply.reset:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif framed and not reply.cut:
            sock.sendall(b"0\r\n\r\n")

    def _head(self, reply: Reply) -> bytes:
        fields = {"Content-Type": reply.type, **reply.headers}
        if self.chunked:
            fields["Transfer-Encoding"] = "chunked"
        version = "1.1" if self.chunked else "1.0"
        lines = [
            f"HTTP/{version} {reply.status} Said",
            *(f"{name}: {value}" for name, value in fields.items()),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _said(reply: Said, request: Request) -> Reply:
    return reply(request) if callable(reply) else reply


def models(*ids: str, **fields: Any) -> Reply:
    """A model list."""
    data = [{"id": id, "object": "model", **fields} for id in ids]
    return page({"object": "list", "data": data})


def page(body: Json | list[Any], **headers: str) -> Reply:
    """A JSON page."""
    return Reply([json.dumps(body).encode()], type="application/json", headers=headers)


def _read_request(sock: socket.socket) -> Request | None:
    with sock.makefile("rb") as file:
        first = file.readline().decode().split()
        if len(first) != 3:
            return None
        headers = {}
        while line := file.readline().decode().strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = file.read(int(headers.get("content-length", 0)))
        return Request(first[0], first[1], headers, json.loads(body) if body else {})


def _hung_up(sock: socket.socket, seconds: float) -> bool:
    """Whether the client ends the connection within this time."""
    end = time.monotonic() + seconds
    sock.settimeout(max(0.001, seconds))
    try:
        while time.monotonic() < end:
            if not sock.recv(1024):
                return True
    except TimeoutError:
        return False
    except OSError:
        return True
    finally:
        sock.settimeout(None)
    return False


@contextlib.contextmanager
def serving(
    *, chunked: bool = True, port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[ScriptedServer]:
    """A scripted server while the block runs, on this port if one is given."""
    server = ScriptedServer(chunked=chunked, port=port, tls=tls)
    try:
        yield server
    finally:
        server.close()
