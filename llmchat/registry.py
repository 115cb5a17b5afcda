"""What a slash command is: one decorated function. Name, usage, help and completion are read from it.

The function takes the chat and then the words of the line: a parameter annotated `str` takes one
word, `Rest` the rest of the line; a default makes it optional. It returns what should happen, a
`Result`, and never prints.
"""

import difflib
import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NewType

from llmchat import params
from llmchat.chat import Chat
from llmchat.errors import UsageError
from llmchat.params import normalise

Rest = NewType("Rest", str)
"""The rest of the line, spaces and all."""

NOTHING = Rest("")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows to show under column heads; `caption` is a line below."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Send:
    """Send this as the next message; None asks the last question once more."""

    text: str | None


@dataclass(frozen=True, slots=True)
class Quit:
    """Leave the program."""


Result = str | Table | Send | Quit | None
"""All that a command can make happen; a text is shown as a line."""


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command, as read from its function."""

    name: str
    aliases: tuple[str, ...]
    usage: str
    help: str
    run: Callable[..., Result]


class Registry:
    """The commands there are, and how a line finds its own."""

    def __init__(self) -> None:
        self.commands: dict[str, Command] = {}
        self._by_word: dict[str, Command] = {}

    def command(self, *aliases: str) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
        """Make the decorated function the command of its name."""

        def register(function: Callable[..., Result]) -> Callable[..., Result]:
            name = function.__name__.rstrip("_")
            help_text = inspect.cleandoc(function.__doc__ or "")
            made = Command(name, aliases, _usage(name, function), help_text, function)
            self.commands[name] = made
            self._by_word |= {normalise(word): made for word in (name, *aliases)}
            return function

        return register

    def run(self, chat: Chat, line: str) -> Result:
        """Run a line that begins with a slash; raises UsageError when there is no such command."""
        word, _, rest = line.strip().removeprefix("/").partition(" ")
        command = self.find(word)
        if command is None and (param := params.find(word)):
            command, rest = self.commands["set"], f"{param.name} {rest}"
        if command is None:
            raise self._unknown(word)
        return command.run(chat, *_bind(command, rest))

    def find(self, word: str) -> Command | None:
        """The command meant by a word: its name, an alias, or a prefix that no other begins with.

        None when a parameter's name is meant, or nothing. Raises UsageError for an ambiguous prefix.
        """
        wanted = normalise(word)
        if wanted in self._by_word:
            return self._by_word[wanted]
        begun = [c for c in self.commands.values() if wanted and normalise(c.name).startswith(wanted)]
        if len(begun) > 1 and not params.find(word):
            names = ", ".join(f"/{command.name}" for command in begun)
            raise UsageError(f"/{word} may be {names}.", "Type one more letter.")
        return begun[0] if len(begun) == 1 and not params.find(word) else None

    def _unknown(self, word: str) -> UsageError:
        known = [*self._by_word, *(normalise(p.name) for p in params.PARAMS)]
        near = difflib.get_close_matches(normalise(word), known, n=1, cutoff=0.6)
        hint = "`/help` lists the commands; `//` at the start sends a slash."
        if near:
            found = self._by_word.get(near[0])
            name = found.name if found else params.param(near[0]).name
            hint = f"Did you mean /{name}? {hint}"
        return UsageError(f"There is no command /{word}; nothing was sent.", hint)


def is_command(line: str) -> bool:
    """Whether a line is a command: it begins with one slash, and its first word is no path."""
    first = line.split(maxsplit=1)[0] if line.strip() else ""
    return line.startswith("/") and not line.startswith("//") and "/" not in first[1:]


def _parameters(function: Callable[..., Result]) -> list[inspect.Parameter]:
    return list(inspect.signature(function).parameters.values())[1:]


def _usage(name: str, function: Callable[..., Result]) -> str:
    shown = []
    for parameter in _parameters(function):
        optional = parameter.default is not inspect.Parameter.empty
        shown.append(f"[{parameter.name}]" if optional else parameter.name.upper())
    return " ".join([f"/{name}", *shown])


def _bind(command: Command, rest: str) -> Sequence[str]:
    """The words of `rest` for the command's parameters; raises UsageError with the usage."""
    values: list[str] = []
    rest = rest.strip()
    for parameter in _parameters(command.run):
        if not rest:
            if parameter.default is inspect.Parameter.empty:
                raise UsageError(f"/{command.name} needs {parameter.name}.", f"Usage: {command.usage}")
            break
        if parameter.annotation is Rest:
            values.append(rest)
            rest = ""
        else:
            word, _, rest = rest.partition(" ")
            values.append(word)
            rest = rest.strip()
    if rest:
        raise UsageError(f"/{command.name} takes no {rest!r}.", f"Usage: {command.usage}")
    return values


def names(commands: Iterable[Command]) -> str:
    """The commands' names as one line."""
    return " ".join(f"/{command.name}" for command in commands)


_ASSIGNMENT = re.compile(r"\s*([A-Za-z][\w-]*)\s*=\s*")


def assignments(text: str) -> list[tuple[str, str]]:
    """`k v` or `k=v k2=v2 …` as pairs of parameter name and value text."""
    if not (first := _ASSIGNMENT.match(text)):
        name, _, value = text.strip().partition(" ")
        return [(name, value.strip())]
    pairs = []
    while first:
        following = next((m for m in _ASSIGNMENT.finditer(text, first.end()) if params.find(m[1])), None)
        value = text[first.end() : following.start() if following else None]
        pairs.append((first[1], value.strip()))
        first = following
    return pairs
