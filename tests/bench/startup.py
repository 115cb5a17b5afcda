"""From start to a usable prompt, as a ratio to importing prompt_toolkit: `python -m tests.bench.startup`.

Both run in a pty and alternate, so that a busy machine slows both. A usable prompt is one that has
taken a key: `x` is typed when the sign appears, and the clock stops when its echo comes.
"""

import os
import pty
import select
import signal
import statistics
import subprocess
import sys
import tempfile
import time

BASELINE = [sys.executable, "-c", "import prompt_toolkit"]
PROGRAM = [sys.executable, "-m", "llmchat", "-u", "127.0.0.1:9"]


def seconds_to_prompt() -> tuple[float, float]:
    """Seconds from start to the prompt's sign, and to the echo of a key typed then."""
    with tempfile.TemporaryDirectory() as home:
        start = time.perf_counter()
        pid, master = pty.fork()
        if pid == 0:
            os.environ.update(LLMCHAT_HOME=home, TERM="xterm-256color")
            os.execv(PROGRAM[0], PROGRAM)
        _read_until(master, b"m>")
        shown = time.perf_counter() - start
        os.write(master, b"x")
        _read_until(master, b"x")
        usable = time.perf_counter() - start
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(master)
        return shown, usable


def _read_until(master: int, wanted: bytes) -> None:
    seen = b""
    while wanted not in seen:
        if not select.select([master], [], [], 30)[0]:
            raise TimeoutError(seen)
        piece = os.read(master, 65536)
        if b"\x1b[6n" in piece:
            os.write(master, b"\x1b[1;1R")  # a terminal tells where its cursor is
        seen += piece


def seconds_to_import() -> float:
    """Seconds that the baseline takes."""
    start = time.perf_counter()
    subprocess.run(BASELINE, check=True)
    return time.perf_counter() - start


def main(runs: int = 21) -> None:
    """Print medians and the median of the ratios pair by pair."""
    seconds_to_prompt()
    seconds_to_import()
    pairs = [(seconds_to_import(), *seconds_to_prompt()) for _ in range(runs)]
    for name, column in (("import prompt_toolkit", 0), ("prompt shown", 1), ("key echoed", 2)):
        times = [pair[column] * 1000 for pair in pairs]
        ratios = [pair[column] / pair[0] for pair in pairs]
        print(f"{name:22} {statistics.median(times):6.0f} ms   ratio {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
