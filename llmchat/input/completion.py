"""What may come next in a line that is being typed: commands, parameters and values, with their meaning."""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from llmchat import params
from llmchat.chat import Chat
from llmchat.config import preferences
from llmchat.errors import UsageError
from llmchat.input.lines import MENTION
from llmchat.parameter import Param, show
from llmchat.params import normalise
from llmchat.registry import Choice, Command, File, Registry, arguments

_PARTS = re.compile(r"[-_./: ]")


@dataclass(frozen=True, slots=True)
class Completion:
    """`text` replaces the last `length` characters; `meaning` stands beside it."""

    text: str
    length: int
    meaning: str = ""


def complete(registry: Registry, chat: Chat, line: str) -> Iterator[Completion]:
    """What may stand at the end of `line`: of a command, or of a path after `@` in a message."""
    if mention := MENTION.search(line):
        for found in _paths(mention[1].replace("\\ ", " ")):
            yield replace(
                found, text=found.text.replace(" ", "\\ "), length=len(mention[1].rpartition("/")[2])
            )
        return
    if not line.startswith("/") or line.startswith("//") or "\n" in line:
        return
    word, space, rest = line[1:].partition(" ")
    if not space:
        yield from _fitting([*_macros(chat), *_commands(registry, word)], word)
        return
    param = params.find(word)
    try:
        command = registry.find(word)
    except UsageError:
        return
    if command is None:
        yield from _values(param, rest) if param else ()
    elif command.name == "set":
        yield from _assignment(command, chat, rest)
    elif command.name == "settings" and rest.count(" ") == 1:
        yield from _preference(rest)
    else:
        yield from _argument(command, chat, rest)


def _macros(chat: Chat) -> Iterator[Choice]:
    """The lines with a name of the user's own."""
    for name, lines in chat.macros.items():
        yield Choice(name, " ;; ".join(lines))


def _commands(registry: Registry, word: str) -> Iterator[Choice]:
    """Commands by name, aliases only once they are being typed, then the parameters."""
    wanted = normalise(word)
    for command in registry.commands.values():
        yield Choice(command.name, command.summary)
    for command in registry.commands.values():
        for alias in command.aliases:
            if wanted and normalise(alias).startswith(wanted):
                yield Choice(alias, f"/{command.name}: {command.summary}")
    for param in params.PARAMS:
        if param.name not in registry.commands:
            yield Choice(param.name, param.meaning)


def _assignment(command: Command, chat: Chat, rest: str) -> Iterator[Completion]:
    """For `/set`: names, and after a name its values; `k v` and `k=v k2=v2` alike."""
    last = rest.rpartition(" ")[2]
    name, equals, typed = last.partition("=")
    if equals:
        param = params.find(name)
        yield from _values(param, typed) if param else ()
    elif (param := params.find(rest.partition(" ")[0])) and rest.count(" ") == 1:
        yield from _values(param, last)
    else:
        yield from _fitting(command.completers["values"](chat), last)


def _preference(rest: str) -> Iterator[Completion]:
    name, _, typed = rest.partition(" ")
    known = preferences.find(name)
    yield from _values(known, typed) if known else ()


def _argument(command: Command, chat: Chat, rest: str) -> Iterator[Completion]:
    taken = arguments(command)
    if taken and taken[0].annotation is File:
        yield from _paths(rest)
        return
    *before, typed = rest.split(" ")
    if len(before) < len(taken) and (completer := command.completers.get(taken[len(before)].name)):
        yield from _fitting(completer(chat), typed)


def _paths(typed: str) -> Iterator[Completion]:
    """The files and folders whose path begins so; hidden ones only when the name's dot is there."""
    folder, begun = os.path.split(typed)
    try:
        with os.scandir(os.path.expanduser(folder) or ".") as entries:
            names = sorted((entry.name, entry.is_dir()) for entry in entries)
    except (OSError, ValueError):
        return
    for name, is_folder in names:
        if name.lower().startswith(begun.lower()) and (begun or name[0] != "."):
            yield Completion(name + "/" * is_folder, len(begun), "a folder" if is_folder else "")


def _values(param: Param, typed: str) -> Iterator[Completion]:
    default = "" if param.default is None else show(param.default)
    words = param.choices or (("on", "off") if param.type == "bool" else (default,) * bool(default))
    choices = [Choice(word, "the default" * (word == default)) for word in words]
    if not param.choices and param.type != "bool":
        choices.append(Choice(param.example, f"an example; {param.range}"))
    yield from _fitting([*choices, Choice("default", "as if it had not been set")], typed)


def _fitting(choices: Iterable[Choice], typed: str) -> Iterator[Completion]:
    """The choices that begin with what was typed, then those of which a later part does.

    When there is none of either, those that have its letters in this order.
    """
    wanted = normalise(typed)
    begun, later, loose = [], [], []
    for choice in choices:
        text = normalise(choice.text)
        if text.startswith(wanted):
            begun.append(choice)
        elif any(normalise(part).startswith(wanted) for part in _PARTS.split(choice.text)[1:]):
            later.append(choice)
        elif len(wanted) > 1 and _in_order(wanted, text):
            loose.append(choice)
    for choice in begun + later or loose:
        yield Completion(choice.text, len(typed), choice.meaning)


def _in_order(letters: str, text: str) -> bool:
    rest = iter(text)
    return all(letter in rest for letter in letters)
