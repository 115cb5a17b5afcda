"""Which message a word means: `#7` and `7` are the message with the number 7."""

from collections.abc import Iterator

from llmchat.amounts import number_in
from llmchat.chat import Chat
from llmchat.errors import UsageError
from llmchat.messages import Node
from llmchat.registry import Choice

_LONGEST_LINE = 70


def numbered(chat: Chat, word: str) -> Node:
    """The message that a word means; raises UsageError."""
    number = number_in(word.removeprefix("#")) or 0
    if 1 <= number <= len(chat.conversation.nodes):
        return chat.conversation.node(number)
    raise UsageError(f"There is no message {word}.", "`/tree` shows all with their numbers.")


def messages(chat: Chat) -> Iterator[Choice]:
    """Every message by its number, the latest first."""
    for node in reversed(chat.conversation.nodes):
        yield Choice(str(node.number), f"{node.message.role}: {first_line(node)}")


def first_line(node: Node) -> str:
    """The beginning of a message on one line, what is attached, and what became of it."""
    message = node.message
    lines = message.content.strip().splitlines() or [""]
    text = lines[0][:_LONGEST_LINE]
    more = "…" if len(lines) > 1 or len(lines[0]) > _LONGEST_LINE else ""
    files = f" [{', '.join(one.name for one in message.attachments)}]" if message.attachments else ""
    return text + more + files + ("" if message.state == "complete" else f" ({message.state})")
