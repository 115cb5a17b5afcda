"""Servers with a name of their own: the tables `[servers.NAME]` of the settings file.

A key never stands there: `key_env` names an environment variable that holds it, `key_file` a file.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from llmchat.errors import UsageError, reason
from llmchat.wire import address
from llmchat.wire.address import Address

_TEXTS = ("url", "key_env", "key_file", "model", "preset", "ca_file")
_KNOWN = (*_TEXTS, "headers", "context")
_READABLE_BY_OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class Access:
    """What is needed to talk to a server, besides its address.

    `ca_file` is the authority that signs its certificate, "" for those that the system trusts.
    `warnings` say what is wrong with what the settings file tells.
    """

    key: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    ca_file: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NamedServer:
    """One table. `context` is the window in tokens where the server does not tell it, or tells it wrong."""

    name: str
    address: Address
    key_env: str = ""
    key_file: str = ""
    model: str = ""
    preset: str = ""
    ca_file: str = ""
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    context: int | None = None

    def access(self, environ: Mapping[str, str] = os.environ) -> Access:
        """Its key, read now, and the rest; what cannot be read is left out with a warning."""
        warnings: list[str] = []
        key = ""
        if self.key_env:
            key = environ.get(self.key_env, "").strip()
            if not key:
                warnings.append(f"{self.key_env}, which is to hold the key of {self.name}, is not set.")
        elif self.key_file:
            key = _key_in(Path(os.path.expanduser(self.key_file)), warnings)
        try:
            key = checked_key(key, f"The key of {self.name}")
        except UsageError as error:
            warnings.append(error.sentence)
            key = ""
        ca_file = os.path.expanduser(self.ca_file)
        if ca_file and not Path(ca_file).is_file():
            warnings.append(f"There is no CA file {ca_file}.")
        return Access(key, self.headers, ca_file, tuple(warnings))

    @property
    def key_source(self) -> str:
        """Where its key comes from; "" when it has none."""
        return self.key_env or self.key_file


def checked_key(text: str, name: str = "The key") -> str:
    """A key without blanks around it; raises UsageError when it cannot be sent in a header."""
    key = text.strip()
    if not _sendable(key):
        raise UsageError(f"{name} has a character that cannot be sent.", "Was something else pasted?")
    return key


def _sendable(text: str) -> bool:
    """Whether a text can stand in a header."""
    return text.isascii() and text.isprintable()


def read(tables: Mapping[str, Any]) -> Mapping[str, NamedServer]:
    """The servers of the settings file's table `servers`, by name; raises UsageError."""
    return MappingProxyType({name: _read(name, table) for name, table in tables.items()})


def _read(name: str, table: Any) -> NamedServer:
    where = f"[servers.{name}]"
    if name.isdecimal() or name.lower() == "demo" or any(char.isspace() for char in name) or not name:
        raise UsageError(f"A server cannot be called {name!r}.", "/server means something else by that.")
    if not isinstance(table, dict) or not isinstance(table.get("url"), str):
        raise UsageError(f"{where} needs a url.", 'Like this: url = "http://localhost:8080"')
    if "key" in table:
        raise _with_key(f"{where} has a key in it")
    if unknown := [key for key in table if key not in _KNOWN]:
        raise UsageError(f"{where} has an unknown key {unknown[0]!r}.", f"Known keys: {', '.join(_KNOWN)}.")
    for key in _TEXTS:
        if not isinstance(table.get(key, ""), str):
            raise UsageError(f"{key} of {where} is a text, not {table[key]!r}.")
    if "key_env" in table and "key_file" in table:
        raise UsageError(f"{where} has both key_env and key_file.", "One of them holds the key.")
    texts = {key: table[key] for key in _TEXTS if key in table and key != "url"}
    server = address.parse(table["url"])
    return NamedServer(name, server, headers=_headers(where, table), context=_context(where, table), **texts)


def _with_key(told: str) -> UsageError:
    return UsageError(
        f"{told}, which does not belong into a file of settings.",
        "`key_env` names an environment variable that holds it, `key_file` a file.",
    )


def _headers(where: str, table: Mapping[str, Any]) -> Mapping[str, str]:
    headers = table.get("headers", {})
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise UsageError(f"headers of {where} is a table of texts.", 'Like this: headers = {X-Team = "a"}')
    if "authorization" in (name.lower() for name in headers):
        raise _with_key(f"{where} has a key in its headers")
    if not all(_sendable(text) for pair in headers.items() for text in pair):
        raise UsageError(f"headers of {where} has a character that cannot be sent.")
    return MappingProxyType(headers)


def _context(where: str, table: Mapping[str, Any]) -> int | None:
    context = table.get("context")
    if context is not None and (isinstance(context, bool) or not isinstance(context, int) or context < 1):
        raise UsageError(f"context of {where} is a number of tokens, not {context!r}.")
    return context


def _key_in(file: Path, warnings: list[str]) -> str:
    """The key that a file holds; a warning when there is none, or when others may read it."""
    try:
        key = file.read_text(encoding="utf-8").strip()
        mode = file.stat().st_mode
    except (OSError, ValueError) as error:
        warnings.append(f"The key file {file} cannot be read: {reason(error)}.")
        return ""
    if sys.platform != "win32" and mode & _READABLE_BY_OTHERS:
        warnings.append(f"The key file {file} can be read by others: chmod 600 {file}")
    return key
