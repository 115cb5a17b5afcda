"""`/probe`: what is found out about parameters by asking, and that it is remembered and shown."""

import contextlib
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from llmchat.local import engine
from llmchat.parameter import Param
from llmchat.params import PARAMS
from tests.scripted import Reply, Request, ScriptedServer, answer, chunk, models, refuse, sse
from tests.session import Session, session, settings_for
from tests.terminal import terminal

Body = dict[str, Any]


@pytest.fixture(scope="module")
def practice() -> Iterator[str]:
    """The URL of a llama.cpp server with the practice model."""
    with contextlib.closing(engine.start_practice()) as running:
        yield running.url


def heeding(*fields: str, seeded: bool = True) -> Callable[[Request], Reply]:
    """Answers with random words that depend on these fields, and on the seed or on nothing."""
    chance = random.Random(0)

    def say(request: Request) -> Reply:
        body = request.body
        if body.get("temperature") == 0 and "temperature" in fields:
            return Reply(answer("the", " likeliest"))
        told = str([(field, body.get(field)) for field in fields])
        source = random.Random(f"{told} {body.get('seed')}") if seeded else chance
        return Reply(answer(*(f" {source.randrange(1000)}" for _ in range(8))))

    return say


def verdicts(ran: Session) -> dict[str, str]:
    chat = ran.chat
    return chat.keeping.do(lambda store: store.probes(chat.connection.name, chat.model))


def test_a_server_that_ignores_the_temperature_is_found_out(server: ScriptedServer) -> None:
    server.will(heeding("top_p"))
    ran = session(server.url, "/probe temperature top_p", "/set temperature=0.5", "/params", "/unset top_p")
    assert "temperature: no effect; the answers are the same at 0 and 2." in ran.screen
    assert "top_p: effective; the answers differ between 0 and 1." in ran.screen
    assert "temperature is 0.5 (but `/probe` saw no effect of it here)." in ran.screen
    row = next(line.split() for line in ran.screen.splitlines() if line.startswith("temperature  "))
    assert row[1:4] == ["0.5", "no", "effect"]


def test_it_enters_nothing_into_the_conversation_and_says_how_much_it_asks(server: ScriptedServer) -> None:
    server.will(heeding("temperature"))
    ran = session(server.url, "hi", "/probe temperature extra.foo")
    assert "Trying 2 parameters with 3 to 12 short requests each, at most 24." in ran.screen
    assert f"Done after {len(server.requests) - 1} requests." in ran.screen
    assert [role for role, _ in ran.said] == ["user", "assistant"]
    assert len(ran.conversation.nodes) == 2
    asked = server.requests[1:]
    assert all(len(request.body["messages"]) == 1 and request.body["max_tokens"] == 12 for request in asked)
    assert {request.body.get("foo") for request in asked} == {None, 0, 1}


def test_a_server_that_never_says_the_same_twice_proves_nothing(server: ScriptedServer) -> None:
    server.will(heeding("temperature", seeded=False))
    ran = session(server.url, "/probe extra.foo temperature seed")
    assert verdicts(ran) == {"extra.foo": "unclear", "temperature": "effective", "seed": "unclear"}


def test_a_refusal_is_a_finding(server: ScriptedServer) -> None:
    server.pages["/health/liveliness"] = Reply([b"I'm alive!"], type="text/plain")
    server.will(refuse(400, {"error": {"message": "seed is not supported"}}))
    ran = session(server.url, "/probe mirostat temperature", "/probe seed=5", "/probe nonsense")
    assert "mirostat: refused; LiteLLM does not know it, so it is not sent." in ran.screen
    assert "temperature: refused; The server refused (HTTP 400): seed is not supported." in ran.screen
    assert "/probe takes names, not 'seed=5'." in ran.screen
    assert "There is no parameter 'nonsense'." in ran.screen
    assert len(server.requests) == 1


def test_it_tries_what_is_set_and_is_remembered_for_this_model(server: ScriptedServer) -> None:
    server.pages["/v1/models"] = models("one", "two")
    server.will(heeding("top_k"))
    ran = session(
        server.url, "/model one", "/set top_k=5 extra.foo=[1]", "/probe", "/model two", "/set top_k=6"
    )
    assert "extra.foo: no effect; the answers are the same at not sent and [1]." in ran.screen
    assert verdicts(ran) == {}
    again = session(server.url, "/model one")
    assert verdicts(again) == {"top_k": "effective", "extra.foo": "no effect"}


def test_a_server_that_is_not_there_is_a_sentence() -> None:
    assert "No server answers that could be asked." in session("http://127.0.0.1:9", "/probe seed").screen


@pytest.mark.parametrize("param", PARAMS, ids=lambda param: param.name)
def test_every_parameter_has_two_values_to_try(param: Param) -> None:
    low, high = param.extremes
    assert low != high
    assert all(value is None or param.check(value) == value for value in (low, high))


def test_the_real_server_is_found_out(practice: str) -> None:
    """Those that need others, too; a name that the server does not know has no effect."""
    names = "temperature top_k repeat_penalty seed min_p max_tokens stop mirostat_tau"
    names += " dry_multiplier grammar n extra.foo"
    ran = session(practice, "/model practice", f"/probe {names}", settings=settings_for(practice))
    found = verdicts(ran)
    assert found.pop("extra.foo") == "no effect"
    assert found == dict.fromkeys(names.split()[:-1], "effective")


def test_ctrl_c_stops_it_and_hangs_up(server: ScriptedServer, home: Path) -> None:
    server.will(answer("a"), answer("b"), answer("a"), Reply(sse(chunk("Once"), done=False), hold=True))
    with terminal("-u", server.url, home=home) as screen:
        screen.wait_for_prompt()
        screen.line("/probe temperature top_p")
        screen.wait_until(lambda _: len(server.requests) == 4, "the request that never ends")
        screen.type("\x03")
        screen.wait_for("Stopped.")
        assert "temperature: effective" in screen.wait_for_prompt()
    assert server.requests[3].hung_up.wait(5)


def test_in_a_terminal_against_the_real_server(home: Path) -> None:
    with terminal("--demo", home=home, columns=60) as screen:
        screen.wait_for_prompt()
        screen.line("/probe temperature extra.foo")
        text = screen.wait_for("Done after")
        assert "temperature: effective" in text
        assert "extra.foo: no effect" in text
        screen.wait_for_prompt()
        screen.line("/history")
        screen.wait_for("The conversation has not begun.")
