"""`/help`, and the registry of all commands that it explains."""

import re
from collections.abc import Iterator

from llmchat import params
from llmchat.chat import Chat
from llmchat.commands import (
    alternatives,
    attachments,
    certainty,
    chats,
    compact,
    conversation,
    export,
    lab,
    loading,
    parameters,
    presets,
    probing,
    program,
    replies,
    requests,
    server,
    shortcuts,
    structured,
    thinking,
    tree,
)
from llmchat.commands.parameters import explain
from llmchat.commands.program import settings
from llmchat.commands.shortcuts import alias
from llmchat.config import preferences
from llmchat.errors import UsageError
from llmchat.registry import Choice, Command, Group, Registry
from llmchat.results import Result, Table

group = Group("Help")
command = group.command

KEYS = (
    ("Enter", "send the message, or run the command"),
    ("Alt-Enter, Ctrl-J", "begin a new line"),
    ('""" … """', "a message of several lines, sent with the closing quotes"),
    ("!command", "run it in the shell, and attach its output if you like; `!!` begins a message with !"),
    ("Tab", "complete a command, a parameter, a value or a model"),
    ("Up, Down", "earlier and later inputs"),
    ("Alt-Up, Alt-Down", "raise or lower the number that stands last in the toolbar, else the temperature"),
    ("Ctrl-R", "search the earlier inputs"),
    ("Right, Ctrl-E", "take the grey suggestion"),
    ("Ctrl-X Ctrl-E", "edit the input in $EDITOR"),
    ("Ctrl-C", "stop the reply (what came is kept); at the prompt: clear the line"),
    ("Ctrl-D", "leave"),
    ("Ctrl-L", "clear the screen"),
    ("Ctrl-Z", "pause the program; `fg` comes back"),
)


def _topics(_: Chat) -> Iterator[Choice]:
    yield Choice("keys", "the keys of the prompt")
    for known in registry.commands.values():
        yield Choice(known.name, known.summary)
    for param in params.PARAMS:
        yield Choice(param.name, param.meaning)


@command("h", "?", examples=("/help", "/help set", "/help temperature", "/help keys"), topic=_topics)
def help_(chat: Chat, topic: str = "") -> Result:
    """List the commands, or explain one.

    It explains parameters too, and the `keys`.
    """
    if not topic:
        return _overview()
    if topic.lower() == "keys":
        return Table(("key", "what it does"), KEYS)
    word = topic.removeprefix("/")
    if word in chat.macros:
        return alias(chat, word)
    if found := registry.find(word):
        return _about(found)
    if param := params.find_begun(word):
        return explain(chat, param)
    if preferences.find(word):
        return settings(chat, word)
    params.refuse_elsewhere(word)
    raise UsageError(
        f"There is no command, parameter or setting {word!r}.",
        "`/help` lists the commands, `/set` the parameters, `/settings` the settings.",
    )


def _overview() -> Table:
    rows: list[tuple[str, str]] = []
    for each in registry.groups:
        rows += [("", ""), ("", each.title)] if rows else [("", each.title)]
        rows += [(known.usage, known.summary) for known in each.commands]
    caption = (
        "`/help NAME` explains one, `/help keys` the keys. Every parameter is a command too: `/top_p 0.9`."
    )
    return Table(("command", "what it does"), tuple(rows), caption, one_line=True)


def _about(known: Command) -> str:
    # A line end of the source is none on the screen, which has a width of its own.
    text = re.sub(r"(?<!\n)\n(?!\n)", " ", known.help)
    lines = [known.usage, text, "For example:", *(f"  {example}" for example in known.examples)]
    if known.aliases:
        lines.append("Also: " + " ".join(f"/{alias}" for alias in known.aliases))
    return "\n".join(lines)


registry = Registry(
    group,
    conversation.group,
    replies.group,
    compact.group,
    tree.group,
    alternatives.group,
    lab.group,
    chats.group,
    requests.group,
    certainty.group,
    attachments.group,
    structured.group,
    export.group,
    parameters.group,
    thinking.group,
    presets.group,
    probing.group,
    server.group,
    loading.group,
    shortcuts.group,
    program.group,
)
