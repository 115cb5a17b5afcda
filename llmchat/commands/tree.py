"""Commands about the branches of a conversation: looking at them, moving the head, making new ones."""

from dataclasses import replace

from llmchat.chat import Chat
from llmchat.commands.places import first_line, messages, numbered
from llmchat.errors import UsageError
from llmchat.messages import ROOT, Conversation, Message, Node
from llmchat.registry import NOTHING, Choice, Group, Rest
from llmchat.results import Edit, Result, Send, Table
from llmchat.store.records import Record, Request

group = Group("Branches")
command = group.command


@command(examples=("/tree",))
def tree(chat: Chat) -> Result:
    """Draw all branches.

    The head is marked; `/goto N` and `/pick N` move the head.
    """
    if not chat.conversation.nodes:
        return "The conversation has not begun."
    rows = tuple(_rows(chat.conversation))
    return Table(("", "#", "message"), rows, "* is the head: the next question follows it.", one_line=True)


def _rows(conversation: Conversation) -> list[tuple[str, str, str]]:
    """A row for each message; only where branches part is there a step to the right."""
    children: dict[int, list[Node]] = {}
    for node in conversation.nodes:
        children.setdefault(node.parent, []).append(node)
    rows = []
    open_ = _branches(children.get(ROOT, []), "")
    while open_:
        node, before, indent = open_.pop()
        mark = "*" if node.number == conversation.head else ""
        forgotten = " (forgotten)" if node.number in conversation.omitted else ""
        rows.append((mark, str(node.number), f"{before}{node.message.role}: {first_line(node)}{forgotten}"))
        open_ += _branches(children.get(node.number, []), indent)
    return rows


def _branches(nodes: list[Node], indent: str) -> list[tuple[Node, str, str]]:
    """The children of a message in reverse, each with what stands before it and before its own."""
    if len(nodes) == 1:
        return [(nodes[0], indent, indent)]
    ends = ["├─ "] * (len(nodes) - 1) + ["└─ "]
    return [
        (node, indent + end, indent + ("   " if end == "└─ " else "│  "))
        for node, end in reversed(list(zip(nodes, ends, strict=False)))
    ]


@command(examples=("/goto 2", "/goto #2"), number=messages)
def goto(chat: Chat, number: str) -> Result:
    """Move the head: the next question follows that message.

    For a question, the head is its latest answer.
    """
    node = numbered(chat, number)
    return moved(chat, node if node.message.role == "assistant" else _answer_to(chat, node))


def _answer_to(chat: Chat, question: Node) -> Node:
    answers = [node for node in chat.conversation.children(question.number) if node.message.content.strip()]
    if not answers:
        raise UsageError(
            f"Message {question.number} has no answer to go on from.",
            f"`/edit {question.number}` asks it again.",
        )
    return answers[-1]


def moved(chat: Chat, node: Node) -> str:
    """Move the head to a message; what to say of it. Raises UsageError for an empty one."""
    if not node.message.content.strip():
        raise UsageError(f"Message {node.number} is empty.", "`/tree` shows the others.")
    chat.go(node.number)
    return f"The head is message {node.number}: {first_line(node)}"


@command(examples=("/fork", "/fork another try"))
def fork(chat: Chat, title: Rest = NOTHING) -> Result:
    """Begin a new conversation that goes on from here.

    The old one stays as it is; `/open` goes back to it.
    """
    path = chat.conversation.path()
    if not path:
        raise UsageError("There is nothing to fork yet.", "Type a question.")
    number = {node.number: n for n, node in enumerate(path, 1)}
    nodes = tuple(replace(node, number=n, parent=n - 1) for n, node in enumerate(path, 1))
    omitted = frozenset(number[n] for n in chat.conversation.omitted if n in number)
    old = chat.keeping.do(lambda store: store.record(chat.keeping.id))
    requests = tuple(_renumbered(old, number)) if old else ()
    name = title or f"{old.title if old else ''} (fork)"
    record = Record(name, Conversation(nodes, len(nodes), omitted), requests)
    chat.begin(record)
    return f"This is a new conversation, {name!r}, from here on."


def _renumbered(old: Record, number: dict[int, int]) -> list[Request]:
    """The requests that brought messages of the path, with the new numbers."""
    kept = []
    for request in old.requests:
        answers = tuple(number[n] for n in request.answers if n in number)
        if answers and request.continues in (ROOT, *number):
            kept.append(
                replace(
                    request,
                    parent=number.get(request.parent, ROOT),
                    continues=number.get(request.continues, ROOT),
                    omissions=tuple(number[n] for n in request.omissions if n in number),
                    answers=answers,
                )
            )
    return kept


def _editable(chat: Chat) -> list[Choice]:
    words = [Choice("last", "the last question"), Choice("reply", "the last answer")]
    return words + list(messages(chat))


@command("e", examples=("/edit", "/edit last", "/edit reply", "/edit 1"), which=_editable)
def edit(chat: Chat, which: str = "") -> Result:
    """Write in $EDITOR, or change an earlier message there.

    A changed question is asked beside the old one; a changed answer stands beside the old one, and
    `/continue` lets the model go on with it where the server does that. `last` is the last
    question, `reply` the last answer, a number any message.
    """
    if not which:
        return Edit("", lambda text: Send(text) if text.strip() else "Nothing was sent.")
    words = {"last": "user", "reply": "assistant"}
    node = chat.last("user" if which == "last" else "assistant") if which in words else numbered(chat, which)

    def changed(text: str) -> Result:
        if not text.strip() or text == node.message.content:
            return "Nothing was changed."
        if node.message.role == "user":
            return Send(replace(node.message, content=text, state="complete"), after=node.parent)
        number = chat.put(Message("assistant", text), node.parent)
        return f"The answer as you changed it is message {number}; message {node.number} stays as it was."

    return Edit(node.message.content, changed)
