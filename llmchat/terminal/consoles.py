"""Rich's consoles, with our styles and without what rich would read into a text."""

import os
from typing import Any, TextIO

from rich.console import Console

from llmchat.config.styles import NONE, Styles
from llmchat.terminal.themes import theme

_TERMINAL = "CONOUT$" if os.name == "nt" else "/dev/tty"
_NO = ("", "0", "false")


def drawn_for(file: TextIO) -> bool:
    """Whether replies are drawn there: on a terminal, and in a pipe where colours are wanted in pipes."""
    return file.isatty() or _colors_in_pipes()


def console(
    file: TextIO, terminal: bool | None = None, width: int | None = None, own: Styles = NONE
) -> Console:
    """A console that writes to `file`. None finds out whether it is a terminal, and how wide.

    `own` are the styles that the user has changed. Where colours are wanted in pipes, they are those of
    the terminal that we were started in, and so is the width; nothing but colours is written there.
    """
    terminal = file.isatty() if terminal is None else terminal
    forced = not terminal and _colors_in_pipes()
    return Console(
        file=file,
        theme=theme("auto", own),
        force_terminal=terminal,
        color_system=_colors_of_terminal() if forced else "auto",
        width=width or (_width_of_terminal() if forced else None),
        markup=False,
        highlight=False,
        emoji=False,
    )


def repaints(console: Console) -> bool:
    """Whether rows are drawn anew there; a dumb terminal's, such as an editor's, are only ever written."""
    return console.is_terminal and not console.is_dumb_terminal


def _colors_in_pipes() -> bool:
    """Whether the environment asks for it, as other programs understand it; `--color` sets it there."""
    asked = any(os.environ.get(name, "") not in _NO for name in ("FORCE_COLOR", "CLICOLOR_FORCE"))
    return asked and not os.environ.get("NO_COLOR")


def _colors_of_terminal() -> Any:
    """Rich's name for the colours that TERM and COLORTERM tell of."""
    return Console(force_terminal=True).color_system or "standard"


def _width_of_terminal() -> int | None:
    """Columns of the terminal that we were started in; None without one: then rich takes COLUMNS, or 80."""
    try:
        with open(_TERMINAL) as terminal:
            return os.get_terminal_size(terminal.fileno()).columns or None
    except OSError:
        return None
