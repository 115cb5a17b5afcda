"""The user's own shell: it runs a line that the user typed, and nothing else; its output is read here."""

import codecs
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

from llmchat.errors import UsageError
from llmchat.interruptions import APART

KEPT = 500_000
"""Characters of an output that are kept: the last ones."""

_PIECE = 65_536


class Running:
    """A shell line that runs: iterate over it for its output as it comes, standard error included.

    It is a process group of its own without a terminal, so that `stop` reaches all of it. `output` is
    what came, or the end of it; `status` its exit code (negative: a signal), None while it runs.
    `stopped` says whether it was interrupted.
    """

    def __init__(self, line: str) -> None:
        shell = os.environ.get("SHELL") or "/bin/sh"
        command = line if sys.platform == "win32" else [shell, "-c", line]
        try:
            self._process = subprocess.Popen(
                command,
                shell=sys.platform == "win32",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                **APART,
            )
        except OSError as error:
            raise UsageError(f"The shell {shell} does not start: {error.strerror}.") from error
        self.stopped = False
        self.output = ""

    @property
    def status(self) -> int | None:
        return self._process.returncode

    def __iter__(self) -> Iterator[str]:
        assert self._process.stdout
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        with self._process.stdout as pipe:
            while data := os.read(pipe.fileno(), _PIECE):
                if text := decoder.decode(data):
                    self.output = (self.output + text)[-KEPT:]
                    yield text
        self._process.wait()

    def stop(self) -> None:
        """Interrupt it as Ctrl-C would, the second time for good; safe in a signal handler."""
        again, self.stopped = self.stopped, True
        if sys.platform == "win32":
            if again:
                subprocess.Popen(["taskkill", "/T", "/F", "/PID", str(self._process.pid)])
            else:
                self._process.send_signal(signal.CTRL_BREAK_EVENT)
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL if again else signal.SIGINT)
