"""Commands about a reply that is there: copying it, writing its code to a file, showing it again."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from llmchat.amounts import counted, number_in
from llmchat.chat import Chat
from llmchat.commands.places import messages, numbered
from llmchat.commands.writing import written
from llmchat.errors import UsageError
from llmchat.input.lines import unquoted
from llmchat.messages import Message
from llmchat.registry import Choice, File, Group
from llmchat.results import Copy, Markdown, Result, Verbatim
from llmchat.store import exports
from llmchat.store.records import Record

group = Group("Replies")
command = group.command


def _copied(chat: Chat) -> Iterator[Choice]:
    yield Choice("code", "the last block of code, or the one with the number that stands above it")
    yield Choice("all", "the whole conversation")
    yield from messages(chat)


def _blocks(chat: Chat) -> Iterator[Choice]:
    last = chat.conversation.last("assistant")
    for number, code in enumerate(_code_in(last.message) if last else (), 1):
        yield Choice(str(number), code.partition("\n")[0])


@command("yank", examples=("/copy", "/copy code", "/copy all"), what=_copied, n=_blocks)
def copy(chat: Chat, what: str = "", n: str = "") -> Result:
    """Copy the last reply, or a part of it, to the clipboard.

    As it came, markdown and all. `code` is its last block of code, `code 2` the block with that
    number above it, `all` the whole conversation, `#3` message 3. Over SSH and in tmux the terminal
    is asked to take it.
    """
    if what.lower() == "code":
        number, count, code = _code(chat, n)
        return Copy(code.removesuffix("\n"), f"block {number} of {count}")
    if n:
        raise UsageError(f"/copy {what} takes no {n!r}.", "`/copy code 2` copies the second block.")
    if what.lower() == "all":
        if not chat.conversation.path():
            raise UsageError("The conversation has not begun.", "Type a question.")
        record = chat.keeping.do(lambda store: store.record(chat.keeping.id))
        return Copy(exports.markdown(Record(record.title if record else "", chat.conversation)), "everything")
    if what and not what.removeprefix("#").isdecimal():
        raise UsageError(f"/copy knows no {what!r}.", "It copies `code`, `all`, or a message by its number.")
    node = numbered(chat, what) if what else chat.last("assistant")
    return Copy(node.message.content, f"message {node.number}")


@command(examples=("/write hello.py", "/write hello.py 1"))
def write(chat: Chat, file: File) -> Result:
    """Write a block of code of the last reply to a file.

    It is the last block, or `/write FILE 2` the one with that number above it. A file that exists
    is not overwritten unasked.
    """
    if chat.conversation.last("assistant") is None:
        raise UsageError(f"There is no code yet to write to {file!r}.", "Ask for some.")
    name, _, last = file.rpartition(" ")
    number = last if name and last.isdecimal() else ""
    path = Path(os.path.expanduser(unquoted(name.rstrip()) if number else file))
    return written(path, _code(chat, number)[2])


@command(examples=("/raw", "/raw 2"), which=messages)
def raw(chat: Chat, which: str = "") -> Result:
    """Show the last reply as it came, its markdown not drawn.

    A number shows that message. `/last` draws it again.
    """
    return Verbatim(_message(chat, which).content)


@command(examples=("/last", "/last 2"), which=messages)
def last(chat: Chat, which: str = "") -> Result:
    """Show the last reply again, with its markdown drawn.

    A number shows that message. `/raw` shows it as it came.
    """
    return Markdown(_message(chat, which).content)


def _message(chat: Chat, which: str) -> Message:
    return (numbered(chat, which) if which else chat.last("assistant")).message


def _code(chat: Chat, number: str) -> tuple[int, int, str]:
    """A block of the last reply's code: its number, how many there are, the code. Raises UsageError."""
    node = chat.last("assistant")
    found = _code_in(node.message)
    if not found:
        raise UsageError(
            f"There is no code in the last reply, message {node.number}.", "`/copy` copies all of it."
        )
    chosen = number_in(number) or 0 if number else len(found)
    if not 1 <= chosen <= len(found):
        blocks = counted(len(found), "block")
        raise UsageError(f"There is no block {number}.", f"The last reply has {blocks} of code.")
    return chosen, len(found), found[chosen - 1]


def _code_in(message: Message) -> Sequence[str]:
    from llmchat.terminal.tokens import code_blocks  # what reads markdown takes long to load

    return code_blocks(message.content)
