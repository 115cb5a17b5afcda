"""How many tokens a prompt has: what to ask a server that counts, and an estimate for the others."""

from collections.abc import Mapping, Sequence
from typing import Any

from llmchat.wire.pages import Answer, objects, text, whole
from llmchat.wire.servers import Kind

Messages = Sequence[Mapping[str, Any]]

_AROUND_A_MESSAGE = 5
"""Tokens that a chat template puts around each message, about."""

_IMAGE = 800
"""Tokens of an image, about: models differ by a factor of ten."""

_LETTERS_A_TOKEN = 4.0
_NOT_ASCII = 0.8
"""Tokens of a character outside of ASCII, about: one in Chinese, less in Cyrillic."""

# What says how a reply is made and sent back, and nothing of the prompt.
_NOT_COUNTED = ("stream", "stream_options", "return_progress", "max_tokens", "n")


def estimate(messages: Messages) -> int:
    """About how many tokens these messages are, by their characters."""
    return sum(_AROUND_A_MESSAGE + _content(message.get("content")) for message in messages)


def _content(content: Any) -> int:
    if isinstance(content, str):
        beyond = 0 if content.isascii() else sum(not char.isascii() for char in content)
        return round((len(content) - beyond) / _LETTERS_A_TOKEN + beyond * _NOT_ASCII)
    parts = objects(content)
    return sum(_content(text(part.get("text"))) if "text" in part else _IMAGE for part in parts)


def question(kind: Kind, body: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """The path and the body that ask this kind of server to count the prompt of `body`; None: it cannot."""
    if not kind.counts:
        return None
    asked = {name: value for name, value in body.items() if name not in _NOT_COUNTED}
    if kind.name == "vllm":
        # It refuses what it does not know here.
        asked = {name: body[name] for name in ("model", "messages", "chat_template_kwargs") if name in body}
    return kind.counts, asked


def counted(answer: Answer | None) -> int | None:
    """The count that a server has told; None when it has not."""
    return whole(answer.told, "input_tokens", "count") if answer else None
