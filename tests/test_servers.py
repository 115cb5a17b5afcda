"""Each kind of server is known by what it answers, and by nothing that another kind answers."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmchat.wire import models, servers
from llmchat.wire.address import parse
from llmchat.wire.pages import Answer
from llmchat.wire.servers import KINDS, LOCAL_PORTS
from tests.kinds import SERVERS, UNEXPECTED, Pages, page
from tests.oddity import odd


def test_there_is_a_server_for_every_kind() -> None:
    assert {kind for _, kind, _ in SERVERS.values()} == {kind.name for kind in KINDS}


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_is_recognised_as_what_it_is(name: str) -> None:
    url, kind, pages = SERVERS[name]
    found = servers.recognise(parse(url), pages.get_page)
    assert found
    assert found.name == kind


# Whose paths it imitates, so that the order of the rows decides.
IMITATED = {"koboldcpp": {"ollama"}}


@pytest.mark.parametrize("name", SERVERS)
def test_and_as_nothing_else(name: str) -> None:
    url, kind, pages = SERVERS[name]
    others = {row.name for row in KINDS if row.recognise(parse(url), pages.get_page)} - {kind}
    assert others == IMITATED.get(kind, set())


# Answers of which no server can be known.
UNKNOWN: dict[str, Answer | None] = {
    "none": None,
    "nothing": page(""),
    "a web page": page("<!DOCTYPE html><html><body>It works!"),
    "LM Studio's to any path": UNEXPECTED,
    "a redirection": page("", 302),
    "an error": page({"error": "x"}, 500),
    "no object": page([1, 2]),
    "a list of texts": page({"data": ["x", None, 3], "models": ["x"]}),
    "an object for a list": page({"data": {"id": "x"}, "models": None}),
    "JSON without an end": page("[" * 100_000),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_server_that_tells_nothing_is_of_no_kind(name: str) -> None:
    answer = UNKNOWN[name]
    assert servers.recognise(parse("localhost:8080"), lambda _: answer) is None
    for row in KINDS:
        assert models.models(row, lambda _: answer) == ()


@pytest.mark.parametrize("name", SERVERS)
@settings(max_examples=25)
@given(data=st.data())
def test_no_answer_is_too_odd(name: str, data: st.DataObject) -> None:
    url, kind, pages = SERVERS[name]
    path = data.draw(st.sampled_from([path for path in pages if pages[path].json] or ["/"]))
    odd_page = page(json.dumps(data.draw(odd(pages[path].json if path in pages else {}))))
    odd_pages = Pages({**pages, path: odd_page}, pages.otherwise)
    servers.recognise(parse(url), odd_pages.get_page)
    for listed in models.models(servers.kind(kind), odd_pages.get_page):
        assert listed.id
        assert listed.context is None or listed.context > 0


def test_an_unknown_server_is_presumed_to_be_lm_studio_here_and_openai_elsewhere() -> None:
    assert servers.presumed(parse("localhost:5555")).name == "lmstudio"
    assert servers.presumed(parse("https://example.com")).name == "openai"


def test_the_known_ports_of_this_machine_are_looked_at() -> None:
    assert {kind.port for kind in KINDS} - {443} <= set(LOCAL_PORTS)
    assert len(LOCAL_PORTS) == len(set(LOCAL_PORTS))
