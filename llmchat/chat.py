"""Chat, the one thing that changes: what every command and every turn works on."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmchat import engine
from llmchat.errors import EngineError, UsageError
from llmchat.messages import Conversation, Message, Node, Reply, Role
from llmchat.sampling import Sampling
from llmchat.settings import Settings
from llmchat.store.keeping import Keeping
from llmchat.store.records import Record, Request
from llmchat.turn import Turn
from llmchat.wire import address, servers
from llmchat.wire.address import Address
from llmchat.wire.discovery import PATIENCE, Discovery, Found, look_around

if TYPE_CHECKING:
    # requests takes as long to import as the rest of the start; the discovery's thread does it.
    from llmchat.wire.client import Client


DEMO = "demo"
"""The engine's name while it runs the practice model."""


class Chat:
    """One conversation with one server: what every command and every turn works on.

    The server, its model and its kind are found out in a thread (`discovery`), so that nothing
    waits for the network but a question. `store` is the file that conversations are kept in; None
    keeps them in memory. `engine_name` is "demo" or a model file while llmchat runs the server itself.
    """

    def __init__(self, settings: Settings, store: Path | None = None) -> None:
        self.settings = settings
        self.keeping = Keeping(store, lambda: self.conversation)
        self.system = settings.system
        self.sampling = settings.sampling
        self.preferences = settings.preferences
        self.named_model = settings.model
        self.conversation = Conversation()
        self.last_reply: Reply | None = None
        self.address: Address | None = settings.address
        self.engine_name = ""
        self.others: tuple[Found, ...] = ()
        self._earlier_sampling: list[Sampling] = []
        self._keys: dict[str, str] = {}
        self._client: Client | None = None
        self._discovery: Discovery | None = None

    def connect(self, server: Address, then: Callable[[], None] | None = None) -> None:
        """Talk to this server from now on; the conversation and the parameters stay."""
        self._leave_server()
        self.address, self.engine_name, self.last_reply = server, "", None
        neighbours = server.local and self.others == ()
        self._discover(lambda _: self._new_client(server), neighbours=neighbours, then=then)

    def run_model(self, file: Path | None, then: Callable[[], None] | None = None) -> None:
        """Start llama.cpp on a model file (None: the practice model) and talk to it."""
        self._leave_server()
        self.address, self.engine_name, self.last_reply = None, str(file or DEMO), None
        self._discover(lambda owner: self._start_engine(file, owner), then=then)

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

    def found_so_far(self) -> Found | None:
        """What is known of the server now; None also when an engine did not start."""
        with contextlib.suppress(EngineError):
            return self.found(timeout=0) if self._discovery else None
        return None

    def return_to(self, asked: Request, then: Callable[[], None] | None = None) -> None:
        """Talk to the server that a request went to, unless that is the present one."""
        if asked.engine:
            if asked.engine != self.engine_name:
                self.run_model(None if asked.engine == DEMO else Path(asked.engine), then)
        elif self._discovery is None or address.parse(asked.server) != self.address:
            self.connect(address.parse(asked.server), then)

    def look_again(self) -> None:
        """Find out afresh what the server is: it may have been started, or changed, since."""
        if self.address and not self.engine_name:
            server = self.address
            self._discover(lambda _: self._new_client(server))

    def look_around(self) -> tuple[Found, ...]:
        """The servers on the known ports of this machine but the current one, asked afresh."""
        self.others = look_around(self.address)
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
        found = self.found_so_far()
        return self.named_model or servers.choose_model(found.models if found else ())

    def use_key(self, key: str) -> None:
        """Send this key to the current server, and to no other; it is kept in memory only."""
        self._keys[self.client.address.origin] = key
        self._client = None
        self.look_again()

    def tune(self, sampling: Sampling) -> None:
        """Take these parameters; `untune` goes back."""
        self._earlier_sampling.append(self.sampling)
        self.sampling = sampling

    def untune(self) -> None:
        """Take the last change of parameters back; raises UsageError when there was none."""
        if not self._earlier_sampling:
            raise UsageError("No parameter has been changed yet.", "`/set` shows them.")
        self.sampling = self._earlier_sampling.pop()

    def turn(self, question: str | None, after: int | None = None, sampling: Sampling | None = None) -> Turn:
        """A turn with this question after a message, else after the head.

        None answers the last question once more, as a sibling. `sampling` takes the place of the
        chat's own. Raises UsageError when there is no last question.
        """
        if question is not None:
            place = self.conversation if after is None else self.conversation.at(after)
            return Turn(self, place, question=question, sampling=sampling)
        return Turn(self, self.conversation.at(self.last("user").number), sampling=sampling)

    def continuation(self) -> Turn:
        """A turn in which the model goes on with its last answer; the whole becomes a sibling of it.

        Raises UsageError when there is none. `continues` tells whether the server is known to do it.
        """
        last = self.last("assistant")
        return Turn(self, self.conversation.at(last.parent), continues=last.number)

    @property
    def continues(self) -> bool:
        """Whether the server is known to go on with an answer that ends a request."""
        found = self.found()
        return found is not None and found.kind.continues is not None

    def clear(self) -> None:
        """Begin a new conversation; parameters and system prompt stay."""
        self.conversation = Conversation()
        self.last_reply = None
        self.keeping.id = 0

    def go(self, number: int) -> None:
        """Move the head to this message, or to `ROOT`."""
        self.conversation = self.conversation.at(number)
        if self.keeping.id:
            self.keeping.do(lambda store: store.move(self.keeping.id, number))

    def put(self, message: Message, parent: int) -> int:
        """Add a message that no request brought, and move the head there; its number."""
        entry = self.keeping.begin(parent, None)
        entry.answers = {0: message}
        self.keeping.write(entry, ended=True)
        self.conversation = self.keeping.grown(entry).at(entry.head)
        return entry.head

    def begin(self, record: Record) -> None:
        """Store a whole conversation as a new one, and go on with it."""
        self.open(self.keeping.do(lambda store: store.add(record)))

    def open(self, conversation: int) -> Request | None:
        """Go on with a stored conversation; its last request. Raises UsageError."""
        found = self.keeping.do(lambda store: store.conversation(conversation))
        if found is None:
            raise UsageError("This conversation is no longer there.", "`/chats` lists them.")
        self.clear()
        self.keeping.id, self.conversation = conversation, found
        return self.keeping.do(lambda store: store.last_request(self.keeping.id))

    def last(self, role: Role) -> Node:
        """The last message of this role on the path; raises UsageError when there is none."""
        last = self.conversation.last(role)
        if last is None:
            noun = "question" if role == "user" else "answer"
            raise UsageError(f"There is no {noun} yet.", "Type a question.")
        return last

    def close(self) -> None:
        """Close the store, and end what was started: an engine, if any."""
        self.keeping.close()
        self._leave_server()

    def _discover(self, connect: Callable[[Discovery], "Client"], **options: Any) -> None:
        self._discovery = Discovery(connect, **options)
        self._discovery.start()  # it may tell at once, and has to be known by then

    def _leave_server(self) -> None:
        if self._discovery:
            self._discovery.abandon()
        self._client = self._discovery = None

    def _new_client(self, server: Address) -> "Client":
        from llmchat.wire.client import Client

        return Client(server, self._keys.get(server.origin) or self.settings.key_for(server))

    def _start_engine(self, file: Path | None, owner: Discovery) -> "Client":
        running = engine.start(file) if file else engine.start_practice()
        owner.own(running)
        return self._new_client(address.parse(running.url))
