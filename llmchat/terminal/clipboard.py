"""The clipboard: through the desktop's own program, else by asking the terminal for it (OSC 52).

Over SSH the programs of this machine would reach the wrong clipboard, so the terminal is asked. tmux
is told to pass it on; it keeps the text in its own paste buffer too.
"""

import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import TextIO

from llmchat.errors import UsageError

_PATIENCE = 5
"""Seconds for a program that takes a text; a display that is gone makes some of them hang."""

_MOST_TERMINALS = 74_994
"""Bytes of a text that terminals still take by OSC 52: 100,000 characters in base64."""


def copy(text: str, terminal: TextIO, environ: Mapping[str, str] = os.environ) -> str:
    """Put a text on the clipboard; how that was done. Raises UsageError when there is no way."""
    for name, command in _programs(environ, sys.platform):
        if _run(command, _encoded(name, text)):
            return f"with {name}"
    if not terminal.isatty():
        raise UsageError("There is no clipboard here.", "`/write FILE` writes code to a file.")
    if environ.get("TMUX") and _run(["tmux", "load-buffer", "-w", "-"], _encoded("tmux", text)):
        return "with tmux: Ctrl-B ] pastes it; the terminal was asked to take it, too"
    terminal.write(osc52(text, in_tmux=bool(environ.get("TMUX"))))
    terminal.flush()
    long = len(_encoded("terminal", text)) > _MOST_TERMINALS
    return "by the terminal, if it allows that (OSC 52)" + "; not all take so long a text" * long


def osc52(text: str, *, in_tmux: bool) -> str:
    """What asks a terminal to take a text; tmux hands it on where `allow-passthrough` is on."""
    asked = f"\x1b]52;c;{base64.b64encode(_encoded('terminal', text)).decode()}\x07"
    return f"\x1bPtmux;\x1b{asked}\x1b\\" if in_tmux else asked


def _programs(environ: Mapping[str, str], platform: str) -> Iterator[tuple[str, list[str]]]:
    """The programs that reach the clipboard of whoever sits here, by name: those that are installed."""
    if environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"):
        return
    known: list[tuple[bool, list[str]]] = [
        (platform == "darwin", ["pbcopy"]),
        (bool(environ.get("WAYLAND_DISPLAY")), ["wl-copy"]),
        (bool(environ.get("DISPLAY")), ["xclip", "-selection", "clipboard"]),
        (bool(environ.get("DISPLAY")), ["xsel", "--clipboard", "--input"]),
        (bool(environ.get("TERMUX_VERSION")), ["termux-clipboard-set"]),
        (platform == "win32" or bool(environ.get("WSL_DISTRO_NAME")), ["clip.exe"]),
    ]
    for here, command in known:
        if here and shutil.which(command[0], path=environ.get("PATH")):
            yield command[0], command


def _encoded(name: str, text: str) -> bytes:
    # Windows takes what begins with a byte order mark as Unicode, and all else in an old code page.
    return text.encode("utf-16" if name == "clip.exe" else "utf-8", "replace")


def _run(command: list[str], given: bytes) -> bool:
    """Whether a program has taken this."""
    try:
        done = subprocess.run(
            command,
            input=given,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
