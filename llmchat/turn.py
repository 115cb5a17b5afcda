"""One question on its way to a reply."""

import contextlib
import time
from collections import deque
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from llmchat.connection import Connection
from llmchat.ending import Ending
from llmchat.errors import ServerError, UsageError
from llmchat.local import engine
from llmchat.messages import ROOT, Conversation, Message, Reply, State
from llmchat.sampling import Sampling
from llmchat.store.answers import Answer
from llmchat.store.keeping import Keeping
from llmchat.store.kept_turn import KeptTurn
from llmchat.store.records import Request, fields_of
from llmchat.wire import servers
from llmchat.wire.deltas import Delta, Draft, Notice
from llmchat.wire.discovery import PATIENCE, Found
from llmchat.wire.models import choose_model
from llmchat.wire.protocol import left_out, messages_array, optional_fields, request_body, unsetting
from llmchat.wire.refusal import advise
from llmchat.wire.servers import Kind

if TYPE_CHECKING:
    from llmchat.wire.client import Client
    from llmchat.wire.stream import Stream


class Asker(Protocol):
    """What a turn needs of the chat that it belongs to; see `Chat`."""

    system: str
    sampling: Sampling
    conversation: Conversation
    last_reply: Reply | None
    replies: deque[Reply]
    connection: Connection
    keeping: Keeping

    @property
    def model(self) -> str: ...

    def suiting(self, model: str) -> Sampling: ...


class Turn:
    """One question on its way to a reply: it commits whole, cut short, or not at all.

    Use it as a context manager and `wait` for deltas until it has `ended`. Leaving it closes the
    connection first; then what came of the answer goes into the conversation: all of it, or what
    there is, marked as cut short, when it was stopped or broke. Without any content (reasoning is
    none) the head stays where it was, the question is kept as failed, and `committed` stays false.
    The store has the question before the request leaves, and the reply while it grows.

    `continues` is the number of an answer to go on with: the model gets it, or `prefix` in its place,
    as its own, and it begins the new one. `sampling`, `connection` and `model` take the place of the
    chat's own, of which `n` is left out; `group` marks what is compared, `lane` its place there.
    `found` is what the request went to.
    """

    def __init__(
        self,
        chat: Asker,
        conversation: Conversation,
        *,
        question: Message | None = None,
        continues: int = ROOT,
        prefix: str = "",
        sampling: Sampling | None = None,
        connection: Connection | None = None,
        model: str = "",
        group: str = "",
        lane: int = 0,
    ) -> None:
        self._chat = chat
        self._connection = connection or chat.connection
        self._named_model = model
        self._parent = conversation.head
        self._asked = conversation.add(question) if question else conversation
        self._continues = continues
        self.sampling = sampling or chat.sampling.without("n")
        # Presets of the model are among the parameters only when the model is known.
        self._may_suit = not (sampling or connection or self._connection.found_so_far())
        self._group, self._lane = group, lane
        self._kept: KeptTurn | None = None
        self._stream: Stream | None = None
        self._unsetting: dict[str, str] = {}
        self._draft = Draft()
        # A server has to say what it is in a few seconds, an engine may load for minutes.
        patience = PATIENCE if self._connection.address else engine.START_TIMEOUT
        self._deadline = time.monotonic() + patience
        self._looked_again = False
        self.found: Found | None = None
        self.question = question
        self.opening = prefix
        self.prefix = prefix or (conversation.node(continues).message.content if continues else "")
        self.ended = False
        self.stopped = False
        self.committed = False
        self.reply: Reply | None = None

    @property
    def body(self) -> Mapping[str, Any]:
        """What was sent; nothing before."""
        return self._stream.body if self._stream else {}

    @property
    def answers(self) -> tuple[Answer, ...]:
        """Each choice of a turn that has ended, with the request that brought it."""
        return self._kept.answers(self.reply) if self._kept and self.reply else ()

    @property
    def request(self) -> Request | None:
        """What was asked, and how it went; None before it leaves."""
        return self._kept.request if self._kept else None

    def wait(self, timeout: float = 0.05) -> list[Delta]:
        """All deltas that are there, waiting up to `timeout` seconds for the first; [] when none.

        Raises ServerError, TransportError, EngineError or UsageError.
        """
        if self._stream is None:
            told = self._open(timeout)
            self.ended = self.stopped
            return told
        try:
            deltas = self._stream.wait(timeout)
        except ServerError as error:
            advise(error, self._unsetting, wants_key=bool(self.found and self.found.wants_key))
            raise
        for delta in deltas:
            self._draft.add(delta)
        if self._kept:
            self._kept.grows(news=bool(deltas))
        self.ended = self._stream.ended
        if self.ended and not self.stopped and not self._draft.has_content:
            raise self.ending.emptiness(continued=bool(self.prefix))
        return deltas

    @property
    def ending(self) -> Ending:
        """How the reply ended, or stands."""
        reply = self.reply or self._draft.reply(self.prefix)
        window = self.found.context(str(self.body.get("model"))) if self.found else None
        return Ending(reply, self.body, window, skipped=self._draft.skipped, stopped=self.stopped)

    def stop(self) -> None:
        """End the reply where it is; safe in a signal handler."""
        self.stopped = True
        if self._stream:
            self._stream.stop()

    def __enter__(self) -> Self:
        self._kept = KeptTurn(self._chat.keeping, self._parent, self.question, self._draft, self.prefix)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream:
            self._stream.close()
        whole = self.ended and not self.stopped and error is None
        self.reply = self._draft.reply(self.prefix, cut_short=not whole)
        self.committed = self._draft.has_content
        if self.committed:
            self._chat.last_reply = self.reply
            self._chat.replies.append(self.reply)
        state: State = "failed" if not self.committed else "complete" if whole else "cut short"
        assert self._kept
        self._chat.conversation = self._kept.end(self.reply, self.body, state, error)

    def _open(self, timeout: float) -> list[Delta]:
        """Send the request as soon as it is known what the server is, or presumed."""
        chat, connection = self._chat, self._connection
        found = connection.found(timeout)
        if found and not found.reachable and not self._looked_again:
            self._looked_again = True
            connection.look_again()
            return []
        if self._is_stopped() or (found is None and time.monotonic() < self._deadline):
            return []
        if found is None:
            assert connection.address
            found = Found(connection.address, servers.presumed(connection.address))
        client, model = connection.client, self._named_model or _model(chat, connection, found)
        messages = messages_array(chat.system, (node.message for node in self._asked.sent()))
        if self._may_suit and found.reachable:
            with contextlib.suppress(UsageError):  # what is wrong with presets is said beside the prompt
                self.sampling = chat.suiting(model).without("n")
        body = _body(found.kind, model, messages, self.sampling, self.prefix)
        if self._kept:
            self._kept.leaves(self._request(found, model, body))
        optional = optional_fields(body, found.kind, self.sampling)
        self._unsetting = unsetting(found.kind, self.sampling)
        self.found = found
        self._stream = client.chat(body, optional, known=found.reachable)
        if self._is_stopped():
            self._stream.stop()
        return _left_out(client, found, self.sampling) + _unseen(client, found, model, self._asked)

    def _request(self, found: Found, model: str, body: Mapping[str, Any]) -> Request:
        """What is kept of the request, but for its place, which the store knows."""
        return Request(
            server=found.address.api,
            kind=found.kind.name,
            model=model,
            fields=fields_of(body),
            continues=self._continues,
            prefix=self.opening,
            omissions=self._asked.omissions(),
            system=self._chat.system,
            chosen={name: setting.value for name, setting in self.sampling.chosen.items()},
            engine=self._connection.engine_name,
            group=self._group,
            lane=self._lane,
            time=time.time(),
        )

    def _is_stopped(self) -> bool:
        """Read anew each time: a signal handler sets it."""
        return self.stopped


