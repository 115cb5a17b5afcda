"""`--doctor`: what is installed, where things are kept, which servers answer; a line each, with a hint."""

import os
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from llmchat.amounts import size_text
from llmchat.config import settings as settings_of
from llmchat.config.named_servers import NamedServer
from llmchat.config.settings import Settings
from llmchat.connection import Connection
from llmchat.errors import UsageError
from llmchat.launch.opening import STORE
from llmchat.wire.address import Address
from llmchat.wire.discovery import PATIENCE, Found

_NEEDED = ("requests", "urllib3", "prompt_toolkit", "rich")
_OPTIONAL = (
    ("xllamacpp", "local", "runs models here, for --demo and --local"),
    ("huggingface_hub", "local", "fetches models, for --local"),
    ("pillow", "images", "scales images down"),
    ("jsonschema", "schema", "validates answers, for /schema"),
)
_NAMED = 3
"""Models that a line names."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. `state` is "ok", "none" for what is not there and need not be, or "wrong"."""

    state: Literal["ok", "none", "wrong"]
    subject: str
    told: str

    def __str__(self) -> str:
        return f"{self.state:<6} {self.subject:<9} {self.told}"


def examine(load: Callable[[], Settings]) -> Iterator[Finding]:
    """All findings, as they are made. `load` tells the settings, and may raise UsageError."""
    python = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    yield Finding("ok", "llmchat", f"{version('llmchat')}, {python}, at {Path(__file__).parents[1]}")
    yield from _packages()
    settings = Settings()
    try:
        settings = load()
        yield _settings_file(settings)
    except UsageError as error:
        yield Finding("wrong", "settings", error.whole)
    yield _place("chats", settings_of.data_folder(os.environ) / STORE)
    yield from _servers(settings)


def _packages() -> Iterator[Finding]:
    for name in _NEEDED:
        try:
            yield Finding("ok", "package", f"{name} {version(name)}")
        except PackageNotFoundError:
            yield Finding("wrong", "package", f"{name} is missing: install llmchat again.")
    for name, extra, purpose in _OPTIONAL:
        try:
            yield Finding("ok", "package", f"{name} {version(name)}, {purpose}")
        except PackageNotFoundError:
            hint = f"in llmchat's folder: pip install '.[{extra}]'"
            yield Finding("none", "package", f"{name} {purpose}; not installed ({hint})")


def _settings_file(settings: Settings) -> Finding:
    file = settings.file
    if file is None or not file.exists():
        return Finding("none", "settings", f"{file}, not written yet; `/settings` and `--save` do")
    return _place("settings", file)


def _place(subject: str, file: Path) -> Finding:
    """A file that llmchat writes, or would."""
    if file.exists():
        size = size_text(file.stat().st_size)
        if os.access(file, os.R_OK | os.W_OK):
            return Finding("ok", subject, f"{file}, {size}")
        return Finding(
            "wrong", subject, f"{file}, {size}, cannot be written: are the rights as they should be?"
        )
    parent = next(folder for folder in file.parents if folder.exists())
    if parent.is_dir() and os.access(parent, os.W_OK):
        return Finding("none", subject, f"{file}, not written yet")
    return Finding("wrong", subject, f"{file} cannot be written: LLMCHAT_HOME may name another folder")


def _servers(settings: Settings) -> Iterator[Finding]:
    """The server that is set, those with names, and those on the known ports; all are asked at once."""
    current = settings.server or settings.address
    named = [server for server in settings.servers.values() if server is not current]
    places: list[Address | NamedServer] = [current, *named]
    connections = [Connection(settings) for _ in places]
    for connection, place in zip(connections, places, strict=True):
        connection.connect(place)
    deadline = time.monotonic() + PATIENCE
    others = connections[0].look_around()
    for place, connection in zip(places, connections, strict=True):
        found = connection.found(max(0.0, deadline - time.monotonic()))
        name = f"{place.name}, " if isinstance(place, NamedServer) else ""
        yield _server(found, f"{name}{connection.address}", place is current, bool(others))
    known = {connection.address for connection in connections}
    for other in others:
        if other.address not in known:
            yield _server(other, str(other.address), False, False)
    for connection in connections:
        connection.close()


def _server(found: Found | None, where: str, needed: bool, others: bool) -> Finding:
    """A server; `needed` when it is the one that is set."""
    if found and found.fault:
        return Finding("wrong", "server", f"{where}: {found.fault.whole}")
    if found is None or not found.reachable:
        hint = "`llmchat -u URL` takes one of those below" if others else "start one, or try `llmchat --demo`"
        return Finding("wrong" if needed else "none", "server", f"{where} does not answer; {hint}")
    title = " ".join(filter(None, [found.title, found.version]))
    if found.wants_key:
        return Finding("wrong", "server", f"{where} is {title}, and wants a key: LLMCHAT_API_KEY holds one")
    models = [f"{model.id} (loaded)" if model.loaded else model.id for model in found.models]
    more = f" and {len(models) - _NAMED} more" if len(models) > _NAMED else ""
    listed = ", ".join(models[:_NAMED]) + more if models else "no model: load one there"
    return Finding("ok", "server", f"{where} is {title}: {listed}")
