"""llama.cpp in a child process: a model file in, a base URL out.

The child runs `python -m llmchat.engine FILE`. It ends when its standard input does: the pipe is
closed by whatever ends the parent, `kill -9` included.
"""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

from llmchat.errors import EngineError

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


def start_practice() -> Engine:
    """Start the practice model that comes with llmchat; raises EngineError."""
    from importlib.resources import as_file, files

    with as_file(files("llmchat.practice") / "practice.gguf") as path:
        return start(path, context=_CONTEXT_OF_PRACTICE * SLOTS)


def start(model: Path, *, context: int = 0) -> Engine:
    """Start llama.cpp on a GGUF file and wait until it is healthy; raises EngineError.

    `context` is the number of tokens that all slots share; 0 takes the model's own for each.
    """
    from importlib.util import find_spec

    if find_spec("xllamacpp") is None:
        raise EngineError(
            "Running a model here needs the package xllamacpp.",
            "In llmchat's folder: pip install '.[local]'.",
        )
    if not model.is_file():
        raise EngineError(f"There is no model file {str(model)!r}.", "It is a file ending in .gguf.")
    process = subprocess.Popen(
        [sys.executable, "-m", "llmchat.engine", str(model), str(context)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        # A session of its own: Ctrl-C in the terminal is for the reply, not for the server.
        start_new_session=True,
    )
    url, log = _wait_until_healthy(process)
    if not url:
        process.kill()
        process.wait()
        reason = next((line for line in reversed(log) if "error" in line.lower()), "")
        raise EngineError(
            f"llama.cpp could not load {model.name}. {reason.strip()}".strip(),
            "Is it a GGUF model, and is there enough memory?",
        )
    return Engine(process, url)


def _wait_until_healthy(process: "subprocess.Popen[str]") -> tuple[str, list[str]]:
    """The child's URL, "" if it did not come; and what the child has written to its log."""
    assert process.stdout
    assert process.stderr
    log: list[str] = []
    url: list[str] = []
    threading.Thread(target=_keep_last, args=(process.stderr, log), daemon=True).start()
    reader = threading.Thread(target=_read_url, args=(process.stdout, url), daemon=True)
    reader.start()
    reader.join(START_TIMEOUT)
    return (url[0] if url else ""), log


def _read_url(out: IO[str], url: list[str]) -> None:
    for line in out:
        if line.startswith(_HEALTHY):
            url.append(line.removeprefix(_HEALTHY).strip())
            break


def _keep_last(err: IO[str], log: list[str], lines: int = 200) -> None:
    """Drain the child's log, so that it never blocks, and keep the end of it."""
    for line in err:
        log.append(line)
        del log[:-lines]


def _serve(model: str, context: int) -> None:
    """In the child: serve until standard input ends."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = model
    params.n_parallel = SLOTS
    params.n_ctx = context
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.ui = False
    server = xllamacpp.Server(params)
    print(_HEALTHY + server.listening_address, flush=True)
    sys.stdin.read()
    # The server's threads would be waited for; nothing of theirs is worth keeping.
    os._exit(0)


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]))
