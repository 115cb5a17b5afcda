"""The line below the prompt: where we are, and only what differs from the default. The window's title too."""

from dataclasses import dataclass
from unicodedata import east_asian_width

from llmchat.amounts import counted
from llmchat.chat import Chat
from llmchat.input.lines import message
from llmchat.meter import Count
from llmchat.parameter import show
from llmchat.terminal.sanitize import safe_line

_SHORT = {"temperature": "temp", "max_tokens": "max", "repeat_penalty": "repeat", "response_format": "form"}
_SEPARATOR = " · "
_LONGEST_VALUE = 12
_HIGH, _FULL = 0.7, 0.9
"""Shares of the context window."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the line; the higher its rank, the longer it stays when there is little room.

    `style` is "", "warning" or "alarm".
    """

    text: str
    rank: int
    style: str = ""


def parts(chat: Chat, draft: str = "") -> list[Part]:
    """The pieces of the line, from left to right, while `draft` is typed."""
    found = chat.connection.found_so_far()
    shown = []
    if found and found.reachable:
        shown += [Part(found.title, 2), Part(_name(chat.model), 9)]
    else:
        shown.append(Part(str(chat.connection.address or "llama.cpp is starting"), 8))
    changed = [name for name, setting in chat.sampling.chosen.items()]
    shown += [Part(_changed(chat, name), 7 - min(n, 3)) for n, name in enumerate(changed)]
    if chat.system:
        shown.append(Part("system", 3))
    if chat.attached:
        shown.append(Part(counted(len(chat.attached), "file"), 8))
    if chat.preferences.multiline:
        shown.append(Part("multi-line: Alt-Enter sends", 9))
    if count := chat.meter.shown("" if draft.startswith("/") else message(draft)):
        shown.append(Part(str(count), 5 if count.share < _HIGH else 8, _style(count)))
    reply = chat.last_reply
    if reply and reply.timings.tokens_per_second:
        shown.append(Part(f"{reply.timings.tokens_per_second:,.0f} tokens/s", 1))
    return shown


def window_title(chat: Chat) -> str:
    """The conversation's title, or the model before there is one; "" when neither is known."""
    title = chat.keeping.do(lambda store: store.title(chat.keeping.id)) if chat.keeping.id else ""
    return safe_line(title or "") or _name(chat.model)


def _style(count: Count) -> str:
    if count.share >= _FULL:
        return "alarm"
    return "warning" if count.share >= _HIGH else ""


def line(shown: list[Part], columns: int) -> list[tuple[str, str]]:
    """The pieces that fit into `columns`, each as style and text; the least important are dropped first."""
    kept = list(shown)
    while kept and _cells(text := _SEPARATOR.join(part.text for part in kept)) > columns - 1:
        if len(kept) == 1:
            return [(kept[0].style, text[: columns - 2] + "…")]
        # Of equals the last one goes.
        kept.remove(min(reversed(kept), key=lambda part: part.rank))
    pieces = [[("", _SEPARATOR), (part.style, part.text)] for part in kept]
    return [piece for pair in pieces for piece in pair][1:]


def _cells(text: str) -> int:
    """How many columns a text takes: wide characters take two."""
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)


def _changed(chat: Chat, name: str) -> str:
    chosen = chat.sampling.chosen[name].value
    # A form is told by its type, since its JSON has no room here.
    value = show(chosen.get("type", chosen) if isinstance(chosen, dict) else chosen)
    short = value if len(value) <= _LONGEST_VALUE else value[: _LONGEST_VALUE - 1] + "…"
    return f"{_SHORT.get(name, name)} {safe_line(short)}"


def _name(model: str) -> str:
    """A model's name without its path."""
    return safe_line(model.rsplit("/", 1)[-1])
