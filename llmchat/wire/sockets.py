"""The socket of a request, so that another thread can hang up, even before any answer."""

import contextlib
import socket
import threading


class Line:
    """A request's line to its server; it may be hung up before there is one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._hung_up = threading.Event()
        self.cut = False

    def connected(self, sock: socket.socket) -> None:
        """Take this socket; raises ConnectionAbortedError when the line is cut already."""
        with self._lock:
            self._socket = sock
            if self.cut:
                raise ConnectionAbortedError("stopped by the user")
        _keep_alive(sock)

    def hang_up(self) -> None:
        """Cut the line, and wake whoever reads from it or waits."""
        with self._lock:
            self.cut = True
            self._hung_up.set()
            if self._socket is not None:
                # Only a shutdown wakes the thread that reads; a close would wait for it.
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)

    def wait(self, seconds: float) -> None:
        """Let this time pass, unless somebody hangs up."""
        self._hung_up.wait(seconds)


def _keep_alive(sock: socket.socket) -> None:
    """Notice a dead peer within about a minute: there is no time-out that would."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 4)):
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
