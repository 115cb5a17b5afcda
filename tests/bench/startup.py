"""From start to a usable prompt, as a ratio to importing prompt_toolkit: `python -m tests.bench.startup`.

The two alternate, so that a busy machine slows both. A usable prompt is one that has taken a key:
`x` is typed when the sign appears, and the clock stops when its echo comes. With `--black-holes`
the server is the default one, and whoever connects to any port where servers are known to listen
is never answered.
"""

import contextlib
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

from llmchat.wire.servers import LOCAL_PORTS
from tests.bench.pty_program import PROMPT, PtyProgram

BASELINE = [sys.executable, "-c", "import prompt_toolkit"]


def seconds_to_import() -> float:
    """Seconds that the baseline takes."""
    start = time.perf_counter()
    subprocess.run(BASELINE, check=True)
    return time.perf_counter() - start


@contextlib.contextmanager
def black_holes() -> Iterator[None]:
    """Listen on every known port that is free, and never accept."""
    with contextlib.ExitStack() as stack:
        for port in LOCAL_PORTS:
            for host in ("127.0.0.1", "::1"):
                family = socket.AF_INET6 if ":" in host else socket.AF_INET
                with contextlib.suppress(OSError):
                    stack.enter_context(socket.create_server((host, port), family=family))
        yield


def seconds_to_prompt(*flags: str) -> tuple[float, float]:
    """Seconds from start to the prompt's sign, and to the echo of a key typed then."""
    start = time.perf_counter()
    with PtyProgram(*flags) as program:
        program.read_until(PROMPT)
        shown = time.perf_counter() - start
        program.write(b"x")
        program.read_until(b"x")
        return shown, time.perf_counter() - start


def main(*flags: str, runs: int = 21) -> None:
    """Print medians and the median of the ratios pair by pair."""
    seconds_to_import()
    seconds_to_prompt(*flags)
    pairs = [(seconds_to_import(), *seconds_to_prompt(*flags)) for _ in range(runs)]
    for name, column in (("import prompt_toolkit", 0), ("prompt shown", 1), ("key echoed", 2)):
        times = [pair[column] * 1000 for pair in pairs]
        ratios = [pair[column] / pair[0] for pair in pairs]
        print(f"{name:22} {statistics.median(times):6.0f} ms   ratio {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    if "--black-holes" in sys.argv:
        with black_holes():
            main()
    else:
        main("-u", "127.0.0.1:9")
