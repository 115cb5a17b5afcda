"""Rich's consoles, with our styles and without what rich would read into a text."""

from typing import TextIO

from rich.console import Console

from llmchat.terminal.themes import theme


def console(file: TextIO, terminal: bool | None = None, width: int | None = None) -> Console:
    """A console that writes to `file`. None lets rich find out whether it is a terminal, and how wide."""
    return Console(
        file=file,
        theme=theme("auto"),
        force_terminal=terminal,
        width=width,
        markup=False,
        highlight=False,
        emoji=False,
    )
