"""The bell at the end of a reply that took long."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from typing import TextIO

_BELL = "\a"


@contextlib.contextmanager
def bell(out: TextIO, seconds: int, is_watched: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """Ring at the end of a block that took so many seconds (0: never), where `out` is a terminal.

    `is_watched` is asked then: whoever watches needs no bell.
    """
    rings_at = time.monotonic() + (seconds or math.inf)
    try:
        yield
    finally:
        if time.monotonic() >= rings_at and out.isatty() and not is_watched():
            out.write(_BELL)
            out.flush()
