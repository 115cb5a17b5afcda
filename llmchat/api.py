"""A reply from Python, with the program's defaults, fallbacks and errors."""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from llmchat.config import settings
from llmchat.config.named_servers import Access
from llmchat.errors import ServerError, UsageError
from llmchat.parameter import is_json
from llmchat.wire.client import Client
from llmchat.wire.deltas import Draft
from llmchat.wire.discovery import look
from llmchat.wire.models import choose_model
from llmchat.wire.protocol import optional_fields, request_body

_LIKE_THIS = 'Like this: [{"role": "user", "content": "Why is the sky blue?"}]'


def complete(
    messages: Sequence[Mapping[str, Any]],
    *,
    url: str | None,
    model: str | None,
    params: Mapping[str, Any],
) -> list[dict[str, str]]:
    """See `llmchat.complete`."""
    asked = _checked(messages)
    given = settings.load()
    if url is not None:
        given = settings.with_url(given, url)
    set_here = {name: value for name, value in params.items() if value is not None}
    given = settings.with_params(given, set_here, "call")
    access = given.server.access() if given.server else Access()
    key = access.key or given.key_for(given.address)
    client = Client(given.address, key, access.headers, access.ca_file)
    found = look(client)
    name = model or given.model or choose_model(found.models)
    draft = Draft()
    body = request_body(found.kind, name, asked, given.sampling)
    optional = optional_fields(body, found.kind, given.sampling)
    with contextlib.closing(client.chat(body, optional)) as stream:
        while not stream.ended:
            for delta in stream.wait():
                draft.add(delta)
    choices = draft.reply().choices
    if not choices:
        raise ServerError("The server sent an empty reply.")
    return [{"role": choice.role, "content": choice.content} for choice in choices]


def _checked(messages: Any) -> list[dict[str, Any]]:
    """The array of a chat request; raises UsageError when it is none."""
    is_array = isinstance(messages, Iterable) and not isinstance(messages, str | Mapping)
    array = list(messages) if is_array else []
    if not array or not all(isinstance(each, Mapping) and "role" in each for each in array):
        raise UsageError("messages is a list of messages, each with a role and a content.", _LIKE_THIS)
    asked = [dict(each) for each in array]
    if not is_json(asked):
        raise UsageError("messages has something in it that JSON cannot hold.", _LIKE_THIS)
    return asked
