"""Chat in the terminal with any OpenAI-compatible server; `complete` does it from Python."""

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["complete"]


def complete(
    messages: Sequence[Mapping[str, Any]],
    *,
    url: str | None = None,
    model: str | None = None,
    **params: Any,
) -> list[dict[str, str]]:
    """Every choice's message for these messages, as `[{"role": …, "content": …}, …]`.

    `messages` is the array of a chat request, sent as it is: no system prompt is added. `url` (or the
    name of a server in the settings) and `model` default to what the program uses: the environment, the
    settings file, else http://localhost:1234 and what is loaded there. `params` are the parameters of
    the program, such as `temperature=0` or `n=2`; None leaves one as it is. Raises
    `llmchat.errors.LlmchatError`, with a sentence and a hint.
    """
    from llmchat.api import complete as run

    return run(messages, url=url, model=model, params=params)
