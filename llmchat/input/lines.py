"""What a typed line is: a command, a line for the shell, or a message."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass

_QUOTES = '"""'
_FAREWELLS = ("exit", "quit")
_TAKES_AWAY = ("", "none", "off", "clear", "reset")

MENTION = re.compile(r"(?<!\S)@((?:\\ |\S)*)\Z")
"""A path after `@` at the end of what has been typed."""


@dataclass(frozen=True, slots=True)
class Line:
    """What was typed; `pasted` says whether some of it came out of the clipboard, `piped` out of a pipe."""

    text: str
    pasted: bool = False
    piped: bool = False

    @property
    def is_pasted_block(self) -> bool:
        """Whether it came out of the clipboard and has several lines: it is a message, whatever is in it."""
        return self.pasted and "\n" in self.text.strip()

    @property
    def names_files(self) -> bool:
        """Whether `@path` in it attaches a file: not where others may have written it."""
        return not self.piped and not self.is_pasted_block


def split_command(line: str) -> tuple[str, str]:
    """A command line's first word without its slash, and the rest."""
    word, *rest = line.strip().removeprefix("/").split(maxsplit=1) or [""]
    return word, rest[0] if rest else ""


def is_command(line: Line, known: Callable[[str], bool]) -> bool:
    """Whether a line is a command: it begins with a slash, and nothing says that it is a message.

    `known` tells whether a word means a command, which goes before a file of that name.
    A message begins with `//` or a space, or with a path, or was pasted and has several lines.
    """
    text = line.text
    if not text.startswith("/") or text.startswith("//") or text[1:2].isspace() or line.is_pasted_block:
        return False
    word = split_command(text)[0]
    return not word or ("/" not in word and (known(word) or not os.path.exists(f"/{word}")))


def shell_line(line: Line) -> str:
    """What the shell is to run: what was typed after `!`; "" for any other line.

    `!!` begins a message, and what was pasted with several lines is one.
    """
    if not line.text.startswith("!") or line.text.startswith("!!") or line.piped or line.is_pasted_block:
        return ""
    return line.text[1:].strip()


def message(text: str) -> str:
    """The message that a line means: `//x` is `/x`, `!!x` is `!x`, and quotes around lines are taken off."""
    if text.startswith(("//", "!!")):
        return text[1:]
    if is_open_block(text) or not text.lstrip().startswith(_QUOTES):
        return text
    return text.strip().removeprefix(_QUOTES).removesuffix(_QUOTES).strip("\n")


def unquoted(text: str) -> str:
    """A text without the quotes around the whole of it."""
    quote = text[:1]
    inner = text[1:-1]
    is_whole = len(text) > 1 and quote in ("'", '"') and text.endswith(quote) and quote not in inner
    return inner if is_whole else text


def system_prompt(text: str) -> str:
    """The system prompt that was typed, without quotes around the whole; "" for a word that takes it away."""
    wanted = unquoted(text.strip())
    return "" if wanted.lower() in _TAKES_AWAY else wanted


def as_typed(text: str, known: Callable[[str], bool]) -> str:
    """How a message has to be typed: what would be a command, quotes or a farewell is made a message."""
    if is_command(Line(text), known) or text.startswith("//"):
        return f"/{text}"
    if shell_line(Line(text)) or text.startswith("!!"):
        return f"!{text}"
    if is_farewell(text):
        return f" {text}"
    return text if message(text) == text else f"{_QUOTES}\n{text}\n{_QUOTES}"


def is_farewell(text: str) -> bool:
    """Whether a line leaves the program without a slash, as in a shell."""
    return text.rstrip().lower() in _FAREWELLS


def is_open_block(text: str) -> bool:
    """Whether a message that began with three quotes still waits for its closing ones."""
    begun = text.strip()
    return begun.startswith(_QUOTES) and (len(begun) < 2 * len(_QUOTES) or not begun.endswith(_QUOTES))
