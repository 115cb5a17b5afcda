"""How each element is drawn, and what `[styles]` of the settings file changes of it. Pure.

[styles]
user.text = "bold blue"
markdown.code = "#ffaf00 on black"
"""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from llmchat.errors import UsageError

Styles = Mapping[str, str]
"""A style for each element, in rich's words."""

NONE: Styles = MappingProxyType({})

# Only what reads well on dark and on light: the default colour, bold, dim, and these names, which the
# palettes of `terminal/themes.py` turn into colours.
STYLES: Styles = {
    "markdown.h1": "bold magenta underline",
    "markdown.h2": "bold magenta",
    "markdown.h3": "bold",
    "markdown.h4": "bold italic",
    "markdown.h5": "italic",
    "markdown.h6": "italic",
    "markdown.a": "underline",
    "markdown.address": "dim",
    "markdown.block_quote": "none",
    "markdown.code": "cyan",
    "markdown.hr": "dim",
    "markdown.item.bullet": "dim",
    "markdown.item.number": "dim",
    "code.label": "dim",
    "code.builtin": "cyan",
    "code.comment": "dim italic",
    "code.deleted": "red",
    "code.inserted": "green",
    "code.keyword": "magenta",
    "code.name": "bold",
    "code.number": "cyan",
    "code.string": "green",
    "sure.fairly": "cyan",
    "sure.little": "yellow",
    "sure.least": "bold red",
    "sure.number": "dim",
    "table.header": "bold",
    "table.rule": "dim",
    "user.sign": "bold cyan",
    "user.text": "bold",
}

_ATTRIBUTES = ("none", "bold", "dim", "italic", "underline", "reverse", "strike")
COLOURS = ("default", "black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_COLOUR = re.compile(rf"(bright_)?({'|'.join(COLOURS[1:])})|default|#[0-9a-f]{{6}}")
_FORMS = f"{', '.join(_ATTRIBUTES)}; a colour: {', '.join(COLOURS)}, bright_red, #ff8800; `on` and a colour."


def read(table: Mapping[str, Any]) -> Styles:
    """The table of the settings file, checked; raises UsageError."""
    return MappingProxyType({name: _checked(name, style) for name, style in _flat(table)})


def _flat(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """The values by their whole names: in TOML, `code.name` is `name` in a table `code`."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield before + name, value


def _checked(name: str, style: Any) -> str:
    if name not in STYLES:
        raise UsageError(f"[styles] has no element {name!r}.", f"There are: {', '.join(STYLES)}.")
    words = style.lower().split() if isinstance(style, str) else []
    colours = [word for word in words if word not in (*_ATTRIBUTES, "on")]
    pairs = zip(words, [*words[1:], ""], strict=True)
    sound = words and all(map(_COLOUR.fullmatch, colours)) and len(colours) <= 1 + words.count("on")
    if not sound or words.count("on") > 1 or any(a == "on" and b not in colours for a, b in pairs):
        raise UsageError(f"{name} in [styles] is a style such as 'bold red', not {style!r}.", _FORMS)
    return " ".join(words)


def for_prompt(own: Styles) -> dict[str, str]:
    """The styles of what the user types, in prompt_toolkit's words."""
    return {f"user-{part}": _in_its_words({**STYLES, **own}[f"user.{part}"]) for part in ("sign", "text")}


def _in_its_words(style: str) -> str:
    named = {"white": "ansigray", "bright_black": "ansibrightblack", "bright_white": "ansiwhite", "none": ""}
    words = []
    before = ""
    for word in style.split():
        name = word.removeprefix("bright_")
        if word not in named and name in COLOURS[1:]:
            named[word] = f"ansi{'bright' * (name != word)}{name}"
        words.append(("bg:" if before == "on" else "") + named.get(word, word) if word != "on" else "")
        before = word
    return " ".join(filter(None, words))
