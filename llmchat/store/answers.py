"""One answer with all that is known of how it came about: the JSON record that scripts get."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from llmchat.lab.logprobs import mean_logprob
from llmchat.messages import ROOT, Message
from llmchat.sampling import Sampling
from llmchat.store.records import Request


@dataclass(frozen=True, slots=True)
class Answer:
    """A message and the request that brought it, as its choice of this index.

    `place` is the message's number in the conversation (`ROOT`: it is not there).
    `number` counts the answers to one question from 1, `differs` is what sets this one apart from
    the others, by name; `pieces` is how many pieces it came in (0: not known). Of a
    request that failed the message is empty, and the request has the error.
    """

    request: Request
    message: Message
    place: int = ROOT
    choice: int = 0
    number: int = 1
    pieces: int = 0
    differs: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def finish_reason(self) -> str:
        """The server's word for why it ended; "" when it told none."""
        reasons = self.request.finish_reasons
        return reasons[self.choice] if self.choice < len(reasons) else ""

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters by their names here: those that were chosen, in their order, then the defaults."""
        defaults = {name: setting.value for name, setting in Sampling().effective.items()}
        return {**self.request.chosen, **defaults, **self.request.chosen}


def json_line(answer: Answer) -> str:
    """The record of an answer, on one line; ASCII, so that any pipe and any terminal takes it."""
    return json.dumps(data(answer))


def data(answer: Answer) -> dict[str, Any]:
    """The record of an answer as JSON data; docs/guide.md tells what its fields are."""
    request, message = answer.request, answer.message
    return {
        "lane": answer.number,
        "differs": dict(answer.differs),
        "text": message.content,
        "reasoning": message.reasoning,
        "tool_calls": [{"name": call.name, "arguments": call.arguments} for call in message.tool_calls],
        "state": message.state,
        "finish_reason": answer.finish_reason or None,
        "error": request.error or None,
        "model": request.model,
        "server": request.server,
        "kind": request.kind,
        "seed": request.chosen.get("seed"),
        "parameters": answer.parameters,
        "usage": _usage(request),
        "timings": {
            "first_token": request.timings.first_token,
            "tokens_per_second": request.timings.tokens_per_second,
            "seconds": request.seconds,
        },
        "mean_logprob": mean_logprob(message),
    }


def _usage(request: Request) -> dict[str, int | None] | None:
    if request.usage is None:
        return None
    return {
        "prompt_tokens": request.usage.prompt,
        "completion_tokens": request.usage.completion,
        "cached_tokens": request.usage.cached,
    }
