"""How many tokens a prompt has: asked of a server that counts, and an estimate for the others."""

from collections.abc import Mapping, Sequence
from typing import Any

from llmchat.messages import Attachment
from llmchat.wire.pages import Post, objects, posted, text, whole
from llmchat.wire.servers import Kind

Messages = Sequence[Mapping[str, Any]]

_AROUND_A_MESSAGE = 5
"""Tokens that a chat template puts around each message, about."""

_IMAGE = 800
"""Tokens of an image, about: models differ by a factor of ten."""

_LETTERS_A_TOKEN = 4.0
_NOT_ASCII = 0.8
"""Tokens of a character outside of ASCII, about: one in Chinese, less in Cyrillic."""

_NO_SUCH_PATH = (404, 405, 501)

# What says how a reply is made and sent back, and nothing of the prompt.
_NOT_COUNTED = ("stream", "stream_options", "return_progress", "max_tokens", "n")


def estimate(messages: Messages) -> int:
    """About how many tokens these messages are, by their characters."""
    return sum(_AROUND_A_MESSAGE + content_tokens(message.get("content")) for message in messages)


def attachment_tokens(attachment: Attachment) -> int:
    """About how many tokens a file adds to its message."""
    return _IMAGE if attachment.kind == "image" else content_tokens(attachment.data)


def content_tokens(content: Any) -> int:
    """About how many tokens the content of a message is: a text, or its parts."""
    if isinstance(content, str):
        beyond = 0 if content.isascii() else sum(not char.isascii() for char in content)
        return round((len(content) - beyond) / _LETTERS_A_TOKEN + beyond * _NOT_ASCII)
    parts = objects(content)
    return sum(content_tokens(text(part.get("text"))) if "text" in part else _IMAGE for part in parts)


def ask(kind: Kind, body: Mapping[str, Any], post: Post) -> int | None:
    """How many tokens a server says the prompt of `body` has; 0 when it refuses this one.

    None where it does not count at all.
    """
    if not kind.counts:
        return None
    asked = {name: value for name, value in body.items() if name not in _NOT_COUNTED}
    if kind.name == "vllm":
        # It refuses what it does not know here.
        asked = {name: body[name] for name in ("model", "messages", "chat_template_kwargs") if name in body}
    answer = post(kind.counts, asked)
    if answer is None or answer.status in _NO_SUCH_PATH:
        return _step_by_step(body, post) if answer and kind.name == "llamacpp" else None
    return whole(answer.told, "input_tokens", "count") or 0


def _step_by_step(body: Mapping[str, Any], post: Post) -> int | None:
    """An older llama.cpp counts what its chat template makes of the messages; it leaves images out."""
    if not all(isinstance(message.get("content"), str) for message in body["messages"]):
        return 0
    asked = {name: body[name] for name in ("messages", "chat_template_kwargs") if name in body}
    prompt = text(posted(post, "/apply-template", asked).get("prompt"))
    # As the server itself does when it answers.
    split = {"content": prompt, "add_special": True, "parse_special": True}
    tokens = posted(post, "/tokenize", split).get("tokens") if prompt else None
    return len(tokens) if isinstance(tokens, list) and tokens else None
