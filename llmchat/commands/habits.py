"""What fingers know from other programs: `/set system …`, `/set verbose`, `/set think` and their kind."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from llmchat.chat import Chat
from llmchat.commands import conversation
from llmchat.commands.stats import stats
from llmchat.commands.thinking import think
from llmchat.errors import UsageError
from llmchat.parameter import show
from llmchat.registry import Rest
from llmchat.results import Result
from llmchat.structured import ANY_JSON, FORM


def _json_mode(chat: Chat, form: str) -> Result:
    if form.lower() != "json":
        raise UsageError(f"The format is json, not {form!r}.", "`/set noformat` takes it back.")
    chat.tune(chat.sampling.with_value(FORM, ANY_JSON, "command"))
    return f"{FORM} is {show(ANY_JSON)}."


def _no_json_mode(chat: Chat, _: str) -> Result:
    chat.tune(chat.sampling.without(FORM))
    return f"{FORM} is not sent."


def _kept(chat: Chat, _: str) -> Result:
    return "Inputs are kept in the history of the prompt; Ctrl-R searches them."


HABITS: Mapping[str, Callable[[Chat, str], Result]] = MappingProxyType(
    {
        "system": lambda chat, text: conversation.system(chat, Rest(text)),
        "verbose": lambda chat, _: stats(chat, "on"),
        "quiet": lambda chat, _: stats(chat, "off"),
        "think": lambda chat, how: think(chat, how or "on"),
        "nothink": lambda chat, _: think(chat, "off"),
        "format": _json_mode,
        "noformat": _no_json_mode,
        "history": _kept,
    }
)
"""By the first word after `/set`."""
