"""The slash commands, each one function."""

from llmchat import address, params
from llmchat.chat import Chat
from llmchat.discovery import Found
from llmchat.errors import UsageError
from llmchat.registry import NOTHING, Command, Quit, Registry, Rest, Result, Send, Table, assignments
from llmchat.servers import DEFAULT_MODEL, Model

registry = Registry()
command = registry.command


@command("h", "?")
def help_(chat: Chat, name: str = "") -> Result:
    """List the commands, or explain one, or a parameter."""
    if not name:
        rows = tuple(_help_row(each) for each in registry.commands.values())
        return Table(("command", "what it does"), rows, "`/help NAME` explains a command or parameter.")
    found = registry.find(name.removeprefix("/"))
    if found:
        aliases = " ".join(f"/{alias}" for alias in found.aliases)
        return "\n".join(filter(None, [found.usage, found.help, aliases and f"Also: {aliases}"]))
    param = params.param(name.removeprefix("/"))
    return _explain(chat, param)


@command("list", "ls")
def models(chat: Chat) -> Result:
    """List the models of the server."""
    chat.look_again()
    found = _reachable(chat)
    current = chat.model
    rows = tuple((_mark(m.id == current), m.id, _state(m)) for m in found.models)
    if not rows:
        return "The server lists no models."
    return Table(("", "model", "state"), rows, "`/model NAME` takes one.")


@command()
def model(chat: Chat, name: Rest = NOTHING) -> Result:
    """Show the model, or take another one; a part of its name is enough."""
    found = chat.found()
    if not name:
        why = "" if chat.named_model else " (chosen for you)"
        return f"The model is {chat.model}{why}."
    listed = [m.id for m in found.models] if found else []
    fitting = [id for id in listed if name.lower() in id.lower()]
    if name in listed or not listed:
        chat.named_model = name
    elif len(fitting) == 1:
        chat.named_model = fitting[0]
    elif fitting:
        raise UsageError(f"{name!r} may be {', '.join(fitting)}.", "Type more of the name.")
    else:
        chat.named_model = name
        return f"The model is now {name}; the server does not list it (`/models` does)."
    return f"The model is now {chat.named_model}."


@command("system_prompt", "sp")
def system(chat: Chat, text: Rest = NOTHING) -> Result:
    """Show the system prompt, set it, or take it away with `/system none`.

    It is sent before the conversation each time, and `/clear` keeps it.
    """
    if not text:
        return f"System prompt: {chat.system}" if chat.system else "There is no system prompt."
    chat.system = "" if text.lower() == "none" else str(text)
    return f"System prompt: {chat.system}" if chat.system else "There is no system prompt any more."


@command()
def set_(chat: Chat, values: Rest = NOTHING) -> Result:
    """Show all parameters, or set some: `/set top_p 0.9`, `/set top_k=40 seed=7`.

    `/set NAME default` goes back to the default. Every parameter is a command too: `/top_p 0.9`.
    """
    if not values:
        return _parameters(chat)
    sampling = chat.sampling
    pairs = assignments(values)
    if len(pairs) == 1 and not pairs[0][1]:
        return _explain(chat, params.param(pairs[0][0]))
    for name, value in pairs:
        unset = value.lower() in ("default", "none", "null")
        sampling = sampling.without(name) if unset else sampling.with_text(name, value, "command")
    chat.sampling = sampling
    return "\n".join(_told(chat, params.param(name)) for name, _ in pairs)


@command("new")
def clear(chat: Chat) -> Result:
    """Begin a new conversation; parameters, model and system prompt stay."""
    chat.clear()
    return "A new conversation. Parameters, model and system prompt stay."


@command("retry", "r")
def regen(chat: Chat) -> Result:
    """Ask the last question once more; the earlier answer is kept beside the new one."""
    return Send(None)


@command()
def undo(chat: Chat) -> Result:
    """Take the last question and its answer back."""
    return f"Took back: {chat.undo().message.content}"


