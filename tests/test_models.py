"""What is told of each model, by each kind of server; and which one is chosen."""

import io
import re
from typing import Any

import pytest

from llmchat.commands import registry
from llmchat.input.completion import complete
from llmchat.results import Table
from llmchat.terminal.screen import Screen
from llmchat.wire import models, servers
from llmchat.wire.models import DEFAULT_MODEL, Model, choose_model
from llmchat.wire.pages import Answer, Get
from tests.kinds import LMSTUDIO_V1, SERVERS, listing, page
from tests.scripted import ScriptedServer, serving
from tests.scripted import models as scripted_models
from tests.scripted import page as scripted_page
from tests.session import chat_with, session, settings_for


def models_of(name: str) -> tuple[Model, ...]:
    _, kind, pages = SERVERS[name]
    return models.models(servers.kind(kind), pages.get_page, pages.post_page)


# All that is told of each model, from the bodies in `tests/kinds.py`.
TOLD: dict[str, tuple[Model, ...]] = {
    "LM Studio": (
        Model("qwen3-8b", True, False, 4096, 40960, quantisation="Q4_K_M", vision=False, tools=True),
        Model("gemma-3", False, False, None, 131072, quantisation="4bit", vision=True),
        Model("nomic", True, True, vision=False),
    ),
    "LM Studio 0.4": (
        Model(
            "qwen3-8b",
            *(True, False, 4096, 40960),
            size=5027783488,
            quantisation="Q4_K_M",
            vision=False,
            tools=True,
            reasoning=True,
            instances=("qwen3-8b",),
        ),
        Model(
            "gemma-3", False, False, None, 131072, size=3341131776, vision=True, tools=False, reasoning=False
        ),
        Model("nomic", True, True, instances=("nomic",)),
    ),
    "Ollama": (
        Model(
            "qwen3:8b",
            *(True, False, 4096, 40960),
            size=5225388164,
            quantisation="Q4_K_M",
            vision=False,
            tools=True,
            reasoning=True,
        ),
        Model(
            "all-minilm:latest",
            *(False, True, None, 512),
            size=45960996,
            quantisation="F16",
            vision=False,
            tools=False,
            reasoning=False,
        ),
        Model(
            "gemma3:1b",
            *(False, False, None, 32768),
            size=815319791,
            quantisation="Q4_K_M",
            vision=False,
            tools=False,
            reasoning=False,
        ),
    ),
    "llama.cpp": (
        Model(
            "m.gguf",
            *(True, False, 8192, 32768),
            size=669763072,
            quantisation="Q8_0",
            vision=False,
            tools=True,
            reasoning=True,
        ),
    ),
    "OpenRouter": (Model("a/b", context=8192, vision=True, tools=True, reasoning=True),),
    "vLLM": (Model("q/Q", context=8192),),
    "SGLang": (Model("q/Q", context=8192),),
    "KoboldCpp": (Model("koboldcpp/m", True, context=8192, vision=False),),
    "text-generation-webui": (Model("m", True), Model("other.gguf", False)),
    "LiteLLM": (Model("gpt-4o", context=128000, vision=True, tools=True),),
    "OpenAI": (Model("gpt-4o"),),
    "LocalAI": (Model("m"),),
    "Jan": (Model("m"),),
    "mlx_lm": (Model("mlx-community/m"),),
    "llama-cpp-python": (Model("/models/m.gguf"),),
    "transformers serve": (Model("Qwen/Qwen3-4B"),),
}


@pytest.mark.parametrize("name", TOLD)
def test_all_that_a_server_tells_of_its_models_is_known(name: str) -> None:
    assert models_of(name) == TOLD[name]


def test_there_is_a_body_of_every_kind() -> None:
    assert {SERVERS[name][1] for name in TOLD} == {row.name for row in servers.KINDS}


def test_llamacpp_with_several_models_tells_which_are_loaded() -> None:
    states = ("unloaded", "loaded", "loading", "sleeping", "failed")
    data = [{"id": state, "owned_by": "llamacpp", "status": {"value": state}} for state in states]
    listed = models.models(servers.kind("llamacpp"), lambda _: page({"data": data}))
    assert [model.id for model in listed if model.loaded] == ["loaded"]


def test_each_model_of_a_llamacpp_router_has_properties_of_its_own() -> None:
    pages = {
        "/v1/models": page(
            {
                "data": [
                    {"id": "a/b", "owned_by": "llamacpp", "status": {"value": "loaded"}},
                    {"id": "c", "owned_by": "llamacpp", "status": {"value": "loading"}},
                ]
            }
        ),
        "/props": page({"role": "router", "default_generation_settings": {"n_ctx": 0}}),
        "/props?model=a%2Fb": page({"default_generation_settings": {"n_ctx": 512}}),
    }
    assert models.models(servers.kind("llamacpp"), pages.get) == (
        Model("a/b", loaded=True, context=512),
        Model("c", loaded=False, state="loading"),
    )


def only_the_list(path: str) -> Answer | None:
    return listing("a", "b") if path == "/v1/models" else None


@pytest.mark.parametrize("kind", ["lmstudio", "ollama"])
def test_what_is_loaded_is_unknown_when_the_server_does_not_say(kind: str) -> None:
    get: Get = only_the_list
    assert models.models(servers.kind(kind), get) == (Model("a"), Model("b"))


