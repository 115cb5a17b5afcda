"""How long a reply took, and how fast it came: our own measure, where the server tells none."""

import time
from dataclasses import replace

from llmchat.messages import Timings, Usage
from llmchat.wire.deltas import Delta, Reasoning, Text


class Stopwatch:
    """Measures a reply: the time to its first token, and how fast the others came."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self.first_token: float | None = None
        self._last = 0.0
        self._pieces = 0
        self._tokens = 0
        self._told = Timings()

    def note(self, delta: Delta) -> None:
        if isinstance(delta, Text | Reasoning):
            self._last = time.perf_counter() - self._start
            if self.first_token is None:
                self.first_token = self._last
            self._pieces += 1
        elif isinstance(delta, Usage):
            self._tokens = delta.completion
        elif isinstance(delta, Timings):
            self._told = delta

    def timings(self) -> Timings:
        """The server's own speed where it tells one, else ours: a piece is about a token."""
        after_first = (self._tokens or self._pieces) - 1
        seconds = self._last - (self.first_token or 0.0)
        # Over less than this, it is the network's bursts that would be measured.
        measured = after_first / seconds if after_first > 0 and seconds > 0.02 else None
        speed = self._told.tokens_per_second or measured
        return replace(self._told, first_token=self.first_token, tokens_per_second=speed)
