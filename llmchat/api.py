"""A reply from Python, with the program's defaults, fallbacks and errors."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from llmchat.config import settings
from llmchat.config.named_servers import Access
from llmchat.errors import ServerError
from llmchat.wire.client import Client
from llmchat.wire.deltas import Draft
from llmchat.wire.discovery import look
from llmchat.wire.models import choose_model
from llmchat.wire.protocol import optional_fields, request_body


def complete(
    messages: Sequence[Mapping[str, Any]],
    *,
    url: str | None,
    model: str | None,
    params: Mapping[str, Any],
) -> list[dict[str, str]]:
    """See `llmchat.complete`."""
    given = settings.load()
    if url:
        given = settings.with_url(given, url)
    given = settings.with_params(given, params, "call")
    access = given.server.access() if given.server else Access()
    key = access.key or given.key_for(given.address)
    client = Client(given.address, key, access.headers, access.ca_file)
    found = look(client)
    name = model or given.model or choose_model(found.models)
    draft = Draft()
    body = request_body(found.kind, name, messages, given.sampling)
    optional = optional_fields(body, found.kind, given.sampling)
    with contextlib.closing(client.chat(body, optional)) as stream:
        while not stream.ended:
            for delta in stream.wait():
                draft.add(delta)
    choices = draft.reply().choices
    if not choices:
        raise ServerError("The server sent an empty reply.")
    return [{"role": choice.role, "content": choice.content} for choice in choices]
