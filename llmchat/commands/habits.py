"""What fingers know from other programs: `/set system …`, `/set verbose`, `/set think` and their kind."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from llmchat import params
from llmchat.chat import Chat
from llmchat.commands import conversation
from llmchat.errors import UsageError
from llmchat.params import show
from llmchat.registry import Rest, Result

_JSON_OBJECT = {"type": "json_object"}


def think(chat: Chat, level: str) -> Result:
    """Let the model think: on, off, or how much, by whichever parameter this server takes."""
    word = level.lower() or "on"
    found = chat.connection.found_so_far()
    switch = params.param("enable_thinking")
    if word in ("on", "off", "true", "false") and (found is None or switch.honoured_by(found.kind.name)):
        return _set(chat, "enable_thinking", switch.parse(word))
    effort = {"on": "medium", "true": "medium", "off": "none", "false": "none"}.get(word, word)
    return _set(chat, "reasoning_effort", params.param("reasoning_effort").parse(effort))


def _json_mode(chat: Chat, form: str) -> Result:
    if form.lower() != "json":
        raise UsageError(f"The format is json, not {form!r}.", "`/set noformat` takes it back.")
    return _set(chat, "response_format", _JSON_OBJECT)


def _no_json_mode(chat: Chat, _: str) -> Result:
    chat.tune(chat.sampling.without("response_format"))
    return "response_format is not sent."


def _kept(chat: Chat, _: str) -> Result:
    return "Inputs are kept in the history of the prompt; Ctrl-R searches them."


def _set(chat: Chat, name: str, value: object) -> Result:
    chat.tune(chat.sampling.with_value(name, value, "command"))
    return f"{name} is {show(value)}."


HABITS: Mapping[str, Callable[[Chat, str], Result]] = MappingProxyType(
    {
        "system": lambda chat, text: conversation.system(chat, Rest(text)),
        "verbose": lambda chat, _: conversation.stats(chat, "on"),
        "quiet": lambda chat, _: conversation.stats(chat, "off"),
        "think": think,
        "nothink": lambda chat, _: think(chat, "off"),
        "format": _json_mode,
        "noformat": _no_json_mode,
        "history": _kept,
    }
)
"""By the first word after `/set`."""
