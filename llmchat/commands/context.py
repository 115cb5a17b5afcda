"""Commands about the context window: what is in it, and how to make room."""

import re
from collections.abc import Iterable, Iterator

from llmchat.chat import Chat
from llmchat.commands.places import first_line, numbered
from llmchat.errors import UsageError
from llmchat.messages import Node
from llmchat.registry import Choice, Group, Result

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
