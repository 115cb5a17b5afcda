"""Commands about the context window: what is in it, and how to make room."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from llmchat.chat import Chat
from llmchat.commands.places import first_line, numbered
from llmchat.errors import UsageError
from llmchat.messages import Attachment, Node
from llmchat.meter import Count
from llmchat.registry import Choice, Group
from llmchat.results import Result, Table
from llmchat.wire.counting import attachment_tokens, content_tokens

group = Group("The context window")
command = group.command


def _questions(chat: Chat) -> Iterator[Choice]:
    for node in reversed(chat.conversation.sent()):
        if node.message.role == "user":
            yield Choice(str(node.number), first_line(node))


def _forgotten(chat: Chat) -> Iterator[Choice]:
    yield Choice("all", "everything that was forgotten")
    for number in sorted(chat.conversation.omitted):
        node = chat.conversation.node(number)
        yield Choice(str(number), f"{node.message.role}: {first_line(node)}")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of what is sent: what it is, its place or name, and about how many tokens it takes."""

    kind: str
    label: str
    tokens: int


_KINDS = ("system prompt", "questions", "answers", "files")
_BIGGEST = 3


@command("window", examples=("/context",))
def context(chat: Chat) -> Result:
    """Show what fills the context window.

    That is the system prompt, questions, answers and files, each with about how many tokens. The
    biggest pieces are named, so that you know what to `/forget`. What is attached to the next message
    counts too.
    """
    pieces = list(_pieces(chat))
    if not pieces:
        raise UsageError("Nothing is sent yet.", "Type a question.")
    chat.connection.found()  # it may count them, and knows the window
    count = chat.meter.shown() or Count(sum(piece.tokens for piece in pieces), exact=False)
    # An estimate of each, but together what is shown below the prompt.
    scale = count.tokens / max(1, sum(piece.tokens for piece in pieces))
    rows = [_row(kind, [p for p in pieces if p.kind == kind], scale, count) for kind in _KINDS]
    biggest = sorted(pieces, key=lambda piece: piece.tokens, reverse=True)[:_BIGGEST]
    named = [(f"~{piece.tokens * scale:,.0f}", "", f"  {piece.label}") for piece in biggest]
    whole = f"all of it; the window is {count.window:,} tokens" if count.window else "all of it"
    total = ("" if count.exact else "~") + f"{count.tokens:,}", _share(count.tokens, count.window), whole
    return Table(
        ("tokens", "share", "what is sent"),
        (*filter(None, rows), total, ("", "", "the biggest:"), *named),
        "`/forget N` leaves a question out with its answer, `/compact` puts a summary in their place.",
        one_line=True,
    )


def _pieces(chat: Chat) -> Iterator[Piece]:
    """All that the next request has, but for the question that is still to be typed."""
    if chat.system:
        yield Piece("system prompt", "system prompt", content_tokens(chat.system))
    for node in chat.conversation.sent():
        kind = "questions" if node.message.role == "user" else "answers"
        yield Piece(kind, f"#{node.number} {first_line(node)}", content_tokens(node.message.content))
        yield from (_file(one, f" in #{node.number}") for one in node.message.attachments)
    yield from (_file(one, ", attached") for one in chat.attached)


def _file(attachment: Attachment, where: str) -> Piece:
    return Piece("files", attachment.name + where, attachment_tokens(attachment))


def _row(kind: str, pieces: list[Piece], scale: float, count: Count) -> tuple[str, str, str] | None:
    if not pieces:
        return None
    tokens = round(sum(piece.tokens for piece in pieces) * scale)
    number = len(pieces)
    words = kind if kind == "system prompt" else f"{number} {kind if number > 1 else kind[:-1]}"
    return f"~{tokens:,}", _share(tokens, count.window), words


def _share(tokens: int, window: int | None) -> str:
    """The part of the window, in per cent; "" where that is not known."""
    return f"{100 * tokens / window:.0f} %" if window else ""


@command("omit", examples=("/forget 1", "/forget 1-3"), number=_questions)
def forget(chat: Chat, number: str) -> Result:
    """Leave a question and its answer out of what is sent.

    A number is that of a message in `/history`, `1-6` all from one to another. They stay in the
    conversation, marked, and `/remember` sends them again.
    """
    first, last = _range(chat, number)
    new = [number for number in _whole(chat, first, last) if number not in chat.conversation.omitted]
    if not new:
        raise UsageError(
            f"Message {number} is not among what is sent.", "`/history` shows what is, with numbers."
        )
    chat.omit(*chat.conversation.omitted, *new)
    return f"Forgotten: {_listed(new)}, each question with its answer. `/remember` takes it back."


@command(examples=("/remember", "/remember 1"), number=_forgotten)
def remember(chat: Chat, number: str = "all") -> Result:
    """Send again what was forgotten.

    That is a question with its answer, or `all`.
    """
    omitted = chat.conversation.omitted
    if number.lower() == "all":
        back = omitted
    else:
        first, last = _range(chat, number)
        back = omitted.intersection(_whole(chat, first, last))
    if not back:
        raise UsageError("Nothing of that is forgotten.", "`/history` marks what is.")
    chat.omit(*(omitted - back))
    return f"Sent again from now on: {_listed(sorted(back))}."


def _range(chat: Chat, word: str) -> tuple[int, int]:
    """The numbers that `3` or `1-6` means, from one message to another; raises UsageError."""
    both = re.fullmatch(r"(#?\d+)-(#?\d+)", word)
    ends = sorted(numbered(chat, end).number for end in (both.groups() if both else (word, word)))
    return ends[0], ends[1]


def _whole(chat: Chat, first: int, last: int) -> list[int]:
    """The numbers of the questions and answers that lie between these, none without its other half."""
    touched = [t for t in turns(chat.conversation.path()) if t[0].number <= last and t[-1].number >= first]
    return [node.number for turn in touched for node in turn]


def turns(path: Iterable[Node]) -> Iterator[list[Node]]:
    """A path in questions with their answers: left out one by one, the roles would not alternate."""
    turn: list[Node] = []
    for node in path:
        if node.message.role == "user" and turn:
            yield turn
            turn = []
        turn.append(node)
    if turn:
        yield turn


def _listed(numbers: list[int]) -> str:
    """Numbers of messages, runs of them in short."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    words = [str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs]
    return ("message " if len(numbers) == 1 else "messages ") + ", ".join(words)
