"""Where a long paragraph may be cut: what is before then never changes, what is after stands alone. Pure."""

import re

from llmchat.terminal.latex import DOLLARS
from llmchat.terminal.tokens import parse_inline

LONG = 200
"""Characters of a paragraph from which on it is cut."""

REACH = 4000
"""Characters after which an emphasis, a link or code that was begun is not waited for any longer."""

_STEP = 40
_TRIES = 6

# A letter after a space, or between letters of scripts that use none: it begins no block and touches
# no markup. A line with "|" might be the header of a table.
_WIDE = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uff10-\uff5a、。，！？；："
_PLACE = re.compile(
    rf"(?<=[^\s\\][ \n])(?=[^\W\d_])|(?<=[{_WIDE}])(?=[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3])"
)

# What could open emphasis, strikethrough, code, a link, a formula, or HTML.
_OPENER = re.compile(r"\*+(?=\S)|(?<!\w)_+(?=\S)|~~+(?=\S)|`|!?\[|\\\(|\$\$|<(?=[A-Za-z/!?])")
_BRACKETS = re.compile(r"\[[^\[\]]*\](?=[^(\[:])")


def cut(source: str) -> int:
    """The length of the part of a paragraph's source that is final; 0 while there is none."""
    places = [
        match.start() for match in _PLACE.finditer(source) if "|" not in _line_before(source, match.start())
    ]
    for place in _spread(places, len(source)):
        if _is_clean(source[:place]):
            return place
    return places[len(places) // 2] if places and len(source) > REACH else 0


def _spread(places: list[int], length: int) -> list[int]:
    """A few of the places, from the last to the first, at least `_STEP` apart."""
    chosen: list[int] = []
    for place in reversed(places):
        if place <= (chosen[-1] if chosen else length) - _STEP:
            chosen.append(place)
        if len(chosen) == _TRIES:
            break
    return chosen


def _is_clean(source: str) -> bool:
    """Whether no markup is open at the end."""
    return "$" not in source[-DOLLARS:] and not any(
        child.type == "text" and _OPENER.search(_BRACKETS.sub("", child.content))
        for child in parse_inline(source.lstrip())
    )


def _line_before(source: str, place: int) -> str:
    return source[source.rfind("\n", 0, place) + 1 : place]
