"""Changing a number by a step with a key: which parameter it is, and how large a step is sensible."""

import math

from llmchat.chat import Chat
from llmchat.parameter import Param
from llmchat.params import param
from llmchat.sampling import EXTRA

_FIRST = "temperature"


def nudge(chat: Chat, direction: int) -> str:
    """Change the number that stands last in the toolbar, else the temperature; its name.

    `direction` is 1 or -1. At the end of the range it stays.
    """
    known = [param(name) for name in chat.sampling.chosen if not name.startswith(EXTRA)]
    numbers = [one for one in known if one.type in ("int", "float")]
    chosen = numbers[-1] if numbers else param(_FIRST)
    setting = chat.sampling.get(chosen.name)
    assert setting
    value = _stepped(chosen, setting.value, direction)
    if value != setting.value:
        chat.tune(chat.sampling.with_value(chosen.name, value, "command"))
    return chosen.name


def _stepped(chosen: Param, value: float, direction: int) -> float:
    if value == -1 and chosen.low == -1:
        # No limit: the first step sets one.
        return int(chosen.example)
    if chosen.type == "int":
        # A step of the second figure: 1 for 40, 100 for 4,096.
        step: float = 10 ** max(0, math.floor(math.log10(max(1, abs(value)))) - 1)
    else:
        step = 0.05 if chosen.high is not None and chosen.high <= 1 else 0.1
    moved = value + direction * step
    low = chosen.low if chosen.low is not None else -math.inf
    high = chosen.high if chosen.high is not None else math.inf
    kept = min(high, max(low, moved))
    return int(kept) if chosen.type == "int" else round(kept, 10)
