"""From start to a usable prompt, as a ratio to importing prompt_toolkit: `python -m tests.bench.startup`.

The two alternate, so that a busy machine slows both. A usable prompt is one that has taken a key:
`x` is typed when the sign appears, and the clock stops when its echo comes. With `--black-holes`
the server is the default one, and whoever connects to any port where servers are known to listen
is never answered. With `--question` it is the time until a question whose answer goes into a pipe is
answered by a server that answers at once, as a ratio to importing requests and rich.
"""

import contextlib
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from llmchat.wire.servers import LOCAL_PORTS
from tests.bench.pty_program import PROMPT, PtyProgram
from tests.scripted import answer, serving


def seconds_to_run(*arguments: str) -> float:
    """Seconds that Python takes with these arguments."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True, stdin=subprocess.DEVNULL)
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
    _print(
        ("import prompt_toolkit", "prompt shown", "key echoed"),
        [
            (seconds_to_run("-c", "import prompt_toolkit"), *seconds_to_prompt(*flags))
            for _ in range(runs + 1)
        ],
    )


def question(runs: int = 21) -> None:
    """The same of a question without a prompt."""
    with serving() as server:
        server.will(answer("yes"))
        asking = ("-m", "llmchat", "--no-store", "-u", server.url, "hi")
        baseline = ("-c", "import requests, rich.console")
        pairs = [(seconds_to_run(*baseline), seconds_to_run(*asking)) for _ in range(runs + 1)]
    _print(("import requests, rich", "answered"), pairs)


def _print(names: Sequence[str], runs: Sequence[Sequence[float]]) -> None:
    pairs = runs[1:]  # the first one fills the caches
    for column, name in enumerate(names):
        times = [pair[column] * 1000 for pair in pairs]
        ratios = [pair[column] / pair[0] for pair in pairs]
        print(f"{name:22} {statistics.median(times):6.0f} ms   ratio {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    if "--question" in sys.argv:
        question()
    elif "--black-holes" in sys.argv:
        with black_holes():
            main()
    else:
        main("-u", "127.0.0.1:9")
