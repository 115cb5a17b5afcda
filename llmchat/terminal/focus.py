"""Whether the terminal's window is in front, as the terminal reports it while it is asked to.

The reports (xterm's mode 1004) come with what is typed: `take` finds them there.
"""

import os
import re
from typing import TextIO

from prompt_toolkit.input.ansi_escape_sequences import ANSI_SEQUENCES
from prompt_toolkit.keys import Keys

_ON, _OFF = "\x1b[?1004h", "\x1b[?1004l"
# DECRQM: does the terminal know this mode? Where the question itself is printed, it is wiped off again;
# the cursor stands at the start of a fresh row.
_ASK = "\x1b[?1004$p\r\x1b[2K"
_ANSWER = "\x1b[?1004;{}$y"
_TOLD = re.compile(r"\x1b\[([IO])|\x1b\[\?1004;(\d)\$y")

# What comes late, at the prompt, types nothing.
for _late in ("\x1b[I", "\x1b[O", *map(_ANSWER.format, range(5))):
    ANSI_SEQUENCES[_late] = Keys.Ignore

_WITHOUT_WINDOW = ("linux", "dumb", "unknown", "eterm")
"""Terminals that report nothing, by the begin of their names."""

_SELF_ANSWERING = ("tmux", "screen")
"""They answer for themselves, also where they are not set up to hand on reports."""


class Focus:
    """Whether the window that `out` is shown in is in front.

    Until it reports something else it is: what began the reply was typed into it.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._reports: bool | None = None
        self._away = False
        self._watching = False

    @property
    def is_in_front(self) -> bool:
        """Whether the window is known to be in front; False where the terminal does not tell."""
        return bool(self._reports) and not self._away

    def watch(self) -> None:
        """Have the terminal report from now on; and tell once whether it does."""
        term = os.environ.get("TERM", "")
        if self._reports is False or term.startswith(_WITHOUT_WINDOW) or not self._out.isatty():
            return
        self._watching = True
        self._write(_ON + _ASK * (self._reports is None and _answers_well(term)))

    def unwatch(self) -> None:
        """Have it report nothing any more."""
        if self._watching:
            self._watching = False
            self._write(_OFF)

    def take(self, pressed: str) -> None:
        """Learn from what the terminal has sent, key presses and reports."""
        for report, answer in _TOLD.findall(pressed):
            if report:
                self._reports, self._away = True, report == "O"
            elif not self._reports:
                self._reports = answer in ("1", "3")  # set, or always set

    def entered(self) -> None:
        """Something was typed into the window just now."""
        self._away = False

    def _write(self, output: str) -> None:
        self._out.write(output)
        self._out.flush()


def _answers_well(term: str) -> bool:
    """Whether the question has an answer that is worth something, and is not printed."""
    printed = os.environ.get("TERM_PROGRAM") == "Apple_Terminal"
    return not (printed or os.environ.get("TMUX") or term.startswith(_SELF_ANSWERING))
