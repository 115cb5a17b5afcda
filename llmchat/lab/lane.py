"""One of several answers to a question: what it is asked with, and how far it is."""

import time
from dataclasses import dataclass
from typing import Any

from llmchat.chat import Chat
from llmchat.connection import Connection
from llmchat.errors import LlmchatError
from llmchat.sampling import Sampling
from llmchat.store.answers import Answer
from llmchat.turn import Turn
from llmchat.wire.deltas import Reasoning, Text

_REMEMBERED = 400
"""Characters of an answer's end that are kept to be shown while it comes."""


@dataclass(frozen=True, slots=True)
class Lane:
    """What one answer is asked with; without a connection or a model, the chat's own."""

    sampling: Sampling
    model: str = ""
    connection: Connection | None = None

    def asked_with(self, chat: Chat) -> dict[str, Any]:
        """Server, model and parameters by name, as far as they are known before it is asked."""
        connection = self.connection or chat.connection
        settings = {**self.sampling.chosen, **self.sampling.effective}
        parameters = {name: setting.value for name, setting in settings.items()}
        parameters.pop("n", None)
        server = connection.address.api if connection.address else connection.engine_name
        return {"server": server, "model": self.model, **parameters}


class LaneProgress:
    """One lane on its way: `state` is waiting, running or ended; `tokens` counts the pieces that have
    come, `tail` is the end of its text. `answer` and its `turn` are there when it has ended, `error` when
    it failed."""

    def __init__(self, number: int, plan: Lane) -> None:
        self.number = number
        self.plan = plan
        self.state = "waiting"
        self.tokens = 0
        self.tail = ""
        self.error: LlmchatError | None = None
        self.answer: Answer | None = None
        self.turn: Turn | None = None
        self._first = self._last = 0.0

    def take(self, delta: Text | Reasoning) -> None:
        """Count one more piece of the answer."""
        self._last = time.monotonic()
        self._first = self._first or self._last
        self.tokens += 1
        self.tail = (self.tail + delta.text)[-_REMEMBERED:]

    @property
    def speed(self) -> float | None:
        """Tokens a second since the first; None while there is no second."""
        seconds = self._last - self._first
        return (self.tokens - 1) / seconds if self.tokens > 1 and seconds > 0 else None
