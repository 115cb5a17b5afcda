"""How much later than a bare socket client the screen has a reply's first token.

`python -m tests.bench.first_token`: a scripted server sends one token at a time that it notes; a
client that only reads its socket, and the program in a pty, take turns.
"""

import socket
import statistics
import time

from tests.bench.pty_program import PROMPT, PtyProgram
from tests.scripted import Reply, ScriptedServer, chunk, serving, sse

TOKEN = "Zebra"
_PAUSE = 0.2
"""Seconds between the request and the token, so that every client is waiting when it comes."""

REPLY = Reply([_PAUSE, *sse(chunk(TOKEN), done=False), 0.05, *sse(chunk(finish="stop"))])


def with_socket(server: ScriptedServer) -> float:
    """When a bare client that has sent a request has the token (seconds of the clock)."""
    with socket.create_connection(("127.0.0.1", server.port)) as sock:
        sock.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")
        sent = time.perf_counter()
        seen = b""
        while TOKEN.encode() not in seen:
            seen += sock.recv(65536)
        return time.perf_counter() - sent - _PAUSE


def with_program(server: ScriptedServer, program: PtyProgram) -> float:
    """When the program's output has the token (seconds after the server sent it)."""
    asked = len(server.requests)
    program.write(b"hi\r")
    while len(server.requests) == asked:
        time.sleep(0.0005)
    sent = time.perf_counter()
    program.read_until(TOKEN.encode())
    shown = time.perf_counter() - sent - _PAUSE
    program.read_until(PROMPT)
    return shown


def main(runs: int = 40) -> None:
    """Print the medians and the difference."""
    for flavour in (True, False):
        with serving(chunked=flavour) as server, PtyProgram("-u", server.url) as program:
            server.will(REPLY)
            program.read_until(PROMPT)
            with_program(server, program)
            pairs = [(with_socket(server), with_program(server, program)) for _ in range(runs)]
        later = sorted(shown - read for read, shown in pairs)
        name = "chunked" if flavour else "close-delimited"
        p90 = later[int(0.9 * len(later))]
        print(f"{name:16} later by p50 {statistics.median(later) * 1000:.1f} ms, p90 {p90 * 1000:.1f} ms")


if __name__ == "__main__":
    main()
