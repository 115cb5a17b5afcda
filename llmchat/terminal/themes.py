"""The colours: one set of styles (`config/styles.py`), in three palettes, and what the user changed of it."""

import re

from rich.theme import Theme

from llmchat.config.styles import NONE, STYLES, Styles

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


def theme(name: str, own: Styles = NONE) -> Theme:
    """The styles in this palette, `auto`, `dark` or `light`; the user's `own` are drawn as they say."""
    palette = _PALETTES[name]

    def coloured(style: str) -> str:
        return re.sub(r"\w+", lambda word: palette.get(word[0], word[0]), style)

    return Theme({key: coloured(style) for key, style in STYLES.items()} | dict(own))
