"""Commands about lines under a name of the user's own."""

from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType

from llmchat.chat import Chat
from llmchat.config import settings_file
from llmchat.config.macros import checked
from llmchat.errors import UsageError
from llmchat.registry import NOTHING, Choice, Group, Rest
from llmchat.results import Result, Table

group = Group("Shortcuts")
command = group.command

_BETWEEN = ";;"


def _names(chat: Chat) -> Iterator[Choice]:
    for name, lines in chat.macros.items():
        yield Choice(name, _shown(lines))


@command(examples=("/alias", "/alias brief /system Answer in one sentence."), name=_names)
def alias(chat: Chat, name: str = "", line: Rest = NOTHING) -> Result:
    """Give a line a name, or list those that have one.

    `/brief` then stands for it. `$1` to `$9` are words typed after the name, `$*` the rest; a line
    without them gets the rest at its end. It is kept in the settings file; `/unalias` takes it away.
    A name goes before a command of the same name.
    """
    if not name:
        return _listed(chat)
    if not line:
        return f"/{name} is: {_shown(_known(chat, name))}"
    return _define(chat, name, (str(line),))


@command(examples=("/macro", "/macro calm /set temperature=0 ;; /system Be calm."), name=_names)
def macro(chat: Chat, name: str = "", lines: Rest = NOTHING) -> Result:
    """Give several lines a name, or list those that have one.

    Between the lines stands `;;` or a line end (Alt-Enter). Commands and messages may follow one
    another; the first that fails ends it. See `/alias` for `$1` and `$*`.
    """
    if not name:
        return _listed(chat)
    if not lines:
        return f"/{name} is: {_shown(_known(chat, name))}"
    parts = [part.strip() for line in lines.splitlines() for part in line.split(_BETWEEN)]
    return _define(chat, name, tuple(filter(None, parts)))


@command("unmacro", examples=("/alias brief /system Be brief.", "/unalias brief"), name=_names)
def unalias(chat: Chat, name: str) -> Result:
    """Take a name away, from the settings file too."""
    name = name.removeprefix("/")
    lines = _known(chat, name)
    if chat.settings.file:
        _take_out(chat.settings.file, lines, name)
    chat.macros = MappingProxyType({known: what for known, what in chat.macros.items() if known != name})
    return f"/{name} is gone. It was: {_shown(lines)}"


def _define(chat: Chat, name: str, lines: tuple[str, ...]) -> str:
    name = name.removeprefix("/")
    if not checked(name, lines):
        raise UsageError(f"/{name} has no line.", "`/alias NAME LINE` gives a line a name.")
    before = chat.macros.get(name)
    if chat.settings.file:
        settings_file.save(chat.settings.file, _table(lines), name, _value(lines))
        if before and _table(before) != _table(lines):
            _take_out(chat.settings.file, before, name)
    chat.macros = MappingProxyType({**chat.macros, name: lines})
    return f"/{name} is now: {_shown(lines)}"


def _take_out(file: Path, lines: tuple[str, ...], name: str) -> None:
    settings_file.edit(file, lambda text: settings_file.without(text, _table(lines), name))


def _table(lines: tuple[str, ...]) -> str:
    return "aliases" if len(lines) == 1 else "macros"


def _value(lines: tuple[str, ...]) -> str | list[str]:
    return lines[0] if len(lines) == 1 else list(lines)


def _known(chat: Chat, name: str) -> tuple[str, ...]:
    found = chat.macros.get(name.removeprefix("/"))
    if found is None:
        raise UsageError(f"No line has the name {name!r}.", "`/alias` lists those that have one.")
    return found


def _listed(chat: Chat) -> Result:
    if not chat.macros:
        return "No line has a name of its own yet. Like this: /alias brief /system Answer in one sentence."
    rows = tuple((f"/{name}", _shown(lines)) for name, lines in chat.macros.items())
    return Table(("name", "what it stands for"), rows)


def _shown(lines: tuple[str, ...]) -> str:
    return f" {_BETWEEN} ".join(lines)
