"""Chat, the one thing that changes, and Turn: one question on its way to a reply."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from llmchat import address, engine, servers
from llmchat.address import Address
from llmchat.deltas import Delta, Draft
from llmchat.discovery import PATIENCE, Discovery, Found, look_around
from llmchat.engine import Engine
from llmchat.errors import ServerError, UsageError
from llmchat.messages import Conversation, Message, Node, Reply
from llmchat.params import Sampling
from llmchat.protocol import messages_array, optional_fields, request_body
from llmchat.settings import Settings

if TYPE_CHECKING:
    # requests takes as long to import as the rest of the start; the first answer's thread does it.
    from llmchat.client import Client, Stream


class Chat:
    """One conversation with one server: what every command and every turn works on.

    The server, its model and its kind are found out in a thread (`discovery`), so that nothing
    waits for the network but a question.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.system = settings.system
        self.sampling = settings.sampling
        self.named_model = settings.model
        self.conversation = Conversation()
        self.address: Address | None = settings.address
        self.others: tuple[Found, ...] = ()
        self._client: Client | None = None
        self._engine: Engine | None = None
        self._discovery: Discovery | None = None

    def connect(self, server: Address, then: Callable[[], None] | None = None) -> None:
        """Talk to this server from now on; the conversation and the parameters stay."""
        self._leave_server()
        self.address = server
        neighbours = server.local and self.others == ()
        self._discovery = Discovery(lambda: self._new_client(server), neighbours=neighbours, then=then)

    def run_model(self, file: Path | None, then: Callable[[], None] | None = None) -> None:
        """Start llama.cpp on a model file (None: the practice model) and talk to it."""
        self._leave_server()
        self.address = None
        self._discovery = Discovery(lambda: self._start_engine(file), then=then)

    def found(self, timeout: float = PATIENCE) -> Found | None:
        """What is known of the server; waits up to `timeout` seconds, then None. Raises EngineError."""
        if self._discovery is None:
            self.connect(self.settings.address)
        assert self._discovery
        found = self._discovery.result(timeout)
        if found:
            self.address = found.address
            self.others = self._discovery.others or self.others
        return found

    def look_again(self) -> None:
        """Find out afresh what the server is: it may have been started, or changed, since."""
        if self.address:
            server = self.address
            self._discovery = Discovery(lambda: self._new_client(server))

    def look_around(self) -> tuple[Found, ...]:
        """The servers on the known ports of this machine but the current one, asked afresh."""
        self.others = look_around(self.client.address)
        return self.others

    @property
    def client(self) -> "Client":
        """The door to the server; raises EngineError when it did not start."""
        if self._client is None:
            if self.address is None:
                self.found(timeout=engine.START_TIMEOUT)
            assert self.address
            self._client = self._new_client(self.address)
        return self._client

    @property
    def model(self) -> str:
        """The model that the user named, or the one that suits the server best."""
        found = self.found(timeout=0)
        return self.named_model or servers.choose_model(found.models if found else ())

    def turn(self, question: str | None) -> "Turn":
        """A turn with this question; None answers the last question once more, as a sibling.

        Raises UsageError when there is no last question.
        """
        if question is not None:
            return Turn(self, self.conversation, Message("user", question))
        last = self.conversation.last("user")
        if last is None:
            raise UsageError("There is no question yet.", "Type one.")
        return Turn(self, self.conversation.at(last.number), None)

    def clear(self) -> None:
        """Begin a new conversation; parameters and system prompt stay."""
        self.conversation = Conversation()

    def undo(self) -> Node:
        """Go back to before the last question, which is returned. Raises UsageError at the start."""
        last = self.conversation.last("user")
        if last is None:
            raise UsageError("There is nothing to take back.", "The conversation has not begun.")
        self.conversation = self.conversation.at(last.parent)
        return last

    def close(self) -> None:
        """End what was started: an engine, if any."""
        self._leave_server()

    def _leave_server(self) -> None:
        if self._engine:
            self._engine.close()
        self._engine = self._client = self._discovery = None

    def _new_client(self, server: Address) -> "Client":
        from llmchat.client import Client

        return Client(server, self.settings.key_for(server))

    def _start_engine(self, file: Path | None) -> "Client":
        self._engine = engine.start(file) if file else engine.start_practice()
        return self._new_client(address.parse(self._engine.url))


def open_stream(
    client: "Client",
    found: Found,
    model: str,
    messages: Sequence[Mapping[str, Any]],
    sampling: Sampling,
) -> "Stream":
    """Send a chat request in the way that this kind of server takes it."""
    body = request_body(found.kind, model, messages, sampling)
    return client.chat(body, optional_fields(body, found.kind, sampling))


class Turn:
    """One question on its way to a reply: it commits whole, cut short, or not at all.

    Use it as a context manager and `wait` for deltas until it has `ended`. Leaving it closes the
    connection first; then what came of the answer goes into the conversation: all of it, or what
    there is, marked as cut short, when it was stopped or broke. Without any content (reasoning is
    none) the conversation stays as it was, and `committed` stays false.
    """

    def __init__(self, chat: Chat, conversation: Conversation, question: Message | None) -> None:
        self._chat = chat
        self._conversation = conversation.add(question) if question else conversation
        self._stream: Stream | None = None
        self._draft = Draft()
        # A server has to say what it is in a few seconds, an engine may load for minutes.
        patience = PATIENCE if chat.address else engine.START_TIMEOUT
        self._deadline = time.monotonic() + patience
        self._looked_again = False
        self.question = question
        self.ended = False
        self.stopped = False
        self.committed = False
        self.reply: Reply | None = None

    def wait(self, timeout: float = 0.05) -> list[Delta]:
        """All deltas that are there, waiting up to `timeout` seconds for the first; [] when none.

        Raises ServerError, TransportError, EngineError or UsageError.
        """
        if self._stream is None:
            self._open(timeout)
            if self._stream is None:
                self.ended = self.stopped
                return []
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
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._stream:
            self._stream.close()
        whole = self.ended and not self.stopped and error is None
        self.reply = self._draft.reply(cut_short=not whole)
        if self._draft.has_content:
            answers = [choice for choice in self.reply.choices if choice.content.strip()]
            self._chat.conversation = self._conversation.add(*answers)
            self.committed = True

    def _open(self, timeout: float) -> None:
        """Send the request as soon as it is known what the server is, or presumed."""
        chat = self._chat
        found = chat.found(timeout)
        if found and not found.reachable and not self._looked_again:
            self._looked_again = True
            chat.look_again()
            return
        if self._is_stopped() or (found is None and time.monotonic() < self._deadline):
            return
        if found is None:
            assert chat.address
            found = Found(chat.address, servers.presumed(chat.address))
        messages = messages_array(chat.system, self._conversation.messages())
        self._stream = open_stream(chat.client, found, chat.model, messages, chat.sampling)
        if self._is_stopped():
            self._stream.stop()

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
        raise ServerError("The server sent an empty reply.", "`/server` shows what is loaded there.")
