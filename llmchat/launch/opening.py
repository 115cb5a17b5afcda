"""What a chat begins with: where it is kept, the conversation that it goes on with, its server."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from llmchat.config import settings as settings_of
from llmchat.config.settings import Settings
from llmchat.errors import UsageError

if TYPE_CHECKING:
    from llmchat.chat import Chat
    from llmchat.results import Turns

STORE = "chats.db"
"""The name of the store's file in the data folder."""

_SAID_LINES = 8


def where_kept(chat: "Chat") -> str:
    """On the first run, where chats are kept."""
    path = chat.keeping.path
    return f"Chats are kept in {path.parent} (--no-store keeps none)." if path and not path.exists() else ""


def store_of(settings: Settings, flags: argparse.Namespace) -> Path | None:
    """The file that chats are kept in; None when they are not to be kept."""
    if flags.no_store or not settings.preferences.store:
        return None
    return settings_of.data_folder(os.environ) / STORE


def resume_or_connect(
    chat: "Chat", flags: argparse.Namespace, then: Callable[[], None] | None
) -> "Turns | None":
    """Go on with a stored conversation if a flag says so, and connect; what there is to show of it."""
    from llmchat.commands.chats import meant, opened
    from llmchat.store.restoring import restore

    if not flags.go_on and flags.open is None:
        connect(chat, flags, then)
        return None
    id = meant(chat, flags.open) if flags.open is not None else chat.keeping.do(lambda store: store.last())
    if id is None:
        raise UsageError("There is no conversation to go on with.", "Without -c a new one begins.")
    asked = chat.open(id)
    own_server = bool(flags.url or flags.demo or flags.local)
    if asked:
        own = {"server": own_server, "model": bool(flags.model), "system": flags.system is not None}
        restore(chat, asked, **{name: not given for name, given in own.items()}, then=then)
    if own_server or not asked:
        connect(chat, flags, then)
    return opened(chat)


def attach_files(chat: "Chat", flags: argparse.Namespace) -> str:
    """Let the files of the flags go with the first message; what is said about it. Raises UsageError."""
    from llmchat.commands.attachments import attach

    return "\n".join(attach(chat, path) for path in flags.file)


def connect(chat: "Chat", flags: argparse.Namespace, then: Callable[[], None] | None) -> None:
    if flags.demo:
        chat.connection.run_model(None, then)
    elif flags.local:
        chat.connection.run_model(Path(flags.local), then)
    else:
        chat.connection.start(then)
        if chat.settings.server and chat.settings.server.preset:
            chat.take_preset(chat.settings.server.preset)


def say(text: str) -> None:
    """Write to standard error: a server's words made safe, and no more than a few lines of them."""
    if not text:
        return
    from llmchat.terminal.sanitize import safe

    lines = safe(text).splitlines()
    sys.stderr.write("\n".join(lines[:_SAID_LINES] + ["…"] * (len(lines) > _SAID_LINES)) + "\n")
