"""What streaming markdown costs: `python -m tests.bench.markdown`.

Time is processor time, as a multiple of rich's own Markdown printed once. Tokens of four characters
come at a given speed on a clock that is set by hand, so that nothing is waited for and every frame
that is due is drawn, at the shortest interval.
"""

import argparse
import io
import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from rich.console import Console
from rich.live import Live
from rich.markdown import Markdown as StockMarkdown

from llmchat.terminal.highlight import Highlighter
from llmchat.terminal.view import Rendered
from llmchat.wire.deltas import Text
from tests.bench.texts import KINDS, make
from tests.streaming import Clock, console

COLUMNS, ROWS = 80, 24
KILOBYTES = (1, 8, 64, 256)
PACED, FULL_SPEED = 100, 6000
TOKEN = 4


class Sink(io.StringIO):
    """A terminal that only counts bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def write(self, output: str) -> int:
        self.bytes += len(output.encode())
        return len(output)

    def isatty(self) -> bool:
        return True


@dataclass
class Cost:
    """Seconds of processor time in all and of each step, and the bytes written."""

    seconds: float = 0.0
    bytes: int = 0
    steps: list[float] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        return sorted(self.steps)[min(len(self.steps) - 1, int(share * len(self.steps)))]


def streamed(source: str, speed: int) -> Cost:
    """Our view, with `speed` tokens a second."""
    clock, sink, cost = Clock(), Sink(), Cost()
    view = Rendered(console(sink, COLUMNS, ROWS), clock=clock)
    for number, token in enumerate(tokens(source)):
        clock.now = number / speed
        cost.steps.append(timed(partial(_step, view, token)))
    cost.steps.append(timed(view.finish))
    cost.seconds, cost.bytes = sum(cost.steps), sink.bytes
    return cost


def stock(source: str) -> Cost:
    """Rich's own Markdown, once."""
    sink = Sink()
    seconds = timed(lambda: _stock_console(sink).print(StockMarkdown(source)))
    return Cost(seconds, sink.bytes, [seconds])


def plain(source: str) -> Cost:
    """Each token written as it comes."""
    sink, cost = Sink(), Cost()
    for token in tokens(source):
        cost.steps.append(timed(partial(sink.write, token)))
    cost.seconds, cost.bytes = sum(cost.steps), sink.bytes
    return cost


def naive(source: str, frames: int | None) -> Cost:
    """`rich.live.Live` with the whole Markdown anew for every token, or so many times a second."""
    sink, cost, text, shown = Sink(), Cost(), "", 0
    with Live(console=_stock_console(sink), auto_refresh=False) as live:
        for number, token in enumerate(tokens(source)):
            text += token
            due = frames is None or int(number * frames / PACED) > shown
            shown = int(number * (frames or 0) / PACED)
            if due:
                cost.steps.append(timed(partial(_refresh, live, text)))
    cost.seconds, cost.bytes = sum(cost.steps), sink.bytes
    return cost


def _first_line(language: str) -> None:
    Highlighter(language).line("x")


def _step(view: Rendered, token: str) -> None:
    view.take([Text(token)])
    view.paint()


def _refresh(live: Live, text: str) -> None:
    live.update(StockMarkdown(text), refresh=True)


def tokens(source: str) -> Iterator[str]:
    """The source, four characters at a time."""
    return (source[at : at + TOKEN] for at in range(0, len(source), TOKEN))


def timed(step: Callable[[], object]) -> float:
    """Seconds of processor time."""
    start = time.process_time()
    step()
    return time.process_time() - start


def _stock_console(sink: Sink) -> Console:
    return Console(file=sink, force_terminal=True, width=COLUMNS, height=ROWS, _environ={})


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", type=int, default=KILOBYTES[-1], help="kilobytes (default: 256)")
    parser.add_argument("--naive", type=int, default=8, help="kilobytes up to which Live is measured")
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), help="of text (default: all)")
    arguments = parser.parse_args()
    sizes = [size for size in KILOBYTES if size <= arguments.largest]
    for language in ("python", "c", "javascript", "bash"):
        seconds = timed(partial(_first_line, language))
        print(f"first use of the lexer for {language}: {seconds * 1000:.0f} ms")
    for speed in (PACED, FULL_SPEED):
        print(f"\n{speed} tokens/s, {COLUMNS} x {ROWS}\n")
        _table(arguments.kinds, sizes, speed)
    print("\nmixed text, beside other ways\n")
    _others([size for size in sizes if size <= arguments.naive] or sizes[:1])


def _table(kinds: list[str], sizes: list[int], speed: int) -> None:
    print("| text | KB | ms | x stock once | exponent 8 to 256 | bytes x once | worst step ms | p99.9 ms |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for kind in kinds:
        at_8 = 0.0
        for size in sizes:
            # Each run has a text of its own: what is remembered of one would make the next one cheap.
            sources = [make(kind, size, number) for number in range(3 if size <= 64 else 1)]
            cost = min((streamed(source, speed) for source in sources), key=lambda cost: cost.seconds)
            once = min(map(stock, sources), key=lambda cost: cost.seconds)
            at_8 = cost.seconds if size == 8 else at_8
            exponent = f"{math.log(cost.seconds / at_8) / math.log(size / 8):.2f}" if size == 256 else ""
            print(
                f"| {kind} | {size} | {cost.seconds * 1000:.0f} | {cost.seconds / once.seconds:.1f} "
                f"| {exponent} | {cost.bytes / once.bytes:.1f} | {max(cost.steps) * 1000:.1f} "
                f"| {cost.percentile(0.999) * 1000:.1f} |"
            )
            sys.stdout.flush()


def _others(sizes: list[int]) -> None:
    print("| way | KB | ms | x stock once | bytes | worst step ms |")
    print("|---|--:|--:|--:|--:|--:|")
    ways: dict[str, Callable[[str], Cost]] = {
        "stock once": stock,
        "plain print": plain,
        "llmchat": lambda source: streamed(source, PACED),
        "Live, every token": lambda source: naive(source, None),
        "Live, 10 frames/s": lambda source: naive(source, 10),
    }
    for size in sizes:
        source = make("mixed", size)
        once = stock(source).seconds
        for name, way in ways.items():
            cost = way(source)
            print(
                f"| {name} | {size} | {cost.seconds * 1000:.0f} | {cost.seconds / once:.1f} | {cost.bytes:,} "
                f"| {max(cost.steps) * 1000:.1f} |"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    main()
