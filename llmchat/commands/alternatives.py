"""Commands about the answers to one question: going on from another one, and how two of them differ."""

from collections.abc import Mapping
from typing import Any

from llmchat import params
from llmchat.amounts import number_in
from llmchat.chat import Chat
from llmchat.commands.places import first_line, messages, numbered
from llmchat.commands.tree import goto, moved
from llmchat.errors import UsageError
from llmchat.lab.comparison import asked_with, differences, shown, word_difference
from llmchat.lab.run import compared_before
from llmchat.messages import ROOT, Node
from llmchat.registry import Choice, Group
from llmchat.results import Ask, Difference, Result, Table, is_yes
from llmchat.sampling import EXTRA
from llmchat.store.answers import Answer

group = Group("Alternatives")
command = group.command


def _alternatives(chat: Chat) -> dict[int, Node]:
    """The answers beside the head, and the head: those of a comparison by their numbers there first."""
    conversation = chat.conversation
    if conversation.head == ROOT:
        return {}
    parent = conversation.node(conversation.head).parent
    lanes = compared_before(chat, parent)
    found = {lane.number: conversation.node(lane.place) for lane in lanes if lane.place}
    places = {node.number for node in found.values()}
    others = [node for node in conversation.children(parent) if node.number not in places]
    return found | dict(enumerate(others, max((lane.number for lane in lanes), default=0) + 1))


def _choices(chat: Chat) -> list[Choice]:
    return [Choice(str(n), first_line(node)) for n, node in _alternatives(chat).items()]


def _keep(_: Chat) -> list[Choice]:
    return [Choice("keep", "and keep what it was asked with")]


@command(examples=("/pick", "/pick 1", "/pick #2", "/pick 1 keep"), which=_choices, keep=_keep)
def pick(chat: Chat, which: str = "", keep: str = "") -> Result:
    """Go on with another answer to the last question.

    A plain number counts the answers from 1, those of a sweep first; `#7` is message 7. Without one
    they are listed. For an answer of a sweep or a comparison it offers to keep what sets it apart:
    parameters, model, server. With `keep` that is kept unasked.
    """
    if keep.lower() not in ("", "keep"):
        raise UsageError(f"/pick takes `keep` after the number, not {keep!r}.", "For example: /pick 2 keep")
    if which.startswith("#"):
        return goto(chat, which)
    if not which:
        return _list(chat)
    node = _alternative(chat, which)
    lane = _lane(chat, node)
    apart = _apart(chat, lane)
    if lane is None or not apart:
        return moved(chat, node)

    def agreed(answer: str) -> Result:
        told = moved(chat, node)
        wanted = is_yes(answer) or answer.strip().lower() == "keep"
        return f"{told}\n{_keep_all(chat, lane)}" if wanted else told

    return agreed(keep) if keep else Ask(f"Keep {_listed(apart)} for what follows? [y/N]", agreed)


def _list(chat: Chat) -> Result:
    found = _alternatives(chat)
    if not found:
        raise UsageError("There is nothing to pick yet.", "Type a question.")
    head = chat.conversation.head
    rows = [
        ("*" if node.number == head else "", str(n), f"#{node.number}", first_line(node))
        for n, node in found.items()
    ]
    return Table(("", "", "#", "answer"), tuple(rows), "`/pick N` takes one.", one_line=True)


def _alternative(chat: Chat, which: str) -> Node:
    """The answer that a number means; raises UsageError."""
    found = _alternatives(chat)
    if not found:
        raise UsageError(f"There is nothing to pick {which} from yet.", "Type a question.")
    number = number_in(which)
    if number not in found:
        only = "There is only one so far; `/regen` asks for another."
        hint = only if len(found) == 1 else "`/pick` lists those that there are."
        raise UsageError(f"There is no answer {which}.", hint)
    return found[number]


def _lane(chat: Chat, node: Node) -> Answer | None:
    """The answer as one of a comparison; None when it is not."""
    return next((lane for lane in compared_before(chat, node.parent) if lane.place == node.number), None)


def _apart(chat: Chat, lane: Answer | None) -> dict[str, Any]:
    """What sets a compared answer apart from the others, and from what is set now."""
    if lane is None:
        return {}
    address = chat.connection.address
    now = {name: setting.value for name, setting in chat.sampling.effective.items()}
    now |= {"model": chat.model, "server": address.api if address else ""}
    return {name: value for name, value in lane.differs.items() if now.get(name) != value}


def _keep_all(chat: Chat, lane: Answer) -> str:
    """Set what an answer was asked with; what to say of it."""
    apart = _apart(chat, lane)
    sampling = chat.sampling
    for name, value in apart.items():
        if value is None:
            sampling = sampling.without(name)
        elif name.startswith(EXTRA) or params.find(name):
            sampling = sampling.with_value(name, value, "command")
    if sampling != chat.sampling:
        chat.tune(sampling)
    if "server" in apart:
        chat.connection.return_to(lane.request)
    if "model" in apart:
        chat.named_model = lane.request.model
    return f"Kept: {_listed(apart)}."


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {shown(value)}" for name, value in values.items())


@command(examples=("/diff 1 2", "/diff #2 #4"), one=_choices, other=messages)
def diff(chat: Chat, one: str = "1", other: str = "2") -> Result:
    """Show how two answers differ, word by word.

    Plain numbers are those of `/pick`, `#7` is message 7. Above stands what they were asked with.
    Without numbers it takes the first two answers.
    """
    old, new = (_meant(chat, word) for word in (one, other))
    same = "The answers are the same." if old.message.content == new.message.content else ""
    table = _asked_apart(_asked(chat, old), _asked(chat, new))
    heads = ("", f"- {one} (#{old.number})", f"+ {other} (#{new.number})")
    runs = word_difference(old.message.content, new.message.content)
    return Difference(Table(heads, table, same), tuple(runs))


def _meant(chat: Chat, word: str) -> Node:
    return numbered(chat, word) if word.startswith("#") else _alternative(chat, word)


def _asked_apart(old: Answer | None, new: Answer | None) -> tuple[tuple[str, str, str], ...]:
    """What two answers were asked with, as far as it differs."""
    if old is None or new is None:
        return ()
    before, after = differences([asked_with(old), asked_with(new)])
    return tuple((name, shown(before[name]), shown(after[name])) for name in before)


def _asked(chat: Chat, node: Node) -> Answer | None:
    if node.message.role != "assistant":
        return None
    request = chat.keeping.do(lambda store: store.request(chat.keeping.id, node.number))
    return Answer(request, node.message) if request else None
