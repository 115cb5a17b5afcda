"""`k v` and `k=v k2=v2`: parameters and their values in a line."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from llmchat import params
from llmchat.chat import Chat
from llmchat.config.typed import with_typed
from llmchat.errors import UsageError
from llmchat.parameter import show
from llmchat.registry import Choice
from llmchat.sampling import EXTRA, Sampling

_ASSIGNMENT = re.compile(r"(?:^|\s)([A-Za-z][\w.-]*)\s*=\s*")
_ONE_WORD = re.compile(r"\s*([A-Za-z][\w.-]*)=(\S+)")
_BARE = re.compile(r"[A-Za-z][\w.]*")
_DASHES = re.compile(r"(?:^|\s)--(?:\s+|$)")


def names(_: Chat) -> Iterator[Choice]:
    for param in params.PARAMS:
        yield Choice(param.name, f"{param.bounds}: {param.meaning}")


def assignments(text: str) -> list[tuple[str, str]]:
    """`k v` or `k=v k2=v2 …` as pairs of parameter name and value text.

    A value that is JSON with brackets or quotes ends where that ends, another one where the next
    name begins.
    """
    found = _ASSIGNMENT.match(text)
    if not found:
        name, *value = text.split(maxsplit=1)
        return [(name, value[0] if value else "")]
    pairs = []
    while found:
        following = _next(text, _end_of_json(text, found.end()))
        pairs.append((found[1], text[found.end() : following.start() if following else len(text)].strip()))
        found = following
    return pairs


def _next(text: str, start: int) -> re.Match[str] | None:
    return next((found for found in _ASSIGNMENT.finditer(text, start) if _is_name(found[1])), None)


def _end_of_json(text: str, start: int) -> int:
    """Where the JSON ends that begins at `start`; `start` when none does."""
    if text[start : start + 1] not in ('"', "[", "{"):
        return start
    try:
        end = json.JSONDecoder().raw_decode(text, start)[1]
    except (ValueError, RecursionError):
        return start
    return end if end == len(text) or text[end].isspace() else start


def _is_name(word: str) -> bool:
    """In the middle of a line only a known name begins a new pair: a value may hold an `=` too."""
    return word.lower().startswith(EXTRA) or params.find(word) is not None


def one_off(sampling: Sampling, text: str) -> tuple[Sampling, str]:
    """`k=v k2=v2 -- question` as what counts for that question, and the question; raises UsageError.

    Without `--` the question begins at the first word that sets no parameter.
    """
    parted = _DASHES.search(text)
    values, question = (text[: parted.start()], text[parted.end() :]) if parted else _split(text)
    if not values.strip():
        raise UsageError("There is no value for this once.", "For example: /with temperature=0 -- why?")
    for name, value in assignments(values.strip()):
        sampling = with_typed(sampling, name, value)
    return sampling, question.strip()


def _split(text: str) -> tuple[str, str]:
    """The assignments without blanks at the beginning, and the rest."""
    end = 0
    while found := _ONE_WORD.match(text, end):
        if end and not _is_name(found[1]):
            break
        end = max(_end_of_json(text, found.start(2)), found.end())
    return text[:end], text[end:]


def written(values: Mapping[str, Any]) -> str:
    """`k=v k2=v2 …` on one line, which `assignments` and `with_typed` read back as it was."""
    return " ".join(f"{name}={_written(name, value)}" for name, value in values.items())


def _written(name: str, value: Any) -> str:
    if not name.startswith(EXTRA):
        if isinstance(value, bool):
            return show(value)
        if isinstance(value, str) and _BARE.fullmatch(value) and not params.param(name).unsets(value):
            return value
    shown = json.dumps(value, ensure_ascii=False)
    return shown if shown.isprintable() else json.dumps(value)
