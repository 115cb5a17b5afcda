"""Lines under a name of the user's own: what `[aliases]` and `[macros]` of the settings file hold. Pure.

    [aliases]
    brief = "/system Answer in one sentence."

    [macros]
    review = ["/set temperature=0", "Review this as a $1 programmer would: $*"]

`$1` to `$9` are words of the line, `$*` is the rest of it, `$$` a dollar sign. Where a macro has none of
them, what is typed after its name is added to its last line.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from llmchat.errors import UsageError

Macros = Mapping[str, tuple[str, ...]]
"""Lines by name; an alias is a macro of one line."""

NONE: Macros = MappingProxyType({})
NAME = re.compile(r"[A-Za-z][\w-]*")

_ARGUMENT = re.compile(r"\$([1-9*$])")


def read(aliases: Mapping[str, Any], macros: Mapping[str, Any]) -> Macros:
    """The tables of the settings file as one; raises UsageError."""
    found = {}
    for name, value in [*aliases.items(), *macros.items()]:
        lines = [value] if isinstance(value, str) else value
        if not isinstance(lines, list) or not lines or not all(isinstance(line, str) for line in lines):
            raise UsageError(f"{name} is a line or a list of lines, not {value!r}.")
        found[name] = checked(name, tuple(lines))
    return MappingProxyType(found)


def checked(name: str, lines: tuple[str, ...]) -> tuple[str, ...]:
    """The lines; raises UsageError when they, or the name, cannot be those of a macro."""
    if not NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name for a command.", "Letters, digits, - and _, a letter first.")
    if shell := next((line for line in lines if line.startswith("!") and line[1:2] != "!"), ""):
        raise UsageError(f"A macro runs nothing in the shell, such as {shell!r}.", "`!!` begins a message.")
    return lines


def expanded(macros: Macros, line: str, within: tuple[str, ...] = ()) -> tuple[str, ...]:
    """What a line means when it calls a macro, with those called inside; () when it calls none.

    Inside its own lines a name means the command, so that none calls itself for ever.
    """
    word, _, rest = line.strip().removeprefix("/").partition(" ")
    if not line.startswith("/") or word not in macros or word in within:
        return ()
    found: list[str] = []
    for made in _filled(word, macros[word], rest.strip()):
        found += expanded(macros, made, (*within, word)) or (made,)
    return tuple(found)


def _filled(name: str, lines: tuple[str, ...], rest: str) -> list[str]:
    """The lines with the words of `rest` in their places; raises UsageError when there are too few."""
    wanted = {found for line in lines for found in _ARGUMENT.findall(line)} - {"$"}
    count = max((int(number) for number in wanted - {"*"}), default=0)
    words = rest.split(maxsplit=count)
    if len(words) < count:
        raise UsageError(
            f"/{name} needs {'a word' if count == 1 else f'{count} words'} after it.",
            f"It is: {' ;; '.join(lines)}",
        )
    values = {"$": "$", "*": words[count] if len(words) > count else "", **_numbered(words)}
    made = [_ARGUMENT.sub(lambda found: values.get(found[1], ""), line) for line in lines]
    if rest and not wanted:
        made[-1] += f" {rest}"
    return made


def _numbered(words: list[str]) -> dict[str, str]:
    return {str(number): word for number, word in enumerate(words, 1)}
