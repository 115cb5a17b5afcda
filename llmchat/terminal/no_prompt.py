"""What is asked of the user where there is no prompt: at the terminal itself, whatever the input is."""

import contextlib
import getpass
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator

from llmchat.errors import UsageError
from llmchat.input.lines import Line
from llmchat.interruptions import Suspension, ctrl_z
from llmchat.terminal import editor
from llmchat.terminal.bell import bell
from llmchat.terminal.sanitize import safe

_KEYS, _SCREEN = ("CONIN$", "CONOUT$") if sys.platform == "win32" else ("/dev/tty", "/dev/tty")


_ON_COMMAND_LINE = {
    "/models": "llmchat -x /models",
    "/server": "llmchat -x /server",
    "/server URL": "-u URL",
    "/server demo": "--demo",
    "/max_tokens": "-p max_tokens=N",
    "/last_error": "--log FILE",
    "/set": "llmchat -x /set",
    "/help": "llmchat -x /help",
    "/chats": "llmchat -x /chats",
    "/find": "llmchat -x '/find WORDS'",
    "/find words": "llmchat -x '/find words'",
}
"""What does on the command line what a line does at the prompt."""

_WITH_LAST_CHAT = ("/continue", "/compact", "/regen", "/fix", "/pick", "/diff", "/export")

_TYPED = re.compile("`(/[^`]+)`")


def on_command_line(hint: str) -> str:
    """A hint for someone who has no prompt to type into; what has no counterpart stays as it is."""
    return _TYPED.sub(lambda found: f"`{_flag(found[1])}`", hint)


def _flag(line: str) -> str:
    if line.startswith("/set ") and "=" in line:
        return line.replace("/set", "-p", 1)
    if line.startswith("/open "):
        return line.replace("/open", "--open", 1)
    if line.split()[0] in _WITH_LAST_CHAT:
        return f"llmchat -c -x {shlex.quote(line)}"
    return _ON_COMMAND_LINE.get(line, line)


def take_terminal() -> None:
    """Read from the terminal from now on, once a pipe has been read to its end; raises UsageError."""
    if sys.stdin and sys.stdin.isatty():
        return
    try:
        keys = os.open(_KEYS, os.O_RDWR)
    except OSError:
        raise UsageError("There is no terminal to read keys from.") from None
    os.dup2(keys, 0)
    os.close(keys)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)


class NoPrompt:
    """A reader without lines: it has answers only, of whoever sits at the terminal.

    `rings_after` says after how many seconds the end of a reply rings the bell; 0: never.
    """

    def __init__(self, rings_after: Callable[[], int]) -> None:
        self._rings_after = rings_after

    def read(self, default: str = "") -> Line:
        """There is no line."""
        raise EOFError

    def ask(self, question: str, hidden: bool = False) -> str:
        """The answer to a question; raises UsageError when there is no terminal to ask at."""
        try:
            with open(_SCREEN, "w", encoding="utf-8") as screen, open(_KEYS, encoding="utf-8") as keys:
                if hidden:
                    return getpass.getpass(f"{safe(question)} ", stream=screen)
                screen.write(f"{safe(question)} ")
                screen.flush()
                return keys.readline().strip("\n")
        except OSError:
            raise UsageError(f"{question} There is no terminal to answer at; nothing was done.") from None

    def edit(self, text: str) -> str:
        """What the user makes of a text in $EDITOR; raises UsageError when no editor starts."""
        take_terminal()
        return editor.edit(text)

    @contextlib.contextmanager
    def replying(self) -> Iterator[Suspension]:
        """While a reply streams; Ctrl-Z waits for its next frame."""
        suspension = Suspension()
        with bell(sys.stdout, self._rings_after()), ctrl_z(suspension.ask):
            yield suspension
