"""How much the model thinks before it answers."""

from collections.abc import Iterator

from llmchat import params
from llmchat.chat import Chat
from llmchat.errors import UsageError
from llmchat.parameter import show
from llmchat.registry import Choice, Group
from llmchat.results import Result

group = Group("Reasoning")
command = group.command

_LEVELS = ("low", "medium", "high")
_SWITCH, _EFFORT = "enable_thinking", "reasoning_effort"
_SAME = {"true": "on", "yes": "on", "false": "off", "no": "off", "none": "off", "default": "auto"}


def _how(_: Chat) -> Iterator[Choice]:
    yield Choice("auto", "as the model likes")
    yield Choice("on", "it thinks")
    yield Choice("off", "it answers at once")
    for level in _LEVELS:
        yield Choice(level, "how much, for models that have levels")


@command("reason", examples=("/think", "/think off", "/think high", "/think auto"), how=_how)
def think(chat: Chat, how: str = "") -> Result:
    """Show or set how much the model thinks before it answers.

    `auto` leaves it to the model. It is sent as the parameter that this server takes:
    `enable_thinking` where chat templates have a switch, else `reasoning_effort`. What is shown of
    the thinking is a setting: `/settings reasoning`.
    """
    word = _SAME.get(how.lower(), how.lower())
    if not word:
        return _told(chat)
    if word not in ("auto", "on", "off", *_LEVELS):
        raise UsageError(f"Thinking is auto, on, off, low, medium or high, not {how!r}.", "Like /think low")
    sampling = chat.sampling.without(_SWITCH).without(_EFFORT)
    found = chat.connection.found_so_far()
    if word != "auto" and (found is None or params.param(_SWITCH).honoured_by(found.kind.name)):
        sampling = sampling.with_value(_SWITCH, word != "off", "command")
        if word in _LEVELS:
            sampling = sampling.with_value(_EFFORT, word, "command")
    elif word != "auto":
        effort = {"on": "medium", "off": "none"}.get(word, word)
        sampling = sampling.with_value(_EFFORT, effort, "command")
    chat.tune(sampling)
    model = found.model(chat.model) if found else None
    doubt = " The server says that this model does not think." if model and model.reasoning is False else ""
    return _told(chat) + doubt * (word not in ("auto", "off"))


def _told(chat: Chat) -> str:
    sent = [f"{name}={show(s.value)}" for name in (_SWITCH, _EFFORT) if (s := chat.sampling.get(name))]
    if not sent:
        return "How much it thinks is left to the model."
    return f"{' and '.join(sent)} {'is' if len(sent) == 1 else 'are'} sent."
