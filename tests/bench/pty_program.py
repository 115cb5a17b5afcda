"""The program in a bare pty, for timing: no terminal is drawn, only bytes are waited for."""

import os
import pty
import select
import signal
import sys
import tempfile
from types import TracebackType
from typing import Self

PROMPT = b"m>"
"""How the prompt's sign looks in the output: after a colour sequence."""

_CURSOR_QUESTION, _CURSOR_ANSWER = b"\x1b[6n", b"\x1b[1;1R"


class PtyProgram:
    """llmchat with these arguments, killed at the end."""

    def __init__(self, *arguments: str) -> None:
        self._home = tempfile.TemporaryDirectory()
        self._pid, self._master = pty.fork()
        if self._pid == 0:
            os.environ.update(LLMCHAT_HOME=self._home.name, TERM="xterm-256color")
            os.execv(sys.executable, [sys.executable, "-m", "llmchat", *arguments])

    def write(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._master, keys)

    def read_until(self, wanted: bytes) -> None:
        """Read until these bytes have come."""
        seen = b""
        while wanted not in seen:
            if not select.select([self._master], [], [], 30)[0]:
                raise TimeoutError(seen)
            piece = os.read(self._master, 65536)
            if _CURSOR_QUESTION in piece:
                self.write(_CURSOR_ANSWER)
            seen += piece

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._master)
        self._home.cleanup()
