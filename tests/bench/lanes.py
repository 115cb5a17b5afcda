"""How long four parallel lanes take beside one answer, and how soon the prompt is there after Ctrl-C.

`python -m tests.bench.lanes`: a scripted server sends 50 tokens/s to each request; the program runs in
a pty.
"""

import statistics
import time

from tests.bench.pty_program import PROMPT, PtyProgram
from tests.scripted import Reply, chunk, serving, sse

RATE = 50
"""Tokens a second."""

TOKENS = 150

_LANES = b"/sweep temperature 0 0.4 0.8 1.2 parallel=4 -- hi\r"
_SUMMARY = b"like 1"
_ANSWER = f"word{TOKENS - 1}".encode()
_SHORT = 0.5
"""Seconds before a Ctrl-C."""


def _reply() -> Reply:
    pieces: list[bytes | float] = []
    for number in range(TOKENS):
        pieces += [*sse(chunk(f"word{number} "), done=False), 1 / RATE]
    return Reply([*pieces, *sse(chunk(finish="stop"))])


def timed(program: PtyProgram, line: bytes, last: bytes) -> float:
    """Seconds from Enter to the prompt after `last` has been shown."""
    start = time.perf_counter()
    program.write(line)
    program.read_until(last)
    program.read_until(PROMPT)
    return time.perf_counter() - start


def stopped(program: PtyProgram, seconds: float) -> float:
    """Seconds from Ctrl-C, so long after the lanes are shown to run, to the prompt after their answers."""
    program.write(_LANES)
    program.read_until(b"Ctrl-C")
    time.sleep(seconds)
    return timed(program, b"\x03", _SUMMARY)


def main(runs: int = 5, stops: int = 20) -> None:
    """Print the medians and their relation."""
    with (
        serving() as server,
        PtyProgram(
            "-u",
            server.url,
        ) as program,
    ):
        server.will(_reply())
        program.read_until(PROMPT)
        timed(program, b"hi\r", _ANSWER)
        pairs = [(timed(program, b"hi\r", _ANSWER), timed(program, _LANES, _SUMMARY)) for _ in range(runs)]
        one, four = (statistics.median(times) for times in zip(*pairs, strict=True))
        print(f"one answer {one:.2f} s, four parallel lanes {four:.2f} s: {four / one:.3f} times as long")
        ends = sorted(stopped(program, _SHORT + n / 100) for n in range(stops))
        p90 = ends[int(0.9 * stops)]
        print(f"Ctrl-C to prompt: p50 {statistics.median(ends) * 1000:.0f} ms, p90 {p90 * 1000:.0f} ms")


if __name__ == "__main__":
    main()
