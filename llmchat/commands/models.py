"""Commands about the models of the server."""

from collections.abc import Iterator

from llmchat.chat import Chat
from llmchat.commands.server import reachable
from llmchat.errors import UsageError
from llmchat.registry import NOTHING, Choice, Group, Rest, Result, Table
from llmchat.wire.models import Model

group = Group("Models")
command = group.command


def _listed(chat: Chat) -> Iterator[Choice]:
    found = chat.connection.found_so_far()
    for listed in found.models if found else ():
        yield Choice(listed.id, facts(listed))


@command("list", "ls", examples=("/models",))
def models(chat: Chat) -> Result:
    """List the models of the server.

    With each stands all that the server tells of it. The context is the window in tokens that a
    request has, then the largest that the model is made for.
    """
    chat.connection.look_again()
    found = reachable(chat)
    current = chat.model
    rows = [_row(listed, "*" if listed.id == current else "") for listed in found.models]
    if not rows:
        return "The server lists no models."
    heads = ("", "model", "state", "context", "size", "", "can")
    # A column in which nobody says anything says nothing.
    used = [n for n in range(len(heads)) if n < 2 or any(row[n] for row in rows)]
    return Table(
        tuple(heads[n] for n in used),
        tuple(tuple(row[n] for n in used) for row in rows),
        "`/model NAME` takes one.",
        one_line=True,
    )


def _row(listed: Model, mark: str) -> tuple[str, ...]:
    return mark, listed.id, _state(listed), _windows(listed), _size(listed), listed.quantisation, _can(listed)


def facts(listed: Model) -> str:
    """All that is told of a model, on one line."""
    told = (_state(listed), _windows(listed), _size(listed), listed.quantisation, _can(listed))
    return " · ".join(filter(None, told))


def _state(listed: Model) -> str:
    if listed.embedding:
        return "not for chat"
    return listed.state or {True: "loaded", False: "not loaded", None: ""}[listed.loaded]


def _windows(listed: Model) -> str:
    """The window that a request has, and the largest there could be."""
    now = f"{listed.context:,}" if listed.context else ""
    if listed.max_context in (None, listed.context):
        return now
    return f"{now} of {listed.max_context:,}" if now else f"up to {listed.max_context:,}"


def _size(listed: Model) -> str:
    if listed.size is None:
        return ""
    return f"{listed.size / 1e9:.1f} GB" if listed.size >= 1e8 else f"{listed.size / 1e6:.0f} MB"


def _can(listed: Model) -> str:
    able = (("vision", listed.vision), ("tools", listed.tools), ("reasoning", listed.reasoning))
    return " ".join(name for name, known in able if known)


@command(examples=("/model", "/model qwen"), name=_listed)
def model(chat: Chat, name: Rest = NOTHING) -> Result:
    """Show the model, or take another.

    A part of its name is enough.
    """
    found = chat.connection.found()
    listed = {m.id: m for m in found.models} if found else {}
    if not name:
        why = "" if chat.named_model else " (chosen for you)"
        told = facts(listed[chat.model]) if chat.model in listed else ""
        return f"The model is {chat.model}{why}." + (f"\n{told}" if told else "")
    chat.named_model = meant(tuple(listed), name)
    if chat.named_model not in listed and listed:
        return f"The model is now {name}; the server does not list it (`/models` does)."
    return f"The model is now {chat.named_model}."


def meant(listed: tuple[str, ...], name: str) -> str:
    """The listed model that has this in its name, else the name itself; raises UsageError for several."""
    if name in listed:
        return name
    fitting = [id for id in listed if name.lower() in id.lower()]
    if len(fitting) > 1:
        raise UsageError(f"{name!r} may be {', '.join(fitting)}.", "Type more of the name.")
    return fitting[0] if fitting else name
