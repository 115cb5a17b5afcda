"""Commands about what answers: servers and keys."""

from collections.abc import Iterator

from llmchat.amounts import counted, number_in
from llmchat.chat import Chat
from llmchat.commands.model_facts import facts
from llmchat.commands.parameters import changes
from llmchat.config.named_servers import NamedServer, checked_key
from llmchat.connection import Connection
from llmchat.errors import EngineError, UsageError
from llmchat.registry import NOTHING, Choice, Group, Rest
from llmchat.results import Ask, Result, Table
from llmchat.wire import address
from llmchat.wire.discovery import Found
from llmchat.wire.models import DEFAULT_MODEL

group = Group("Servers")
command = group.command


def _places(chat: Chat) -> Iterator[Choice]:
    for named in chat.settings.servers.values():
        yield Choice(named.name, _about_named(named))
    yield Choice("demo", "the practice model")
    for number, other in enumerate(chat.connection.others, 1):
        yield Choice(str(number), _line(other))


@command("host", "url", examples=("/server", "/server localhost:8080", "/server demo"), place=_places)
def server(chat: Chat, place: str = "") -> Result:
    """Show the server, or take another.

    That is an address, a name from the settings file, a number of the list, or `demo`, which starts
    the practice model. The conversation and the parameters stay.
    """
    if not place:
        return _servers(chat)
    before = chat.sampling
    connect(chat, chat.connection, place)
    named = chat.settings.servers.get(place)
    chat.take_model(named.model if named else "")
    if named and named.preset:
        chat.take_preset(named.preset)
    if chat.connection.found() is None:
        return not_known_yet(chat)
    suit_model(chat)
    return "\n".join([greeting(chat), *changes(chat, before)])


def suit_model(chat: Chat) -> str:
    """Take what presets set for the model that the server has, where it is known; what is said of it.

    Raises UsageError when the presets cannot be read.
    """
    before = chat.sampling
    found = chat.connection.found_so_far()
    if found and found.reachable:
        chat.suit_model()
    return "\n".join(changes(chat, before))


def connect(chat: Chat, connection: Connection, place: str) -> None:
    """Let a connection talk to a name, `demo`, a number of the list or an address; raises UsageError."""
    if named := chat.settings.servers.get(place):
        connection.connect(named)
    elif place.lower() == "demo":
        connection.run_model(None)
    elif (number := number_in(place)) is not None:
        connection.connect(_numbered(chat, number))
    else:
        connection.connect(address.parse(place))


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
    return "\n".join([*chat.connection.warnings, *_greeting(chat, found)])


def _greeting(chat: Chat, found: Found) -> list[str]:
    if found.wants_key:
        return [f"{found.title} at {found.address} wants a key: `/key` takes one, or LLMCHAT_API_KEY."]
    if found.reachable:
        return [f"{found.title} at {found.address} · model {chat.model}"]
    lines = [f"No server answers at {found.address}."]
    if found.fault:
        lines = [found.fault.sentence, found.fault.hint]
    lines += [f"  {n}  {_line(other)}" for n, other in enumerate(chat.connection.others, 1)]
    one = (
        "/server N takes one of these, /server URL another"
        if chat.connection.others
        else "/server URL takes another"
    )
    return [*lines, f"{one}, /server demo starts the practice model."]


def notable(chat: Chat) -> bool:
    """Whether the greeting says something that the user has not asked for."""
    found = chat.connection.found(timeout=0)
    if found is None:
        return False
    usual = chat.model in (DEFAULT_MODEL, chat.named_model)
    return not found.reachable or found.wants_key or not usual or bool(chat.connection.warnings)


def reachable(chat: Chat) -> Found:
    """What is known of the server; raises UsageError when it does not answer."""
    found = chat.connection.found()
    if found is None:
        raise UsageError(not_known_yet(chat), "Ask again in a moment.")
    if found.fault:
        raise UsageError(found.fault.sentence, found.fault.hint)
    if not found.reachable:
        raise UsageError(f"No server answers at {chat.connection.address}.", "`/server` shows what there is.")
    return found


def _servers(chat: Chat) -> Result:
    chat.connection.look_again()
    rows = [("" if n else "*", line) for n, line in enumerate(_current(chat))]
    rows += [(named.name, _about_named(named)) for named in chat.settings.servers.values()]
    rows += [(str(n), _line(other)) for n, other in enumerate(chat.connection.look_around(), 1)]
    caption = "`/server N` takes one of the list, `/server URL` another, `/server demo` the practice model."
    return Table(("", "server"), tuple(rows), caption)


def _current(chat: Chat) -> list[str]:
    """What the server is, what it wants and can, and what is wrong with what is known of it."""
    connection = chat.connection
    try:
        found = connection.found()
    except EngineError as error:
        return [error.sentence]
    if found is None:
        return [not_known_yet(chat)]
    name = f" ({connection.named.name})" if connection.named else ""
    if found.fault:
        return [found.fault.sentence, found.fault.hint, *connection.warnings]
    if not found.reachable:
        return [f"nothing answers at {found.address}{name}", *connection.warnings]
    model = found.model(chat.model)
    told = facts(model) if model else ""
    key = "with a key" if connection.client.key else "without a key"
    able = [key, *(word for word, can in _features(found) if can)]
    return [
        f"{_line(found)}{name}",
        f"model {chat.model}" + (f": {told}" if told else ""),
        ", ".join(able),
        *connection.warnings,
    ]


def _features(found: Found) -> tuple[tuple[str, bool], ...]:
    """What not every server does, and whether this one is known to."""
    kind = found.kind
    return (
        ("counts the tokens of a prompt", bool(kind.counts)),
        ("goes on with an answer (/continue)", kind.continues is not None),
        ("loads models (/load)", kind.loads and any(model.loaded is False for model in found.models)),
    )


def _about_named(named: NamedServer) -> str:
    model = f", model {named.model}" if named.model else ""
    key = f", key in {named.key_source}" if named.key_source else ""
    return f"{named.address}{model}{key}"


def _numbered(chat: Chat, number: int) -> address.Address:
    others = chat.connection.others or chat.connection.look_around()
    if not 1 <= number <= len(others):
        raise UsageError(f"There is no server number {number}.", "`/server` lists them.")
    return others[number - 1].address


def _line(found: Found) -> str:
    version = f" {found.version}" if found.version else ""
    return f"{found.title}{version} at {found.address} ({counted(len(found.models), 'model')})"