@pytest.mark.parametrize(
    ("id", "embedding"),
    [
        ("text-embedding-3-small", True),
        ("text-embedding-nomic-embed-text-v1.5", True),
        ("BAAI/bge-m3", True),
        ("e5-large", True),
        ("gte-qwen2", True),
        ("all-minilm:latest", True),
        ("jina-reranker-v2", True),
        ("whisper-1", True),
        ("tts-1", True),
        ("dall-e-3", True),
        ("omni-moderation-latest", True),
        ("gpt-4o-transcribe", True),
        ("gpt-4o", False),
        ("qwen2.5-coder-3b-instruct", False),
        ("code5-large", False),
        ("llama-3.2-1b", False),
    ],
)
def test_a_model_that_cannot_chat_is_known_by_its_name(id: str, embedding: bool) -> None:
    (model,) = models.models(servers.kind("openai"), lambda _: listing(id))
    assert model.embedding is embedding


def model(id: str, loaded: bool | None = None, embedding: bool = False) -> Model:
    return Model(id, loaded, embedding)


# What is listed, and which is chosen: the loaded, the default, the first that chats, the default.
CHOICES: list[tuple[str, list[Model], str]] = [
    ("nothing", [], DEFAULT_MODEL),
    ("only embedding models", [model("e", True, True)], DEFAULT_MODEL),
    ("the first", [model("a"), model("b")], "a"),
    ("the first that can chat", [model("e", None, True), model("a"), model("b")], "a"),
    ("the default", [model("a"), model(DEFAULT_MODEL)], DEFAULT_MODEL),
    ("the loaded", [model("a", False), model("b", True)], "b"),
    ("the loaded before the default", [model(DEFAULT_MODEL, False), model("b", True)], "b"),
    ("the default among the loaded", [model("a", True), model(DEFAULT_MODEL, True)], DEFAULT_MODEL),
    ("the first when none is loaded", [model("a", False), model("b", False)], "a"),
    ("the default when none is loaded", [model("a", False), model(DEFAULT_MODEL, False)], DEFAULT_MODEL),
    ("no loaded embedding model", [model("e", True, True), model("a", False)], "a"),
]


@pytest.mark.parametrize(("listed", "chosen"), [row[1:] for row in CHOICES], ids=[row[0] for row in CHOICES])
def test_the_model_when_the_user_named_none(listed: list[Model], chosen: str) -> None:
    assert choose_model(listed) == chosen


def test_another_default_may_be_given() -> None:
    assert choose_model([model("a"), model("b")], default="b") == "b"


@pytest.mark.parametrize("instances", [None, True, 3, "x", {}, [None], [{"config": 3}]])
def test_odd_instances_of_lm_studio_tell_no_window(instances: Any) -> None:
    pages = {
        "/v1/models": listing("a"),
        "/api/v1/models": page({"models": [{"key": "a", "loaded_instances": instances}]}),
    }
    (model,) = models.models(servers.kind("lmstudio"), pages.get)
    assert (model.loaded, model.context) == (instances == [{"config": 3}], None)


BODIES = {
    "/v1/models": scripted_models("qwen3-8b", "gemma-3", "nomic"),
    "/api/v1/models": scripted_page(LMSTUDIO_V1.json),
}


def test_the_list_shows_what_is_told_and_no_empty_column(server: ScriptedServer) -> None:
    server.pages |= BODIES
    screen = session(server.url, "/models").screen
    assert "*  qwen3-8b  loaded        4,096 of 40,960  5.0 GB  Q4_K_M  tools reasoning" in screen
    assert "gemma-3   not loaded    up to 131,072    3.3 GB          vision" in screen
    assert "nomic     not for chat" in screen
    server.pages = {"/v1/models": scripted_models("a", "b")}
    assert "   model\n*  a\n   b\n" in re.sub(" +\n", "\n", session(server.url, "/models").screen)


def test_in_a_narrow_terminal_columns_are_dropped(server: ScriptedServer) -> None:
    server.pages |= BODIES
    chat = chat_with(settings_for(server.url))
    out = io.StringIO()
    result = registry.run(chat, "/models")
    assert isinstance(result, Table)
    Screen(out, out, rendered=False, width=50).results.table(result)
    assert "qwen3-8b  loaded        4,096 of 40,960" in out.getvalue()
    assert "Q4_K_M" not in out.getvalue()
    assert all(len(row) <= 50 for row in out.getvalue().splitlines())


def test_a_model_is_completed_by_loose_letters_with_its_facts_beside_it(server: ScriptedServer) -> None:
    server.pages |= BODIES
    chat = chat_with(settings_for(server.url))
    assert chat.connection.found()
    (found,) = complete(registry, chat, "/model qw8")
    assert found.text == "qwen3-8b"
    assert found.meaning == "loaded · 4,096 of 40,960 tokens of context · 5.0 GB · Q4_K_M · tools reasoning"
    assert "loaded · 4,096 of 40,960" in session(server.url, "/model").screen


def test_a_build_that_does_not_know_its_version_is_shown_without_one(server: ScriptedServer) -> None:
    server.pages["/v1/models"] = scripted_models("m", owned_by="llamacpp", meta={"n_ctx_train": 2048})
    server.pages["/props"] = scripted_page(
        {"build_info": "b0-unknown", "default_generation_settings": {"n_ctx": 1024}}
    )
    screen = session(server.url, "/server", "/models").screen
    assert f"llama.cpp at {server.url} (1 model)" in screen
    assert "model m: loaded · 1,024 of 2,048 tokens of context" in screen
    assert "The context is in tokens." in screen


def test_where_no_server_answers_another_address_is_asked_for() -> None:
    with serving() as gone:
        url = gone.url
    told = session(url, f"/server {url}").screen
    assert "\n/server URL another" not in told
    assert "/server URL" in told
