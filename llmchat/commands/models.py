"""Commands about the models of the server."""

from collections.abc import Iterator

from llmchat.chat import Chat
from llmchat.commands.model_facts import can, facts, size, state, windows
from llmchat.commands.parameters import changes
from llmchat.commands.server import reachable
from llmchat.errors import UsageError
from llmchat.registry import NOTHING, Choice, Group, Rest
from llmchat.results import Result, Table
from llmchat.wire.models import Model

group = Group("Models")
command = group.command


def listed(chat: Chat) -> Iterator[Choice]:
    """The models of the server, with what is told of each."""
    found = chat.connection.found_so_far()
    for one in found.models if found else ():
        yield Choice(one.id, facts(one))


@command("list", "ls", examples=("/models",))
def models(chat: Chat) -> Result:
    """List the models of the server.

    With each stands all that the server tells of it. The context is the window in tokens that a
    request has, then the largest that the model is made for.
    """
    chat.connection.look_again()
    found = reachable(chat)
    current = chat.model
    rows = [_row(one, "*" if one.id == current else "") for one in found.models]
    if not rows:
        return "The server lists no models."
    heads = ("", "model", "state", "context", "size", "", "can")
    # A column in which nobody says anything says nothing.
    used = [n for n in range(len(heads)) if n < 2 or any(row[n] for row in rows)]
    return Table(
        tuple(heads[n] for n in used),
        tuple(tuple(row[n] for n in used) for row in rows),
        "`/model NAME` takes one." + " The context is in tokens." * ("context" in (heads[n] for n in used)),
        one_line=True,
    )


def _row(one: Model, mark: str) -> tuple[str, ...]:
    return mark, one.id, state(one), windows(one), size(one), one.quantisation, can(one)


@command(examples=("/model", "/model qwen"), name=listed)
def model(chat: Chat, name: Rest = NOTHING) -> Result:
    """Show the model, or take another.

    A part of its name is enough.
    """
    found = chat.connection.found()
    known = {m.id: m for m in found.models} if found else {}
    if not name:
        why = "" if chat.named_model else " (chosen for you)"
        told = facts(known[chat.model]) if chat.model in known else ""
        return f"The model is {chat.model}{why}." + (f"\n{told}" if told else "")
    before = chat.sampling
    chat.take_model(meant(tuple(known), name))
    taken = known.get(chat.named_model)
    waits = taken is not None and taken.loaded is False
    later = " It is loaded with the first question; `/load` does it now." if waits else ""
    lines = [f"The model is now {chat.named_model}.{later}"]
    if taken is None and known:
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
