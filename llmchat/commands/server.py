"""Commands about what answers: servers and keys."""

from collections.abc import Iterator

from llmchat.chat import Chat
from llmchat.errors import EngineError, UsageError
from llmchat.registry import NOTHING, Ask, Choice, Group, Rest, Result, Table
from llmchat.settings import checked_key
from llmchat.wire import address
from llmchat.wire.discovery import Found
from llmchat.wire.models import DEFAULT_MODEL

group = Group("Servers")
command = group.command


def _places(chat: Chat) -> Iterator[Choice]:
    yield Choice("demo", "the practice model")
    for number, other in enumerate(chat.connection.others, 1):
        yield Choice(str(number), _line(other))


@command("host", "url", examples=("/server", "/server localhost:8080", "/server demo"), url=_places)
def server(chat: Chat, url: str = "") -> Result:
    """Show the server, or take another.

    That is an address, a number of the list, or `demo`, which starts the practice model.
    The conversation and the parameters stay.
    """
    if not url:
        return _servers(chat)
    if url.lower() == "demo":
        chat.connection.run_model(None)
    elif url.isdecimal():
        chat.connection.connect(_numbered(chat, int(url)))
    else:
        chat.connection.connect(address.parse(url))
    chat.named_model = ""
    return greeting(chat) if chat.connection.found() else not_known_yet(chat)


def not_known_yet(chat: Chat) -> str:
    """What there is to say while nothing is known of the server."""
    if chat.connection.address is None:
        return "llama.cpp is still loading the model; a question waits for it."
    return f"{chat.connection.address} has not answered yet."


@command("api_key", "login", examples=("/key",))
def key(chat: Chat, _typed: Rest = NOTHING) -> Result:
    """Enter a key for the current server.

    It is not shown, kept in memory only, and sent nowhere else.
    """
    if _typed:
        raise UsageError(
            "A key does not belong into a line that stays on the screen.", "`/key` alone asks for it."
        )

    def use(key: str) -> Result:
        if not key.strip():
            return "The key stays as it was."
        chat.connection.use_key(checked_key(key))
        return greeting(chat) if chat.connection.found() else "The key is set."

    return Ask(f"Key for {chat.connection.client.address}", use, hidden=True)


def greeting(chat: Chat) -> str:
    """One line, or a few, about the server: what it is, or what was tried and what there is instead."""
    found = chat.connection.found(timeout=0)
    if found is None:
        return ""
    if found.wants_key:
        return f"{found.title} at {found.address} wants a key: `/key` takes one, or LLMCHAT_API_KEY."
    if found.reachable:
        return f"{found.title} at {found.address} · model {chat.model}"
    lines = [f"No server answers at {found.address}."]
    lines += [f"  {n}  {_line(other)}" for n, other in enumerate(chat.connection.others, 1)]
    number = "/server N takes one of these, " if chat.connection.others else ""
    lines.append(f"{number}/server URL another, /server demo starts the practice model.")
    return "\n".join(lines)


def notable(chat: Chat) -> bool:
    """Whether the greeting says something that the user has not asked for."""
    found = chat.connection.found(timeout=0)
    if found is None:
        return False
    usual = chat.model in (DEFAULT_MODEL, chat.named_model)
    return not found.reachable or found.wants_key or not usual


def reachable(chat: Chat) -> Found:
    """What is known of the server; raises UsageError when it does not answer."""
    found = chat.connection.found()
    if found is None:
        raise UsageError(not_known_yet(chat), "Ask again in a moment.")
    if not found.reachable:
        raise UsageError(f"No server answers at {chat.connection.address}.", "`/server` shows what there is.")
    return found


def _servers(chat: Chat) -> Result:
    chat.connection.look_again()
    rows = [("", _current(chat))]
    rows += [(str(n), _line(other)) for n, other in enumerate(chat.connection.look_around(), 1)]
    caption = "`/server N` takes one of the list, `/server URL` another, `/server demo` the practice model."
    return Table(("", "server"), tuple(rows), caption)


def _current(chat: Chat) -> str:
    try:
        found = chat.connection.found()
    except EngineError as error:
        return error.sentence
    if found is None:
        return not_known_yet(chat)
    return _line(found) if found.reachable else f"nothing answers at {found.address}"


def _numbered(chat: Chat, number: int) -> address.Address:
    others = chat.connection.others or chat.connection.look_around()
    if not 1 <= number <= len(others):
        raise UsageError(f"There is no server number {number}.", "`/server` lists them.")
    return others[number - 1].address


def _line(found: Found) -> str:
    count = len(found.models)
    models = "1 model" if count == 1 else f"{count} models"
    return f"{found.title} at {found.address} ({models})"
