"""The line to a server: a dead peer is noticed, and hanging up ends every wait."""

import socket
import threading
from collections.abc import Iterator

import pytest

from llmchat.wire.sockets import Line


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        here = socket.create_connection(listener.getsockname())
        there, _ = listener.accept()
    with here, there:
        yield here, there


def test_the_system_looks_whether_the_peer_still_lives(pair: tuple[socket.socket, socket.socket]) -> None:
    Line().connected(pair[0])
    assert pair[0].getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert pair[0].gettimeout() is None
    if hasattr(socket, "TCP_KEEPIDLE"):
        assert pair[0].getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 30


def test_hanging_up_wakes_who_reads_and_who_waits(pair: tuple[socket.socket, socket.socket]) -> None:
    line = Line()
    line.connected(pair[0])
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pair[0].recv(1)))
    waiter = threading.Thread(target=line.wait, args=(600,))
    for thread in (reader, waiter):
        thread.start()
    line.hang_up()
    for thread in (reader, waiter):
        thread.join(20)
        assert not thread.is_alive()
    assert (read, pair[1].recv(1)) == ([b""], b"")


def test_a_line_that_was_cut_takes_no_connection(pair: tuple[socket.socket, socket.socket]) -> None:
    line = Line()
    line.hang_up()
    with pytest.raises(ConnectionAbortedError):
        line.connected(pair[0])
