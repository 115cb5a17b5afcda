"""Loading a model on the server, as far as it does that, and giving up."""

from collections.abc import Callable
from typing import Any

import pytest

from llmchat.commands import registry
from llmchat.errors import LlmchatError
from llmchat.results import Working
from tests.scripted import Json, Reply, Request, Said, ScriptedServer, models, page, refuse
from tests.session import chat_with, session, settings_for

GUARD = 60.0
"""Seconds after which something hangs."""

OLLAMA: dict[str, Said] = {
    "/": Reply([b"Ollama is running"], type="text/plain"),
    "/v1/models": models("a", "b", owned_by="library"),
    "/api/ps": page({"models": []}),
    "/api/show": page({"capabilities": ["completion"]}),
}
LOADED = {"type": "llm", "key": "b", "loaded_instances": [{"id": "b:2"}, {"id": "b:3"}]}
LMSTUDIO: dict[str, Said] = {
    "/v1/models": models("a", "b"),
    "/api/v1/models": page({"models": [LOADED, {"type": "llm", "key": "a", "loaded_instances": []}]}),
}
TEXTGEN: dict[str, Said] = {
    "/v1/models": models("a", "b"),
    "/v1/internal/model/info": page({"model_name": "a"}),
}

# A server's pages, the line, and what it is asked by it.
ASKED: list[tuple[dict[str, Said], str, list[tuple[str, Json]]]] = [
    (OLLAMA, "/load b", [("/api/generate", {"model": "b", "stream": False})]),
    (OLLAMA, "/unload b", [("/api/generate", {"model": "b", "stream": False, "keep_alive": 0})]),
    (LMSTUDIO, "/load a", [("/api/v1/models/load", {"model": "a"})]),
    (
        LMSTUDIO,
        "/unload b",
        [
            ("/api/v1/models/unload", {"instance_id": "b:2"}),
            ("/api/v1/models/unload", {"instance_id": "b:3"}),
        ],
    ),
    (TEXTGEN, "/load b", [("/v1/internal/model/load", {"model_name": "b"})]),
    (TEXTGEN, "/unload", [("/v1/internal/model/unload", {})]),
]


@pytest.mark.parametrize(("pages", "line", "asked"), ASKED)
def test_each_kind_is_asked_in_its_own_way(
    server: ScriptedServer, pages: Any, line: str, asked: list[tuple[str, Json]]
) -> None:
    server.pages = dict(pages)
    server.will(page({"status": "done"}))
    ran = session(server.url, line)
    assert [(request.path, request.body) for request in server.requests] == asked
    assert "is loaded, and the model now." in ran.screen or "is unloaded." in ran.screen
    if line.startswith("/load"):
        assert ran.chat.named_model == line[-1]


def router(*states: str | Json) -> Callable[[Request], Reply]:
    """The model list of a llama.cpp router, whose model is in these states, one a look."""
    left = list(states)

    def listed(_: Request) -> Reply:
        now = left.pop(0) if len(left) > 1 else left[0]
        status = {"value": now} if isinstance(now, str) else now
        return models("m", owned_by="llamacpp", status=status)

    return listed


def steps(server: ScriptedServer, line: str) -> Any:
    """What the line shows while it works."""
    result = registry.run(chat_with(settings_for(server.url)), line)
    assert isinstance(result, Working)
    return result.steps


def test_a_router_is_watched_until_it_has_loaded_the_model(server: ScriptedServer) -> None:
    server.pages["/v1/models"] = router("unloaded", "unloaded", "loading", "loading", "loaded")
    server.will(page({"success": True}))
    shown = list(steps(server, "/load m"))
    assert [request.body for request in server.requests] == [{"model": "m"}]
    assert any(line.startswith("Loading m (loading), ") for line in shown)
    assert shown[-1].startswith("m is loaded, and the model now.")


def test_a_model_that_cannot_be_loaded_is_told(server: ScriptedServer) -> None:
    server.pages["/v1/models"] = router("unloaded", "loading", {"value": "unloaded", "failed": True})
    server.will(page({"success": True}))
    ran = session(server.url, "/load m")
    assert "The server could not load m." in ran.screen


def test_what_a_server_says_against_it_is_shown(server: ScriptedServer) -> None:
    server.pages = dict(LMSTUDIO)
    server.will(refuse(400, {"error": {"message": "Not enough memory", "type": "invalid_request"}}))
    assert "Not enough memory" in session(server.url, "/load a").screen


def test_giving_up_asks_the_server_to_stop(server: ScriptedServer) -> None:
    server.pages["/v1/models"] = router("unloaded", "unloaded", "loading")
    server.will(page({"success": True}))
    working = steps(server, "/load m")
    assert next(working).startswith("Loading m, 0 s. Ctrl-C gives up.")
    working.close()
    while "/models/unload" not in [request.path for request in server.requests]:
        pass


def test_giving_up_ends_the_request(server: ScriptedServer) -> None:
    server.pages = dict(LMSTUDIO)
    server.will(Reply(wait=GUARD))
    working = steps(server, "/load a")
    while not server.requests:
        next(working)
    working.close()
    assert server.requests[0].hung_up.wait(GUARD)


@pytest.mark.parametrize("line", ["/load m", "/unload m"])
def test_a_server_that_cannot_do_it_says_so(server: ScriptedServer, line: str) -> None:
    server.pages["/v1/models"] = models("m", owned_by="vllm")
    assert "load models on request." in session(server.url, line).screen
    assert server.requests == []


def test_a_llamacpp_with_one_model_cannot_do_it(server: ScriptedServer) -> None:
    server.pages["/v1/models"] = models("m", owned_by="llamacpp")
    server.will(refuse(404, {"error": {"message": "File Not Found"}}))
    with pytest.raises(LlmchatError, match="neither loads nor unloads m"):
        list(steps(server, "/load m"))
