"""Taking up where a stored conversation stopped: its parameters, system prompt, server and model."""

import contextlib
from collections.abc import Callable

from llmchat.chat import Chat
from llmchat.errors import UsageError
from llmchat.sampling import Sampling
from llmchat.store.records import Request


def restore(
    chat: Chat,
    asked: Request,
    *,
    server: bool = True,
    model: bool = True,
    system: bool = True,
    then: Callable[[], None] | None = None,
) -> None:
    """Take the parameters of a request, and what is wanted of its server, model and system prompt.

    Parameters that were given as flags stay. A model belongs to its server. `then` is as in
    `Chat.connect`.
    """
    sampling = Sampling()
    for name, value in asked.chosen.items():
        # An import may have parameters that this version does not know.
        with contextlib.suppress(UsageError):
            sampling = sampling.with_value(name, value, "conversation")
    for name, setting in chat.settings.sampling.chosen.items():
        if setting.origin == "flag":
            sampling = sampling.with_value(name, setting.value, "flag")
    chat.tune(sampling)
    if system:
        chat.system = asked.system
    if server:
        chat.connection.return_to(asked, then)
    if server and model:
        chat.named_model = asked.model
