"""The colours of replies: one set of styles, in three palettes."""

import re

from rich.theme import Theme

# Only what reads well on dark and on light: the default colour, bold, dim, and these names, which the
# palettes below turn into colours.
_STYLES = {
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
}

# "auto" leaves the names to the terminal's own palette, which its owner has made readable.
_PALETTES = {
    "auto": {},
    "dark": {
        "magenta": "#d3a4f9",
        "cyan": "#7fd0e0",
        "green": "#a5d6a7",
        "red": "#ff8a80",
        "yellow": "#ffd166",
    },
    "light": {
        "magenta": "#8e24aa",
        "cyan": "#006a80",
        "green": "#2e6b30",
        "red": "#b3261e",
        "yellow": "#7a5900",
    },
}


def theme(name: str) -> Theme:
    """The styles in this palette: `auto`, `dark` or `light`."""
    palette = _PALETTES[name]

    def coloured(style: str) -> str:
        return re.sub(r"\w+", lambda word: palette.get(word[0], word[0]), style)

    return Theme({key: coloured(style) for key, style in _STYLES.items()})
