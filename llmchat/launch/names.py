"""Names for the shells to complete, of servers, models, chats and commands: `llmchat --names KIND WORD…`.

Nothing is written, no file is made, and where something is wrong there are no names: whoever presses
Tab has not asked for an error.
"""

import argparse
import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

from llmchat.config import settings as settings_of
from llmchat.errors import LlmchatError
from llmchat.launch.flags import settings_of_line
from llmchat.launch.opening import STORE
from llmchat.terminal.sanitize import safe, safe_line

_PATIENCE = 1.0
"""Seconds that a server has to list its models."""

_CHATS = 1000

Name = tuple[str, str]
"""A word that may stand on the command line, and its meaning."""


def names(kind: str, words: Sequence[str]) -> Iterator[str]:
    """The names of one kind, a line each, a tab before the meaning.

    `words` are those of the line that is being typed, with "" for the one to be completed.
    """
    with contextlib.suppress(LlmchatError, argparse.ArgumentError):
        for name, meaning in _KINDS[kind](words) if kind in _KINDS else ():
            if _can_be_typed(name):
                yield f"{name}\t{safe_line(meaning)}" if meaning else name


def _can_be_typed(name: str) -> bool:
    """Whether a foreign text is harmless as it is, and no flag: made safe, it would name nothing."""
    return safe(name) == name and not name.startswith("-") and bool(name) and not {*"\n\t"} & {*name}


def _servers(_: Sequence[str]) -> Iterator[Name]:
    """Those of the settings file, then where servers usually listen on this machine."""
    from llmchat.wire.servers import KINDS, LOCAL_PORTS

    for named in settings_of.load().servers.values():
        yield named.name, str(named.address)
    for port in LOCAL_PORTS:
        yield f"localhost:{port}", ", ".join(kind.title for kind in KINDS if kind.port == port)


def _models(words: Sequence[str]) -> Iterator[Name]:
    """Those that the line's server lists in time."""
    settings = settings_of_line(words)
    if settings is None:
        return
    from llmchat.connection import Connection
    from llmchat.wire.pages import listed, text

    client = Connection(settings).client
    found: list[str] = []

    def ask() -> None:
        found[:] = [text(model.get("id")) for model in listed(client.get, "/v1/models")]

    # Its own time-outs are for each piece that comes; a name may take long to be looked up, too.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(_PATIENCE)
    yield from ((id, "") for id in found)


def _chats(_: Sequence[str]) -> Iterator[Name]:
    """Their titles, the last changed first; the number where the title cannot stand on a line."""
    path = settings_of.data_folder(os.environ) / STORE
    if not path.exists():
        return
    from llmchat.store.database import Database
    from llmchat.store.reading import Reading

    with contextlib.closing(Database(path, writes=False)) as database:
        for chat in Reading(database).chats(limit=_CHATS):
            # What looks like a number is taken for one.
            by_title = _can_be_typed(chat.title) and not chat.title.removeprefix("#").isdecimal()
            yield (chat.title, "") if by_title else (str(chat.id), chat.title)


def _commands(_: Sequence[str]) -> Iterator[Name]:
    from llmchat.commands import registry
    from llmchat.params import PARAMS

    for name, lines in settings_of.load().macros.items():
        yield f"/{name}", " ;; ".join(lines)
    for command in registry.commands.values():
        yield f"/{command.name}", command.summary
    for param in PARAMS:
        if param.name not in registry.commands:
            yield f"/{param.name}", param.meaning


_KINDS: Mapping[str, Callable[[Sequence[str]], Iterator[Name]]] = MappingProxyType(
    {"servers": _servers, "models": _models, "chats": _chats, "commands": _commands}
)