def _body(
    kind: Kind, model: str, messages: list[dict[str, Any]], sampling: Sampling, prefix: str
) -> dict[str, Any]:
    """The body of a request; the model goes on with `prefix` as its own, if there is one."""
    if not prefix:
        return request_body(kind, model, messages, sampling)
    begun = [*messages, {"role": "assistant", "content": prefix}]
    return {**request_body(kind, model, begun, sampling), **(kind.continues or {})}


def _unseen(client: "Client", found: Found, model: str, asked: Conversation) -> list[Delta]:
    """A line when images go to a model that is known to see none, once for each; some servers drop them."""
    if not any(known.id == model and known.vision is False for known in found.models):
        return []
    attached = (one for node in asked.sent() for one in node.message.attachments)
    new = {(model, one.name) for one in attached if one.kind == "image"} - client.told_unseen
    client.told_unseen.update(new)
    return [Notice(f"{model} sees no images, says {found.kind.title}.")] if new else []


def _model(chat: Asker, connection: Connection, found: Found) -> str:
    """The chat's model, or on another server that has it not what suits that one."""
    listed = [known.id for known in found.models]
    known = connection is chat.connection or chat.model in listed
    return chat.model if known else choose_model(found.models)


def _left_out(client: "Client", found: Found, sampling: Sampling) -> list[Delta]:
    """A line for each parameter that this kind of server would refuse, told once a server."""
    new = [name for name in left_out(found.kind, sampling) if name not in client.told_left_out]
    client.told_left_out.update(new)
    return [Notice(f"{found.kind.title} does not know {name}: left out.") for name in new]
