"""llama.cpp in a child process: a model file in, a base URL out.

The child runs `python -m llmchat.local.engine FILE`. It ends when its standard input does: the pipe is
closed by whatever ends the parent, `kill -9` included.
"""

import os
import queue
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from typing import IO

from llmchat.errors import EngineError
from llmchat.interruptions import APART

SLOTS = 4
"""Requests that are answered at the same time."""

START_TIMEOUT = 120.0
"""Seconds; a model of many gigabytes on a slow disk takes its time."""

_CONTEXT_OF_PRACTICE = 2048
_HEALTHY = "llmchat engine at "


class Engine:
    """A running llama.cpp server; `url` is its base URL on a free loopback port."""

    def __init__(self, process: "subprocess.Popen[str]", url: str) -> None:
        self._process = process
        self.url = url

    def close(self) -> None:
        """End the child."""
        assert self._process.stdin
        self._process.stdin.close()
        try:
            self._process.wait(timeout=3)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def check_installed() -> None:
    """Raise EngineError when llama.cpp is not installed."""
    from importlib.util import find_spec

    if find_spec("xllamacpp") is None:
        raise EngineError(
            "Running a model here needs the package xllamacpp.",
            "In llmchat's folder: pip install '.[local]'.",
        )


def start_practice() -> Engine:
    """Start the practice model that comes with llmchat; raises EngineError."""
    from importlib.resources import as_file, files

    with as_file(files("llmchat.practice") / "practice.gguf") as path:
        # So small a model is no faster on several threads, and waits for them when the machine is busy.
        return start(path, context=_CONTEXT_OF_PRACTICE * SLOTS, threads=1)


def start(model: Path, *, context: int = 0, threads: int = 0) -> Engine:
    """Start llama.cpp on a GGUF file and wait until it is healthy; raises EngineError.

    `context` is the number of tokens that all slots share, `threads` those that compute; 0 leaves
    either to llama.cpp.
    """
    check_installed()
    if not model.is_file():
        raise EngineError(f"There is no model file {str(model)!r}.", "It is a file ending in .gguf.")
    process = subprocess.Popen(
        [sys.executable, "-m", "llmchat.local.engine", str(model), str(context), str(threads)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        # Ctrl-C in the terminal is for the reply, not for the server.
        **APART,
    )
    output = _Output(process)
    url = output.url(START_TIMEOUT)
    running = Engine(process, url)
    if not url:
        process.kill()
        running.close()
        output.wait()
        raise EngineError(
            f"llama.cpp could not load {model.name}. {output.error}".strip(),
            "Is it a GGUF model, and is there enough memory?",
        )
    return running


class _Output:
    """What the child writes, read in threads to its end so that it never blocks."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._urls: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._log: deque[str] = deque(maxlen=200)
        self._threads = [
            threading.Thread(target=read, args=(pipe,), daemon=True)
            for read, pipe in ((self._read_urls, process.stdout), (self._read_log, process.stderr))
        ]
        for thread in self._threads:
            thread.start()

    def url(self, timeout: float) -> str:
        """The server's URL once it is healthy; "" when the child has ended or the time is over."""
        try:
            return self._urls.get(timeout=timeout)
        except queue.Empty:
            return ""

    def wait(self) -> None:
        """Wait until the child has written its last."""
        for thread in self._threads:
            thread.join()

    @property
    def error(self) -> str:
        """The last line of the log that speaks of an error; "" when none does."""
        return next((line.strip() for line in reversed(self._log) if "error" in line.lower()), "")

    def _read_urls(self, pipe: IO[str]) -> None:
        with pipe:
            for line in pipe:
                if line.startswith(_HEALTHY):
                    self._urls.put(line.removeprefix(_HEALTHY).strip())
        self._urls.put("")

    def _read_log(self, pipe: IO[str]) -> None:
        with pipe:
            self._log.extend(pipe)


def _serve(model: str, context: int, threads: int) -> None:
    """In the child: serve until standard input ends."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = model
    params.model_alias = {Path(model).stem}
    params.n_parallel = SLOTS
    params.n_ctx = context
    if threads:
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.ui = False
    server = xllamacpp.Server(params)
    print(_HEALTHY + server.listening_address, flush=True)
    sys.stdin.read()
    # The server's threads would be waited for; nothing of theirs is worth keeping.
    os._exit(0)


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
