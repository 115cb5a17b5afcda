"""Rich's consoles, with our styles and without what rich would read into a text."""

from typing import TextIO

from rich.console import Console

from llmchat.config.styles import NONE, Styles
from llmchat.terminal.themes import theme


def console(
    file: TextIO, terminal: bool | None = None, width: int | None = None, own: Styles = NONE
) -> Console:
    """A console that writes to `file`. None lets rich find out whether it is a terminal, and how wide.

    `own` are the styles that the user has changed.
    """
    return Console(
        file=file,
        theme=theme("auto", own),
        force_terminal=terminal,
        width=width,
        markup=False,
        highlight=False,
        emoji=False,
    )