@command("host", "url")
def server(chat: Chat, url: str = "") -> Result:
    """Show the server, or take another: an address, a number of the list, or `demo`.

    `demo` starts the practice model. The conversation and the parameters stay.
    """
    if not url:
        return _servers(chat)
    chat.named_model = ""
    if url.lower() == "demo":
        chat.run_model(None)
    elif url.isdecimal() and int(url) <= 99:
        chat.connect(_numbered(chat, int(url)))
    else:
        chat.connect(address.parse(url))
    found = chat.found()
    if found and found.reachable:
        return greeting(chat)
    return f"No server answers at {chat.address} yet."


@command("quit", "bye", "q")
def exit_(chat: Chat) -> Result:
    """Leave; Ctrl-D does the same."""
    return Quit()


def greeting(chat: Chat) -> str:
    """One line, or a few, about the server: what it is, or what was tried and what there is instead."""
    found = chat.found(timeout=0)
    if found is None:
        return ""
    if found.wants_key:
        return f"{found.title} at {found.address} wants a key: set LLMCHAT_API_KEY and start again."
    if found.reachable:
        return f"{found.title} at {found.address} · model {chat.model}"
    lines = [f"No server answers at {found.address}."]
    lines += [f"  {n}  {_line(other)}" for n, other in enumerate(chat.others, 1)]
    number = "/server N takes one of these, " if chat.others else ""
    lines.append(f"{number}/server URL another, /server demo starts the practice model.")
    return "\n".join(lines)


def notable(chat: Chat) -> bool:
    """Whether the greeting says something that the user has not asked for."""
    found = chat.found(timeout=0)
    if found is None:
        return False
    usual = chat.model in (DEFAULT_MODEL, chat.named_model)
    return not found.reachable or found.wants_key or not usual


def _help_row(each: Command) -> tuple[str, str]:
    return each.usage, each.help.partition("\n")[0]


def _reachable(chat: Chat) -> Found:
    found = chat.found()
    if found is None or not found.reachable:
        raise UsageError(f"No server answers at {chat.address}.", "`/server` shows what there is.")
    return found


def _servers(chat: Chat) -> Result:
    chat.look_again()
    found = chat.found()
    assert found
    rows = [("", _line(found) if found.reachable else f"nothing answers at {found.address}")]
    rows += [(str(n), _line(other)) for n, other in enumerate(chat.look_around(), 1)]
    caption = "`/server N` takes one of the list, `/server URL` another, `/server demo` the practice model."
    return Table(("", "server"), tuple(rows), caption)


def _numbered(chat: Chat, number: int) -> address.Address:
    others = chat.others or chat.look_around()
    if not 1 <= number <= len(others):
        raise UsageError(f"There is no server number {number}.", "`/server` lists them.")
    return others[number - 1].address


def _line(found: Found) -> str:
    count = len(found.models)
    models = "1 model" if count == 1 else f"{count} models"
    return f"{found.title} at {found.address} ({models})"


def _mark(current: bool) -> str:
    return "*" if current else ""


def _state(listed: Model) -> str:
    if listed.embedding:
        return "not for chat"
    return {True: "loaded", False: "not loaded", None: ""}[listed.loaded]


def _parameters(chat: Chat) -> Table:
    rows = []
    for param in params.PARAMS:
        setting = chat.sampling.get(param.name)
        value = show(setting.value) if setting else ""
        rows.append((param.name, value, setting.origin if setting else "", param.range))
    rows.sort(key=lambda row: (row[2] in ("", "default"), row[1] == ""))
    return Table(("parameter", "value", "from", "range"), tuple(rows), "`/help NAME` explains one.")


def _told(chat: Chat, param: params.Param) -> str:
    setting = chat.sampling.get(param.name)
    if setting is None:
        return f"{param.name} is not sent."
    note = ""
    found = chat.found(timeout=0)
    if found and setting.origin != "default" and not param.honoured_by(found.kind.name):
        left_out = "leaves it out" if found.kind.refuses_unknown else "ignores it"
        note = f" ({found.kind.title} {left_out})"
    return f"{param.name} is {show(setting.value)}{note}."


def _explain(chat: Chat, param: params.Param) -> str:
    return f"{_told(chat, param)}\n{param.meaning}\nIt is {param.range}."


def show(value: object) -> str:
    """A parameter's value as people write it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)
