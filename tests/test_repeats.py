"""A request is asked again by itself where that costs nothing, each time said, and nowhere else."""

import contextlib
import signal
import threading
import time

import pytest

from llmchat.errors import DroppedError, EngineError, LlmchatError, ServerError, UnreachableError, UsageError
from llmchat.wire import address
from llmchat.wire.client import Client
from llmchat.wire.deltas import Delta, Notice, Text
from llmchat.wire.refusal import refusal
from llmchat.wire.repeats import LONGEST_WAIT, REFUSED_WAITS, Repeat, repeat
from tests.scripted import Reply, Request, ScriptedServer, answer, chunk, refuse, serving, sse
from tests.session import session

pytestmark = pytest.mark.each_flavour

LOADING = {"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}}
BODY = {"model": "m", "max_tokens": -1, "temperature": 0.7}
OPTIONAL = ("max_tokens", "temperature")
GONE = UnreachableError("No server answers at there.", refused=True)


def busy(seconds: str, status: int = 429) -> Reply:
    """A refusal that says when to ask again."""
    return Reply([b'{"error": "slow down"}'], status, "application/json", {"Retry-After": seconds})


# The policy.

AGAIN: dict[str, tuple[LlmchatError, Repeat]] = {
    "gone": (GONE, Repeat("No server answers at there any more; asking again in 1 s.", 1.0)),
    "loading": (
        refusal(503, '{"error": {"message": "Loading model"}}'),
        Repeat("The server is not ready yet; asking again until it is.", 0.5),
    ),
    "busy": (
        refusal(429, "slow down", {"retry-after": "20"}),
        Repeat("The server is busy; asking again in 20 s, as it says.", 20.0),
    ),
    "busy for a moment": (
        refusal(503, "Service Unavailable", {"retry-after": "0"}),
        Repeat("The server is busy; asking again in 0.5 s, as it says.", 0.5),
    ),
    "a field": (
        refusal(400, "temperature is not supported"),
        Repeat("The server does not take temperature (0.7); asked again without it.", without="temperature"),
    ),
    "mlx_lm": (
        DroppedError("Broken.", silent=True),
        Repeat("The server does not take max_tokens (-1); asked again without it.", without="max_tokens"),
    ),
}


@pytest.mark.parametrize("case", AGAIN)
def test_what_is_asked_again(case: str) -> None:
    error, expected = AGAIN[case]
    assert repeat(error, BODY, OPTIONAL, known=True) == expected


NEVER: list[LlmchatError] = [
    UnreachableError("No TLS."),
    DroppedError("It had begun."),
    ServerError("In the stream.", words="Loading model"),
    ServerError("In the stream.", words="temperature"),
    EngineError("No engine."),
    UsageError("No key."),
    *(
        refusal(status, "oops")
        for status in (200, 301, 400, 401, 403, 404, 408, 413, 422, 429, 500, 502, 503)
    ),
    *(refusal(status, "temperature, Loading model") for status in (200, 500, 502, 504)),
    refusal(500, "slow down", {"retry-after": "1"}),
    refusal(400, "n_temperature"),
]


@pytest.mark.parametrize("error", NEVER, ids=str)
def test_what_is_never_asked_again(error: LlmchatError) -> None:
    assert repeat(error, BODY, OPTIONAL, known=True) is None


def test_a_dropped_connection_is_no_reason_where_the_user_set_the_limit() -> None:
    dropped = DroppedError("Broken.", silent=True)
    assert repeat(dropped, BODY, ("temperature",)) is None
    assert repeat(dropped, {**BODY, "max_tokens": 9}, OPTIONAL) is None
    assert repeat(dropped, {"model": "m"}, OPTIONAL) is None


def test_a_server_that_never_was_there_is_not_waited_for() -> None:
    assert repeat(GONE, BODY, OPTIONAL, known=False) is None


def waits(error: LlmchatError, most: int = 5000) -> list[float]:
    """The waits of a server that goes on like this."""
    earlier: list[Repeat] = []
    while len(earlier) < most and (again := repeat(error, BODY, OPTIONAL, earlier, known=True)):
        earlier.append(again)
    return [one.wait for one in earlier]


def test_every_patience_has_an_end() -> None:
    assert waits(GONE) == list(REFUSED_WAITS)
    assert waits(refusal(429, "", {"retry-after": "2"})) == [2.0] * 5
    assert waits(refusal(429, "", {"retry-after": str(LONGEST_WAIT + 1)})) == []
    loading = waits(refusal(503, "Loading model"))
    assert loading[:5] == [0.5, 1.0, 2.0, 4.0, 4.0]
    assert 3600 <= sum(loading) <= 3604


# The policy at work.


def test_a_server_that_loads_is_waited_for_and_it_is_said_once(server: ScriptedServer) -> None:
    server.will(refuse(503, LOADING), refuse(503, LOADING), answer("fine"))
    ran = session(server.url, "hi")
    assert ran.screen.count("The server is not ready yet") == 1
    assert ran.said == [("user", "hi"), ("assistant", "fine")]
    assert [request.body for request in server.requests] == [server.requests[0].body] * 3


def test_a_busy_server_is_asked_when_it_wants_to_be(server: ScriptedServer) -> None:
    server.will(busy("0"), busy("0", 503), answer("fine"))
    ran = session(server.url, "hi")
    assert ran.screen.count("The server is busy; asking again in 0.5 s") == 1
    assert ran.said[1] == ("assistant", "fine")
    assert len(server.requests) == 3


def test_a_server_that_is_busy_for_long_is_not_waited_for(server: ScriptedServer) -> None:
    server.will(busy("86400"))
    ran = session(server.url, "hi")
    assert "slow down" in ran.screen
    assert len(server.requests) == 1


def press_ctrl_c_after(request_came: threading.Event) -> None:
    if request_came.wait(20):
        signal.raise_signal(signal.SIGINT)


def test_ctrl_c_ends_the_wait(server: ScriptedServer) -> None:
    came = threading.Event()

    def loading(_: Request) -> Reply:
        came.set()
        return busy("250")

    server.will(loading, answer("fine"))
    began = time.monotonic()
    threading.Thread(target=press_ctrl_c_after, args=(came,), daemon=True).start()
    ran = session(server.url, "hi", "again")
    assert time.monotonic() - began < 200
    assert "Stopped before an answer came." in ran.screen
    assert ran.offered[1] == "hi"
    assert ran.said == [("user", "again"), ("assistant", "fine")]
    assert len(server.requests) == 2


def test_a_server_that_comes_back_is_asked_again() -> None:
    with serving() as server:
        client = Client(address.parse(server.url))
    with contextlib.closing(client.chat(BODY, known=True)) as stream:
        told = stream.wait()
        with serving(port=server.port) as back:
            back.will(answer("fine"))
            deltas: list[Delta] = []
            while not stream.ended:
                deltas += stream.wait()
    assert told == [Notice(f"No server answers at {client.address} any more; asking again in 1 s.")]
    assert Text("fine") in deltas


def test_a_server_that_has_gone_is_asked_twice_more() -> None:
    def last_words(_: Request) -> Reply:
        server.leave()
        return Reply(answer("one"))

    with serving() as server:
        server.will(last_words)
        ran = session(server.url, "hi", "more")
    assert [f"again in {wait:g} s" in ran.screen for wait in REFUSED_WAITS] == [True, True]
    assert f"No server answers at {server.url}.\n" in ran.screen
    assert (ran.said, ran.offered[-1]) == ([("user", "hi"), ("assistant", "one")], "more")


PAID: dict[str, Reply] = {
    "an early end": Reply(sse(chunk("half"), done=False)),
    "reasoning and an early end": Reply(sse(chunk(reasoning="hm"), done=False)),
    "a broken connection": Reply(sse(chunk("half"), done=False), cut=True),
    "headers and no more": Reply([], cut=True),
    "an error in the stream": Reply(sse({"error": {"message": "max_tokens, temperature: Loading model"}})),
    "an error of 500": refuse(500, {"error": "temperature"}),
    "an empty reply": Reply(sse(chunk(finish="stop"))),
    "half a status line": Reply([b"HTTP/1.1 20"], bare=True),
    "a reset": Reply(sse(chunk("half"), done=False), reset=True),
}


@pytest.mark.parametrize("case", PAID)
def test_a_generation_is_never_paid_for_twice(server: ScriptedServer, case: str) -> None:
    server.will(PAID[case], answer("fine"))
    ran = session(server.url, "hi")
    assert len(server.requests) == 1
    assert "asked again" not in ran.screen
    assert "asking again" not in ran.screen
