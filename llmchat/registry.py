"""What a slash command is: one decorated function. Name, usage, help, completion and docs are read from it.

The function takes the chat and then the words of the line: a parameter annotated `str` takes one
word, `Rest` or `File` the rest of the line; a default makes it optional. It returns what should happen, a
`Result`, and never prints.
"""

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NewType

from llmchat import params
from llmchat.chat import Chat
from llmchat.config.macros import NONE, Macros, expanded
from llmchat.config.preferences import PREFERENCES
from llmchat.errors import UsageError
from llmchat.input.lines import split_command, unquoted
from llmchat.params import normalise
from llmchat.results import Perform, Result

Rest = NewType("Rest", str)
"""The rest of the line, spaces and all."""

NOTHING = Rest("")

File = NewType("File", str)
"""The rest of the line, which is a path: completed from the folder, quotes around it taken off."""

NO_FILE = File("")


@dataclass(frozen=True, slots=True)
class Choice:
    """A word that completes a line, and what it means."""

    text: str
    meaning: str = ""


Completer = Callable[[Chat], Iterable[Choice]]
"""What may stand at one place of a command's line."""


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command, as read from its function."""

    name: str
    aliases: tuple[str, ...]
    usage: str
    help: str
    examples: tuple[str, ...]
    completers: Mapping[str, Completer]
    run: Callable[..., Result]

    @property
    def summary(self) -> str:
        """The first line of its help."""
        return self.help.partition("\n")[0]

    @property
    def words(self) -> tuple[str, ...]:
        """All that it is called by."""
        return (self.name, *self.aliases)


class Group:
    """The commands of one subject; each file of commands has one."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.commands: list[Command] = []

    def command(
        self, *aliases: str, examples: Sequence[str] = (), **completers: Completer
    ) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
        """Make the decorated function a command of its name; `completers` by parameter."""

        def register(function: Callable[..., Result]) -> Callable[..., Result]:
            name = function.__name__.rstrip("_")
            help_text = inspect.cleandoc(function.__doc__ or "")
            shown = tuple(examples) or (f"/{name}",)
            usage = _usage(name, function)
            made = Command(name, aliases, usage, help_text, shown, completers, function)
            self.commands.append(made)
            return function

        return register


class Registry:
    """All commands, and how a line finds its own."""

    def __init__(self, *groups: Group) -> None:
        self.groups = groups
        self.commands = {command.name: command for group in groups for command in group.commands}
        self._by_word = {
            normalise(word): command for command in self.commands.values() for word in command.words
        }

    def run(self, chat: Chat, line: str, macros: Macros = NONE) -> Result:
        """Run a line that begins with a slash; raises UsageError when there is no such command."""
        if lines := expanded(macros, line):
            return Perform(lines)
        word, rest = split_command(line)
        if "=" in word and params.find(word.partition("=")[0]):
            word, rest = "set", f"{word} {rest}"
        command = self.find(word)
        if command is None and (param := params.find_begun(word)):
            command, rest = self.commands["set"], f"{param.name} {rest}"
        if command is None:
            params.refuse_elsewhere(word)
            raise self._unknown(word)
        return command.run(chat, *bind(command, rest))

    def find(self, word: str) -> Command | None:
        """The command meant by a word: by its name, an alias, or a prefix that no other begins with.

        None when a parameter is meant, or nothing. Raises UsageError for an ambiguous prefix.
        """
        wanted = normalise(word)
        if wanted in self._by_word:
            return self._by_word[wanted]
        if not wanted or params.find(word):
            return None
        begun = [c for c in self.commands.values() if normalise(c.name).startswith(wanted)]
        if len(begun) > 1:
            names = ", ".join(f"/{command.name}" for command in begun)
            raise UsageError(f"/{word} may be {names}.", "Type one more letter.")
        return begun[0] if begun else None

    def knows(self, word: str) -> bool:
        """Whether a word means a command or a parameter, or may mean several."""
        try:
            return self.find(word) is not None or params.find_begun(word) is not None
        except UsageError:
            return True

    def _unknown(self, word: str) -> UsageError:
        names = [word for command in self.commands.values() for word in command.words]
        names += [param.name for param in params.PARAMS]
        known = {normalise(setting.name): f"/settings {setting.name}" for setting in PREFERENCES}
        known |= {normalise(name): f"/{name}" for name in names}
        hint = "`/help` lists the commands; `//` at the start sends a slash."
        near = difflib.get_close_matches(normalise(word), known, n=1, cutoff=0.6)
        if near:
            hint = f"Did you mean {known[near[0]]}? {hint}"
        return UsageError(f"There is no command /{word}; nothing was sent.", hint)


def arguments(command: Command) -> list[inspect.Parameter]:
    """What a command takes after the chat."""
    return list(inspect.signature(command.run).parameters.values())[1:]


def bind(command: Command, rest: str) -> Sequence[str]:
    """The words of `rest` for the command's parameters; raises UsageError with the usage."""
    values: list[str] = []
    rest = rest.strip()
    for parameter in arguments(command):
        if parameter.annotation is File:
            rest = unquoted(rest)
        if not rest:
            if parameter.default is inspect.Parameter.empty:
                raise UsageError(f"/{command.name} needs {parameter.name}.", f"Usage: {command.usage}")
            break
        if parameter.annotation in (Rest, File):
            values.append(rest)
            rest = ""
        else:
            word, *following = rest.split(maxsplit=1)
            values.append(word)
            rest = following[0] if following else ""
    if rest:
        raise UsageError(f"/{command.name} takes no {rest!r}.", f"Usage: {command.usage}")
    return values


def _usage(name: str, function: Callable[..., Result]) -> str:
    shown = []
    for parameter in list(inspect.signature(function).parameters.values())[1:]:
        if parameter.name.startswith("_"):
            continue  # taken only to say something better about it
        optional = parameter.default is not inspect.Parameter.empty
        shown.append(f"[{parameter.name}]" if optional else parameter.name.upper())
    return " ".join([f"/{name}", *shown])
