"""Commands about the files that go with a message."""

from collections.abc import Iterator

from llmchat.amounts import size_text
from llmchat.chat import Chat
from llmchat.errors import UsageError
from llmchat.input.attachments import checked, found
from llmchat.messages import Attachment
from llmchat.registry import NO_FILE, NOTHING, Choice, File, Group, Rest
from llmchat.results import Result, Table
from llmchat.wire.counting import attachment_tokens

group = Group("Files in messages")
command = group.command

_NONE = "`/file PATH` attaches a file to the next message, and so does `@path` in it."


@command("attach", "files", "add", examples=("/file notes.txt", "/file src/*.py", "/file"))
def file(chat: Chat, path: File = NO_FILE) -> Result:
    """Attach a file, a pattern or a folder to the next message.

    A text stands before what you type, with its name. `@path` inside a message does the same, and
    a path that is dropped on the prompt. Without a path, what is attached is listed; `/detach`
    takes it away.
    """
    if path:
        return attach(chat, path)
    if not chat.attached:
        return f"Nothing is attached. {_NONE}"
    rows = tuple((str(n), one.name, _measure(one)) for n, one in enumerate(chat.attached, 1))
    return Table(("", "file", "size"), rows, "They go with the next message; `/detach N` takes one away.")


@command("img", examples=("/image cat.png",))
def image(chat: Chat, path: File) -> Result:
    """Attach an image to the next message, for a model that sees.

    A large one is scaled down where Pillow is installed. `@path` inside a message attaches one
    too, and so does a path that is dropped on the prompt. `/file` lists what is attached.
    """
    new = found(path)
    if any(one.kind != "image" for one in new):
        raise UsageError(f"{path!r} is no image.", f"`/file {path}` attaches it as a text.")
    return add(chat, new)


def attach(chat: Chat, path: str) -> str:
    """Let what a path means go with the next message; what is said about it. Raises UsageError."""
    return add(chat, found(path))


def add(chat: Chat, new: tuple[Attachment, ...]) -> str:
    """Let these go with the next message; what is said about it. Raises UsageError."""
    names = {one.name for one in new}
    kept = tuple(one for one in chat.attached if one.name not in names)
    chat.attached = checked(kept + new)
    if len(new) == 1:
        return f"Attached to the next message: {described(new[0])}."
    return "\n".join(["Attached to the next message:", *(f"  {described(one)}" for one in new)])


def described(attachment: Attachment) -> str:
    """A file's name and how much it is."""
    return f"{attachment.name} ({_measure(attachment)})"


def _attached(chat: Chat) -> Iterator[Choice]:
    for number, one in enumerate(chat.attached, 1):
        yield Choice(str(number), one.name)


@command("drop", examples=("/detach", "/detach 1"), which=_attached)
def detach(chat: Chat, which: Rest = NOTHING) -> Result:
    """Take away what is attached to the next message.

    That is all of it, or one file by its number or name.
    """
    if not chat.attached:
        raise UsageError("Nothing is attached.", _NONE)
    gone = tuple(one for n, one in enumerate(chat.attached, 1) if which in ("", str(n), one.name))
    if not gone:
        raise UsageError(f"There is no {which!r} attached.", "`/file` lists what is.")
    chat.attached = tuple(one for one in chat.attached if one not in gone)
    return f"Taken away: {', '.join(one.name for one in gone)}."


def _measure(attachment: Attachment) -> str:
    if attachment.kind == "image":
        return size_text(attachment.size)
    return f"{size_text(attachment.size)}, ~{attachment_tokens(attachment):,} tokens"
