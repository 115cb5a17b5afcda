"""Finding out what a server is, in a thread: its kind, its models, and who else is on this machine."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from llmchat.errors import LlmchatError, UntrustedError
from llmchat.wire import servers
from llmchat.wire.address import Address
from llmchat.wire.models import Model, models
from llmchat.wire.pages import Answer, Get, text, told
from llmchat.wire.servers import Kind

if TYPE_CHECKING:
    from llmchat.local.engine import Engine
    from llmchat.wire.client import Client

_MODELS = "/v1/models"
_NONE: Mapping[str, Answer] = MappingProxyType({})

PATIENCE = 4.0
"""Seconds that a question waits for this before it leaves on what is presumed."""


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of a server.

    `given_context` is the window that the settings file tells, for every model.

    `kind` is the recognised one or the presumed one; `reachable` says whether anything answered,
    `wants_key` whether it refused to list its models without a (or with this) key. `fault` is why
    something that is there cannot be talked to.
    """

    address: Address
    kind: Kind
    recognised: bool = False
    reachable: bool = False
    wants_key: bool = False
    models: tuple[Model, ...] = ()
    version: str = ""
    given_context: int | None = None
    fault: UntrustedError | None = None

    def model(self, id: str) -> Model | None:
        """The listed model with this id."""
        return next((listed for listed in self.models if listed.id == id), None)

    def context(self, model: str) -> int | None:
        """The context window of a model in tokens; None where it is not told."""
        listed = self.model(model)
        return self.given_context or (listed.context if listed else None)

    @property
    def title(self) -> str:
        """What to call it."""
        return self.kind.title if self.recognised else "a server"


def look(client: "Client") -> Found:
    """Ask a server what it is; takes as long as its answers, a few seconds at most each."""
    presumed = servers.presumed(client.address)
    try:
        first = client.ask(_MODELS)
    except LlmchatError as error:
        return Found(client.address, presumed, fault=error if isinstance(error, UntrustedError) else None)
    get = remembering(client, {_MODELS: first})
    kind = servers.recognise(client.address, get)
    return Found(
        client.address,
        kind or presumed,
        recognised=kind is not None,
        reachable=True,
        wants_key=_wants_key(first, kind or presumed, client),
        models=models(kind or presumed, get, client.post),
        version=_version(kind, get) if kind else "",
    )


def _wants_key(listing: Answer, kind: Kind, client: "Client") -> bool:
    return listing.status in (401, 403) or (not client.key and listing.status == kind.keyless)


def _version(kind: Kind, get: Get) -> str:
    if kind.version is None:
        return ""
    path, name = kind.version
    version = text(told(get, path).get(name))
    return "" if "unknown" in version else version  # b0-unknown: built without its source's history


def remembering(client: "Client", known: Mapping[str, Answer] = _NONE) -> Get:
    """`client.get` that asks for each path once, as several rows look at the same answer; none of `known`."""
    answers: dict[str, Answer | None] = dict(known)

    def get(path: str) -> Answer | None:
        if path not in answers:
            answers[path] = client.get(path)
        return answers[path]

    return get


class Discovery:
    """`look` in a thread.

    `connect` makes the client; where a model file is to be served, it starts the engine first.
    With `neighbours`, the known ports of this machine are looked at too when the server does not
    answer. `then` is called in the thread when all is known.
    """

    def __init__(
        self,
        connect: Callable[["Discovery"], "Client"],
        *,
        neighbours: bool = False,
        then: Callable[[], None] | None = None,
    ) -> None:
        self._connect = connect
        self._neighbours = neighbours
        self._then = then
        self._told = threading.Event()
        self._found: Found | None = None
        self._error: LlmchatError | None = None
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._abandoned = False
        self.others: tuple[Found, ...] = ()

    def start(self) -> None:
        """Begin, in a thread."""
        threading.Thread(target=self._run, name="llmchat-discovery", daemon=True).start()

    def result(self, timeout: float = PATIENCE) -> Found | None:
        """What was found; None when it is not known within `timeout` seconds.

        Raises EngineError when an engine was to be started and did not.
        """
        self._told.wait(timeout)
        if self._error:
            raise self._error
        return self._found

    def own(self, engine: "Engine") -> None:
        """End this engine when the discovery is abandoned; at once if it has been."""
        with self._lock:
            self._engine = engine
            abandoned = self._abandoned
        if abandoned:
            engine.close()

    def abandon(self) -> None:
        """Nobody wants this server any more: end its engine, if it has one."""
        with self._lock:
            self._abandoned = True
            engine, self._engine = self._engine, None
        if engine:
            engine.close()

    def _run(self) -> None:
        try:
            client = self._connect(self)
            self._found = look(client)
        except LlmchatError as error:
            self._error = error
        finally:
            self._told.set()
        if self._neighbours and self._found and not self._found.reachable:
            self.others = look_around(client.address)
        if self._then and not self._abandoned:
            self._then()


def look_around(apart_from: Address | None, ports: Iterable[int] = servers.LOCAL_PORTS) -> tuple[Found, ...]:
    """The servers that answer on these ports of this machine, in their order, but this one."""
    from llmchat.wire.client import Client

    found: dict[int, Found] = {}

    def look_at(port: int) -> None:
        there = look(Client(Address("http", "localhost", port, "/v1")))
        if there.reachable:
            found[port] = there

    here = apart_from.port if apart_from and apart_from.local else None
    ports = [port for port in ports if port != here]
    threads = [threading.Thread(target=look_at, args=(port,), daemon=True) for port in ports]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + PATIENCE
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return tuple(found[port] for port in ports if port in found)
