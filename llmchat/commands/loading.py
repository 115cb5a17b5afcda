"""Commands that load a model on the server, and take it out of memory."""

import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from llmchat.chat import Chat
from llmchat.commands import models
from llmchat.commands.model_facts import facts
from llmchat.commands.models import listed, meant
from llmchat.commands.server import reachable
from llmchat.errors import UsageError
from llmchat.registry import NOTHING, Rest
from llmchat.results import Result, Working
from llmchat.wire import loading
from llmchat.wire.discovery import Found, remembering
from llmchat.wire.loading import Asked
from llmchat.wire.models import Model
from llmchat.wire.models import models as models_of
from llmchat.wire.pages import Answer
from llmchat.wire.refusal import refusal
from llmchat.wire.sockets import Line

if TYPE_CHECKING:
    from llmchat.wire.client import Client

group = models.group
command = group.command

_PATIENCE = 900.0
"""Seconds that a server may take to load a model: tens of gigabytes from a slow disk."""

_GLANCE = 0.3
"""Seconds between two looks at how far it is."""


@command(examples=("/load", "/load qwen3-8b"), name=listed)
def load(chat: Chat, name: Rest = NOTHING) -> Result:
    """Load a model on the server now, and take it.

    Without a name it is the model in use. Ctrl-C gives up. Most servers load a model with the first
    question anyway.
    """
    found = reachable(chat)
    id = meant(tuple(model.id for model in found.models), name or chat.model)
    asked = loading.load(found.kind, id)
    if asked is None:
        raise UsageError(f"{found.title} does not load models on request.", "`/models` lists what it has.")
    return Working(_load(chat, found, id, asked))


@command(examples=("/unload", "/unload qwen3-8b"), name=listed)
def unload(chat: Chat, name: Rest = NOTHING) -> Result:
    """Take a model out of the server's memory.

    Without a name it is the model in use.
    """
    found = reachable(chat)
    id = meant(tuple(model.id for model in found.models), name or chat.model)
    asked = loading.unload(found.kind, found.model(id) or Model(id))
    if not asked:
        raise UsageError(f"{found.title} does not unload models on request.", "`/models` lists what it has.")
    for path, body in asked:
        _check(chat.connection.client.post(path, body, timeout=30.0), id)
    chat.connection.look_again()
    return f"{id} is unloaded."


def _load(chat: Chat, found: Found, id: str, asked: Asked) -> Iterator[str]:
    """Lines that say how far it is, the last one how it ended; raises ServerError, UsageError."""
    client, begun = chat.connection.client, time.monotonic()
    asking = _Asking(client, asked)
    ended = False
    try:
        while not ended:
            now = _model(found, client, id)
            word = f" ({now.state})" if now and now.state else ""
            yield f"Loading {id}{word}, {time.monotonic() - begun:.0f} s. Ctrl-C gives up."
            ended = asking.wait(_GLANCE)
            # A router answers at once and loads on.
            if ended and found.kind.name == "llamacpp":
                ended = _is_loaded(_model(found, client, id), id)
                time.sleep(0.0 if ended else _GLANCE)
    finally:
        if not ended:
            asking.hang_up()
            _give_up(found, client, id)
    chat.take_model(id)
    chat.connection.look_again()
    now = _model(found, client, id)
    yield f"{id} is loaded, and the model now." + (f"\n{facts(now)}" if now else "")


def _is_loaded(model: Model | None, id: str) -> bool:
    """Whether a router has loaded a model; raises UsageError when it has given that up."""
    if model is None or model.state == "failed":
        raise UsageError(f"The server could not load {id}.", "Its log may say more.")
    return bool(model.loaded)


def _model(found: Found, client: "Client", id: str) -> Model | None:
    return next(
        (model for model in models_of(found.kind, remembering(client), client.post) if model.id == id), None
    )


def _give_up(found: Found, client: "Client", id: str) -> None:
    """Ask the server to stop loading, without waiting for what it says."""
    for path, body in loading.unload(found.kind, Model(id)):
        threading.Thread(target=client.post, args=(path, body), daemon=True).start()


def _check(answer: Answer | None, id: str) -> None:
    """Raise UsageError when the server said nothing, ServerError when it refused."""
    if answer is None:
        raise UsageError(f"The server has not answered about {id}.", "`/models` shows how it is now.")
    if answer.status == 404:
        raise UsageError(f"The server neither loads nor unloads {id}.", "It may serve one model only.")
    if answer.status != 200 or "error" in answer.told:
        raise refusal(answer.status, answer.text)


class _Asking:
    """A request that takes as long as loading a model does, in a thread."""

    def __init__(self, client: "Client", asked: Asked) -> None:
        self._answer: Answer | None = None
        self._ended = threading.Event()
        self._line = Line()
        self._id = str(asked[1].get("model") or asked[1].get("model_name"))
        threading.Thread(target=self._run, args=(client, asked), name="llmchat-load", daemon=True).start()

    def wait(self, timeout: float) -> bool:
        """Whether the server has answered; raises ServerError and UsageError when not well."""
        if not self._ended.wait(timeout):
            return False
        _check(self._answer, self._id)
        return True

    def hang_up(self) -> None:
        """End the request, answered or not."""
        self._line.hang_up()

    def _run(self, client: "Client", asked: Asked) -> None:
        try:
            self._answer = client.post(*asked, timeout=_PATIENCE, line=self._line)
        finally:
            self._ended.set()
