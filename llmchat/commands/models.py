"""Commands about the models of the server."""

from collections.abc import Iterator

from llmchat.chat import Chat
from llmchat.commands.model_facts import can, facts, size, state, windows
from llmchat.commands.parameters import changes
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
    return mark, listed.id, state(listed), windows(listed), size(listed), listed.quantisation, can(listed)


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
    before = chat.sampling
    chat.take_model(meant(tuple(listed), name))
    lines = [f"The model is now {chat.named_model}."]
    if chat.named_model not in listed and listed:
        lines = [f"The model is now {name}; the server does not list it (`/models` does)."]
    return "\n".join([*lines, *changes(chat, before)])


def meant(listed: tuple[str, ...], name: str) -> str:
    """The listed model that has this in its name, else the name itself; raises UsageError for several."""
    if name in listed:
        return name
    fitting = [id for id in listed if name.lower() in id.lower()]
    if len(fitting) > 1:
        raise UsageError(f"{name!r} may be {', '.join(fitting)}.", "Type more of the name.")
    return fitting[0] if fitting else name
