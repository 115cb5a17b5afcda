"""Commands about all conversations: listing, opening, naming, searching and deleting them."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from llmchat.amounts import counted, number_in
from llmchat.chat import Chat
from llmchat.errors import UsageError
from llmchat.registry import NOTHING, Choice, Group, Rest
from llmchat.results import Ask, Result, Table, Turns, is_yes
from llmchat.store.restoring import restore

if TYPE_CHECKING:
    from llmchat.store.reading import Hit

group = Group("Conversations")
command = group.command

_HITS = 20
_TITLE_SHOWN = 30
_TURNS_SHOWN = 3


def _titles(chat: Chat) -> Iterator[Choice]:
    for listed in chat.keeping.do(lambda store: store.chats()):
        yield Choice(str(listed.id), listed.title)


@command("sessions", examples=("/chats", "/chats python"))
def chats(chat: Chat, words: Rest = NOTHING) -> Result:
    """List the conversations, or those with all these words.

    The last changed come first. `/open` goes on with one.
    """
    found = chat.keeping.do(lambda store: store.chats(words))
    if not found:
        return f"No conversation has {words!r}." if words else "There are no conversations yet."
    rows = [
        (
            str(c.id) + ("*" if c.id == chat.keeping.id else ""),
            _when(c.changed),
            str(c.turns),
            c.model,
            c.title,
        )
        for c in found
    ]
    caption = "`/open N` or `/open TITLE` goes on with one; `/find words` shows the places."
    return Table(("", "changed", "turns", "model", "title"), tuple(rows), caption, one_line=True)


@command("resume", examples=("/open 1", "/open hi"), which=_titles)
def open_(chat: Chat, which: Rest) -> Result:
    """Go on with a conversation, by its number or title.

    Its server, model, parameters and system prompt are taken too. `/chats` lists them all.
    """
    asked = chat.open(meant(chat, which))
    if asked:
        restore(chat, asked)
    return opened(chat)


def meant(chat: Chat, words: str) -> int:
    """The conversation with this number, or this (part of a) title; raises UsageError."""
    number = number_in(words.removeprefix("#"))
    if number is not None and chat.keeping.do(lambda store: store.record(number)):
        return number
    found = chat.keeping.do(lambda store: store.titled(words))
    if not found:
        raise UsageError(f"There is no conversation {words!r}.", "`/chats` lists them, `/find` searches.")
    found = tuple(one for one in found if one.title == words) or found
    if len({one.title for one in found}) > 1:
        some = ", ".join(f"{one.id} {one.title!r}" for one in found[:5])
        raise UsageError(f"{words!r} may be {some}.", "`/open NUMBER` takes one.")
    return found[0].id


def opened(chat: Chat) -> Turns:
    """The title and the last few turns of the conversation that was opened."""
    title = chat.keeping.do(lambda store: store.title(chat.keeping.id))
    path = chat.conversation.path()
    shown = path[-2 * _TURNS_SHOWN :]
    return Turns(f"Going on with {title!r}.", shown, len(path) - len(shown))


@command("save", "rename", examples=("/title", "/title Sky and colours"))
def title(chat: Chat, text: Rest = NOTHING) -> Result:
    """Show or set the title of this conversation.

    Everything is kept anyway; a title makes it easy to find.
    """
    _begun(chat)
    if not text:
        return f"The title is {chat.keeping.do(lambda store: store.title(chat.keeping.id))!r}."
    chat.keeping.do(lambda store: store.rename(chat.keeping.id, text))
    return f"The title is {text!r}. The conversation is kept anyway; now it is easy to find."


@command("rm", examples=("/delete", "/delete hi"), which=_titles)
def delete(chat: Chat, which: Rest = NOTHING) -> Result:
    """Delete this conversation or another, for good.

    It asks first. Nothing of it stays: not in the search index, not in the log of the database.
    The inputs of the prompt have a history of their own.
    """
    id = meant(chat, which) if which else _begun(chat)
    record = chat.keeping.do(lambda store: store.record(id))
    name = record.title if record else ""

    def do_it(answer: str) -> Result:
        if not is_yes(answer):
            return "Nothing was deleted."
        gone = chat.keeping.do(lambda store: store.delete(id))
        if id == chat.keeping.id:
            chat.clear()
        late = "" if gone else " Another program reads the store: its log is emptied when that ends."
        return f"{name!r} is gone.{late}"

    size = counted(len(record.conversation.nodes) if record else 0, "message")
    return Ask(f"Delete {name!r} with its {size} for good? [y/N]", do_it)


@command("search", "grep", examples=("/find hi",))
def find(chat: Chat, words: Rest) -> Result:
    """Find messages with all these words.

    Those of this conversation come first, then the latest of all others. When no message has the
    last word as it is, those with a word that begins so are found.
    """
    here = chat.keeping.id
    found = chat.keeping.do(lambda store: store.find(words, _HITS, within=here)) if here else ()
    others = chat.keeping.do(lambda store: store.find(words, _HITS, apart_from=here))
    rows = [_place("", hit) for hit in found]
    rows += [_place(f"{hit.conversation} {hit.title}"[:_TITLE_SHOWN], hit) for hit in others]
    if not rows:
        return f"No message has {words!r}."
    return Table(("chat", "#", "", "place"), tuple(rows), "`/goto N` goes there, `/open N` opens a chat.")


def _place(title: str, hit: "Hit") -> tuple[str, str, str, str]:
    state = "" if hit.state == "complete" else f" ({hit.state})"
    return title, str(hit.number), hit.role + state, " ".join(hit.context.split())


def _begun(chat: Chat) -> int:
    if not chat.keeping.id:
        raise UsageError("The conversation has not begun.", "Type a question, or see `/chats`.")
    return chat.keeping.id


def _when(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
