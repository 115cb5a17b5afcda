"""`k v` and `k=v k2=v2`: parameters and their values in a line."""

import re
from collections.abc import Iterator

from llmchat import params
from llmchat.chat import Chat
from llmchat.registry import Choice
from llmchat.sampling import EXTRA

_ASSIGNMENT = re.compile(r"(?:^|\s)([A-Za-z][\w.-]*)\s*=\s*")


def names(_: Chat) -> Iterator[Choice]:
    for param in params.PARAMS:
        yield Choice(param.name, f"{param.bounds}: {param.meaning}")


def assignments(text: str) -> list[tuple[str, str]]:
    """`k v` or `k=v k2=v2 …` as pairs of parameter name and value text."""
    first = _ASSIGNMENT.match(text)
    if not first:
        name, *value = text.split(maxsplit=1)
        return [(name, value[0] if value else "")]
    found = [first, *(m for m in _ASSIGNMENT.finditer(text, first.end()) if _is_name(m[1]))]
    ends = [match.start() for match in found[1:]] + [len(text)]
    return [(m[1], text[m.end() : end].strip()) for m, end in zip(found, ends, strict=True)]


def _is_name(word: str) -> bool:
    """In the middle of a line only a known name begins a new pair: a value may hold an `=` too."""
    return word.lower().startswith(EXTRA) or params.find(word) is not None
