"""One question on its way to a reply."""

import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from llmchat import engine
from llmchat.errors import ServerError
from llmchat.messages import Conversation, Message, Reply
from llmchat.sampling import Sampling
from llmchat.wire import servers
from llmchat.wire.address import Address
from llmchat.wire.deltas import Delta, Draft, Notice
from llmchat.wire.discovery import PATIENCE, Found
from llmchat.wire.protocol import left_out, messages_array, optional_fields, request_body

if TYPE_CHECKING:
    from llmchat.wire.client import Client, Stream


class Asker(Protocol):
    """What a turn needs of the chat that it belongs to; see `Chat`."""

    system: str
    sampling: Sampling
    conversation: Conversation
    last_reply: Reply | None
    address: Address | None

    @property
    def client(self) -> "Client": ...
    @property
    def model(self) -> str: ...
    def found(self, timeout: float) -> Found | None: ...
    def look_again(self) -> None: ...


def open_stream(
    client: "Client",
    found: Found,
    model: str,
    messages: Sequence[Mapping[str, Any]],
    sampling: Sampling,
    fields: Mapping[str, Any] | None = None,
) -> "Stream":
    """Send a chat request in the way that this kind of server takes it, with these fields besides."""
    body = {**request_body(found.kind, model, messages, sampling), **(fields or {})}
    return client.chat(body, optional_fields(body, found.kind, sampling))


class Turn:
    """One question on its way to a reply: it commits whole, cut short, or not at all.

    Use it as a context manager and `wait` for deltas until it has `ended`. Leaving it closes the
    connection first; then what came of the answer goes into the conversation: all of it, or what
    there is, marked as cut short, when it was stopped or broke. Without any content (reasoning is
    none) the conversation stays as it was, and `committed` stays false.

    `prefix` is an answer to go on with: the model gets it as its own, and it begins the new one.
    """

    def __init__(
        self, chat: Asker, conversation: Conversation, *, question: str | None = None, prefix: str = ""
    ) -> None:
        self._chat = chat
        self._conversation = conversation.add(Message("user", question)) if question else conversation
        self._stream: Stream | None = None
        self._draft = Draft()
        # A server has to say what it is in a few seconds, an engine may load for minutes.
        patience = PATIENCE if chat.address else engine.START_TIMEOUT
        self._deadline = time.monotonic() + patience
        self._looked_again = False
        self.question = question
        self.prefix = prefix
        self.ended = False
        self.stopped = False
        self.committed = False
        self.reply: Reply | None = None

    def wait(self, timeout: float = 0.05) -> list[Delta]:
        """All deltas that are there, waiting up to `timeout` seconds for the first; [] when none.

        Raises ServerError, TransportError, EngineError or UsageError.
        """
        if self._stream is None:
            told = self._open(timeout)
            self.ended = self.stopped
            return told
        deltas = self._stream.wait(timeout)
        for delta in deltas:
            self._draft.add(delta)
        self.ended = self._stream.ended
        if self.ended and not self.stopped:
            self._check_content()
        return deltas

    def stop(self) -> None:
        """End the reply where it is; safe in a signal handler."""
        self.stopped = True
        if self._stream:
            self._stream.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream:
            self._stream.close()
        whole = self.ended and not self.stopped and error is None
        self.reply = self._draft.reply(self.prefix, cut_short=not whole)
        if self._draft.has_content:
            answers = [choice for choice in self.reply.choices if choice.content.strip()]
            self._chat.conversation = self._conversation.add(*answers)
            self._chat.last_reply = self.reply
            self.committed = True

    def _open(self, timeout: float) -> list[Delta]:
        """Send the request as soon as it is known what the server is, or presumed."""
        chat = self._chat
        found = chat.found(timeout)
        if found and not found.reachable and not self._looked_again:
            self._looked_again = True
            chat.look_again()
            return []
        if self._is_stopped() or (found is None and time.monotonic() < self._deadline):
            return []
        if found is None:
            assert chat.address
            found = Found(chat.address, servers.presumed(chat.address))
        messages = messages_array(chat.system, self._conversation.messages())
        fields = None
        if self.prefix:
            messages.append({"role": "assistant", "content": self.prefix})
            fields = found.kind.continues
        self._stream = open_stream(chat.client, found, chat.model, messages, chat.sampling, fields)
        if self._is_stopped():
            self._stream.stop()
        return _left_out(chat.client, found, chat.sampling)

    def _is_stopped(self) -> bool:
        """Read anew each time: a signal handler sets it."""
        return self.stopped

    def _check_content(self) -> None:
        if self._draft.has_content:
            return
        calls = [call.name for choice in self._draft.reply().choices for call in choice.tool_calls]
        if calls:
            raise ServerError(
                f"The model only asks for a tool call ({', '.join(calls)}), which llmchat never runs.",
                "Ask it to answer in words.",
            )
        if self.prefix:
            raise ServerError("The model has nothing to add to its answer.", "`/regen` asks for another.")
        raise ServerError("The server sent an empty reply.", "`/server` shows what is loaded there.")


def _left_out(client: "Client", found: Found, sampling: Sampling) -> list[Delta]:
    """A line for each parameter that this kind of server would refuse, told once a server."""
    new = [name for name in left_out(found.kind, sampling) if name not in client.told_left_out]
    client.told_left_out.update(new)
    return [Notice(f"{found.kind.title} does not know {name}: left out.") for name in new]
