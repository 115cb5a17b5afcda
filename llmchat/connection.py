"""The server that the chat talks to: its address, its key, and the engine when llmchat runs it itself."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmchat.config.named_servers import Access, NamedServer
from llmchat.config.settings import Settings
from llmchat.errors import EngineError
from llmchat.local import engine
from llmchat.store.records import Request
from llmchat.wire import address
from llmchat.wire.address import Address
from llmchat.wire.discovery import PATIENCE, Discovery, Found, look_around
from llmchat.wire.log import Log

if TYPE_CHECKING:
    # requests takes as long to import as the rest of the start; the discovery's thread does it.
    from llmchat.wire.client import Client


DEMO = "demo"
"""The engine's name while it runs the practice model."""


class Connection:
    """One server at a time, found out in a thread, so that nothing waits for the network but a question.

    `address` is None while an engine starts. `engine_name` is "demo" or a model file while llmchat
    runs the server itself. `named` is the server's table in the settings file, if it has one,
    `warnings` is what was wrong with it. `others` are the servers found on this machine.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.address: Address | None = settings.address
        self.engine_name = ""
        self.named: NamedServer | None = settings.server
        self.warnings: tuple[str, ...] = ()
        self.others: tuple[Found, ...] = ()
        self.log = Log(settings.log)
        self.log.hide(settings.program_key, settings.openai_key)
        self._keys: dict[str, str] = {}
        self._client: Client | None = None
        self._discovery: Discovery | None = None
        self._known: Found | None = None

    def start(self, then: Callable[[], None] | None = None) -> None:
        """Talk to the server that the program was started with."""
        self.connect(self._settings.server or self._settings.address, then)

    def connect(self, place: Address | NamedServer, then: Callable[[], None] | None = None) -> None:
        """Talk to this server from now on; the conversation and the parameters stay."""
        self._leave()
        self.named = place if isinstance(place, NamedServer) else self._settings.named_at(place)
        server = place.address if isinstance(place, NamedServer) else place
        self.address, self.engine_name = server, ""
        neighbours = server.local and self.others == ()
        self._discover(lambda _: self._new_client(server), neighbours=neighbours, then=then)

    def run_model(self, file: Path | None, then: Callable[[], None] | None = None) -> None:
        """Start llama.cpp on a model file (None: the practice model) and talk to it."""
        self._leave()
        self.address, self.engine_name, self.named = None, str(file or DEMO), None
        self._discover(lambda owner: self._start_engine(file, owner), then=then)

    def found(self, timeout: float = PATIENCE) -> Found | None:
        """What is known of the server; waits up to `timeout` seconds, then None. Raises EngineError."""
        if self._discovery is None:
            self.start()
        assert self._discovery
        found = self._discovery.result(timeout)
        if found and self.named:
            found = replace(found, given_context=self.named.context)
        if found:
            self._known = found
            self.address = found.address
            self.others = self._discovery.others or self.others
        return found

    def found_so_far(self) -> Found | None:
        """What is known of the server now; None also when an engine did not start."""
        with contextlib.suppress(EngineError):
            # What is being found out afresh is known from before.
            return self.found(timeout=0) or self._known if self._discovery else None
        return None

    def return_to(self, asked: Request, then: Callable[[], None] | None = None) -> None:
        """Talk to the server that a request went to, unless that is the present one."""
        if asked.engine:
            if asked.engine != self.engine_name:
                self.run_model(None if asked.engine == DEMO else Path(asked.engine), then)
        elif self._discovery is None or address.parse(asked.server) != self.address:
            self.connect(address.parse(asked.server), then)

    @property
    def name(self) -> str:
        """What to know this server by, at another time too: an engine has another port each time."""
        return self.engine_name or (self.address.origin if self.address else "")

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

    def use_key(self, key: str) -> None:
        """Send this key to the current server, and to no other; it is kept in memory only."""
        self._keys[self._place(self.client.address)] = key
        self._client = None
        self.look_again()

    def close(self) -> None:
        """End what was started: an engine, if any; and the log."""
        self._leave()
        self.log.close()

    def _discover(self, connect: Callable[[Discovery], "Client"], **options: Any) -> None:
        self._discovery = Discovery(connect, **options)
        self._discovery.start()  # it may tell at once, and has to be known by then

    def _leave(self) -> None:
        if self._discovery:
            self._discovery.abandon()
        self._client = self._discovery = self._known = None

    def _new_client(self, server: Address) -> "Client":
        from llmchat.wire.client import Client

        access = self.named.access() if self.named else Access()
        key = self._keys.get(self._place(server)) or access.key or self._settings.key_for(server)
        self.warnings = access.warnings
        if key and server.scheme == "http" and not server.local:
            self.warnings += (f"The key goes to {server} in the clear; https would hide it on its way.",)
        return Client(server, key, access.headers, access.ca_file, self.log)

    def _place(self, server: Address) -> str:
        """What a typed key belongs to: a server with a name may have one of its own."""
        return self.named.name if self.named else server.origin

    def _start_engine(self, file: Path | None, owner: Discovery) -> "Client":
        running = engine.start(file) if file else engine.start_practice()
        owner.own(running)
        return self._new_client(address.parse(running.url))
