"""The line below the prompt: where we are, and only what differs from the default."""

from dataclasses import dataclass
from unicodedata import east_asian_width

from llmchat.chat import Chat
from llmchat.params import show
from llmchat.terminal.sanitize import safe_line

_SHORT = {"temperature": "temp", "max_tokens": "max", "repeat_penalty": "repeat"}
_SEPARATOR = " · "
_LONGEST_VALUE = 12


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the line; the higher its rank, the longer it stays when there is little room."""

    text: str
    rank: int


def parts(chat: Chat) -> list[Part]:
    """The pieces of the line, from left to right."""
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
        shown.append(Part("1 file" if len(chat.attached) == 1 else f"{len(chat.attached)} files", 8))
    if chat.preferences.multiline:
        shown.append(Part("multi-line: Alt-Enter sends", 9))
    reply = chat.last_reply
    if reply and reply.usage and (total := reply.usage.prompt + reply.usage.completion):
        context = found.context(chat.model) if found else None
        window = f" of {context:,}" if context else ""
        shown.append(Part(f"{total:,}{window} tokens", 5))
    if reply and reply.timings.tokens_per_second:
        shown.append(Part(f"{reply.timings.tokens_per_second:,.0f} tokens/s", 1))
    return shown


def line(shown: list[Part], columns: int) -> str:
    """The pieces that fit into `columns`; the least important are dropped first."""
    kept = list(shown)
    while kept and _cells(text := _SEPARATOR.join(part.text for part in kept)) > columns - 1:
        if len(kept) == 1:
            return text[: columns - 2] + "…"
        # Of equals the last one goes.
        kept.remove(min(reversed(kept), key=lambda part: part.rank))
    return _SEPARATOR.join(part.text for part in kept)


def _cells(text: str) -> int:
    """How many columns a text takes: wide characters take two."""
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)


def _changed(chat: Chat, name: str) -> str:
    value = show(chat.sampling.chosen[name].value)
    short = value if len(value) <= _LONGEST_VALUE else value[: _LONGEST_VALUE - 1] + "…"
    return f"{_SHORT.get(name, name)} {safe_line(short)}"


def _name(model: str) -> str:
    """A model's name without its path."""
    return safe_line(model.rsplit("/", 1)[-1])
