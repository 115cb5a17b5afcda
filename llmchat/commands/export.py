"""Commands about conversations and files."""

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from llmchat.chat import Chat
from llmchat.commands.chats import opened
from llmchat.commands.lab import last_compared
from llmchat.commands.writing import written
from llmchat.errors import UsageError, reason
from llmchat.input.lines import unquoted
from llmchat.messages import ROOT
from llmchat.registry import NO_FILE, File, Group
from llmchat.results import Result, SendAll
from llmchat.store import exports, lane_exports
from llmchat.store.records import Record

group = Group("Files")
command = group.command


@command(examples=("/export chat.md", "/export chat.json", "/export chat.py", "/export sweep lanes.html"))
def export(chat: Chat, file: File) -> Result:
    """Write this conversation to a file, by its ending.

    `.md` and `.html` are for reading, `.json` keeps everything (`/import` reads it back), `.jsonl`
    has the message array of each branch in a line, `.py` and `.sh` are scripts that ask the same
    questions again. `sweep FILE` writes the last sweep or comparison alone: `.csv` is a table (also
    without `sweep`), `.json` has the records, `.html` the answers side by side with a chart. A file
    that exists is not overwritten unasked.
    """
    word, *rest = file.split(maxsplit=1)
    if word.lower() == "sweep" and rest:
        return _export_lanes(chat, unquoted(rest[0]))
    path = Path(os.path.expanduser(file))
    if path.suffix.lower() == ".csv":
        return _export_lanes(chat, file)
    write = exports.FORMATS.get(path.suffix.lower())
    if write is None:
        raise _unclear(file, exports.FORMATS)
    record = chat.keeping.do(lambda store: store.record(chat.keeping.id)) if chat.keeping.id else None
    if record is None:
        raise UsageError("The conversation has not begun.", "Type a question.")
    # The head of this session, whatever others have done since.
    text = write(Record(record.title, chat.conversation, record.requests, record.begun))

    return written(path, text)


def _export_lanes(chat: Chat, file: str) -> Result:
    """Write the last comparison to a file."""
    path = Path(os.path.expanduser(file))
    write = lane_exports.FORMATS.get(path.suffix.lower())
    if write is None:
        raise _unclear(file, lane_exports.FORMATS)
    answers = last_compared(chat)
    question = chat.conversation.node(answers[0].request.parent).message.content
    return written(path, write(question, answers))


def _unclear(file: str, formats: Iterable[str]) -> UsageError:
    endings = ", ".join(formats)
    return UsageError(f"What form {file!r} should have is not clear.", f"It ends in one of {endings}.")


@command(examples=("/import chat.json",))
def import_(chat: Chat, file: File) -> Result:
    """Read a conversation from a JSON export.

    It is stored as a new one, which goes on."""
    chat.begin(_read(file))
    return opened(chat)


@command(examples=("/replay", "/replay chat.json"))
def replay(chat: Chat, file: File = NO_FILE) -> Result:
    """Ask a conversation's questions again, as a new branch.

    They go to today's model with today's parameters. Without a file they are those of this
    conversation, from its beginning.
    """
    conversation = _read(file).conversation if file else chat.conversation
    questions = tuple(replace(m, state="complete") for m in conversation.messages() if m.role == "user")
    if not questions:
        raise UsageError("There is no question to ask again.", "Type one.")
    return SendAll(questions, ROOT)


def _read(file: str) -> Record:
    path = Path(os.path.expanduser(file))
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{file!r} cannot be read: {reason(error)}.", "It is a path to a JSON export."
        ) from error
    return exports.read(text)
