"""Each kind of server is known by what it answers, and by nothing that another kind answers.

The pages are the bodies that the servers' own sources and documentation give for these paths.
"""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmchat.wire import servers
from llmchat.wire.address import parse
from llmchat.wire.servers import DEFAULT_MODEL, KINDS, LOCAL_PORTS, Answer, Get, Model, choose_model
from tests.oddity import odd


def page(body: Any, status: int = 200, server: str = "") -> Answer:
    return Answer(status, {"server": server}, body if isinstance(body, str) else json.dumps(body))


def listing(*ids: str, **fields: Any) -> Answer:
    return page({"object": "list", "data": [{"id": id, "object": "model", **fields} for id in ids]})


class Pages(dict[str, Answer]):
    """What a server answers to each path, and what it answers to all others (None: nothing)."""

    def __init__(self, pages: dict[str, Answer], otherwise: Answer | None) -> None:
        super().__init__(pages)
        self.otherwise = otherwise

    def get_page(self, path: str) -> Answer | None:
        return self.get(path, self.otherwise)


NOT_FOUND = page({"detail": "Not Found"}, 404)
LLAMACPP_404 = page({"error": {"code": 404, "message": "File Not Found", "type": "not_found_error"}}, 404)
UNEXPECTED = page({"error": "Unexpected endpoint or method. (GET /x)"})
LMSTUDIO_V0 = page(
    {
        "object": "list",
        "data": [
            {"id": "qwen3-8b", "type": "llm", "state": "loaded", "loaded_context_length": 4096},
            {"id": "gemma-3", "type": "vlm", "state": "not-loaded", "max_context_length": 131072},
            {"id": "nomic", "type": "embeddings", "state": "loaded"},
        ],
    }
)
LMSTUDIO_V1 = page(
    {
        "models": [
            {
                "type": "llm",
                "key": "qwen3-8b",
                "loaded_instances": [{"id": "qwen3-8b", "config": {"context_length": 4096}}],
            },
            {"type": "llm", "key": "gemma-3", "loaded_instances": []},
            {"type": "embedding", "key": "nomic", "loaded_instances": [{"id": "nomic"}]},
        ]
    }
)
OLLAMA_PS = page({"models": [{"name": "qwen3:8b", "model": "qwen3:8b", "context_length": 4096}]})

# A server: its address, the kind that it is, and its pages.
SERVERS: dict[str, tuple[str, str, Pages]] = {
    "OpenAI": (
        "https://api.openai.com",
        "openai",
        Pages({"/v1/models": listing("gpt-4o", owned_by="system")}, page({"error": {"message": "?"}}, 404)),
    ),
    "OpenRouter": (
        "https://openrouter.ai/api/v1",
        "openrouter",
        Pages({"/v1/models": page({"data": [{"id": "a/b", "context_length": 8192}]})}, page("<html>")),
    ),
    "llama.cpp": (
        "localhost:8080",
        "llamacpp",
        Pages({"/v1/models": listing("m.gguf", owned_by="llamacpp", meta={"n_ctx": 512})}, LLAMACPP_404),
    ),
    "llama.cpp that loads": (
        "localhost:8080",
        "llamacpp",
        Pages({}, page({"error": {"message": "Loading model", "code": 503}}, 503, server="llama.cpp")),
    ),
    "llama.cpp that wants a key": (
        "localhost:9931",
        "llamacpp",
        Pages({}, page({"error": {"message": "Invalid API Key", "code": 401}}, 401, server="llama.cpp")),
    ),
    "vLLM": (
        "localhost:8000",
        "vllm",
        Pages({"/v1/models": listing("q/Q", owned_by="vllm", max_model_len=8192)}, NOT_FOUND),
    ),
    "SGLang": (
        "localhost:30000",
        "sglang",
        Pages({"/v1/models": listing("q/Q", owned_by="sglang", max_model_len=8192)}, NOT_FOUND),
    ),
    "KoboldCpp": (
        "localhost:5001",
        "koboldcpp",
        Pages(
            {
                "/api/extra/version": page({"result": "KoboldCpp", "version": "1.76", "vision": False}),
                "/v1/models": listing("koboldcpp/m", owned_by="koboldcpp"),
                "/api/tags": page({"models": [{"name": "koboldcpp"}]}),
                "/": page("Ollama is running"),
            },
            page("Error: Not found", 404),
        ),
    ),
    "LM Studio": (
        "localhost:1234",
        "lmstudio",
        Pages(
            {"/v1/models": listing("qwen3-8b", "gemma-3", "nomic"), "/api/v0/models": LMSTUDIO_V0}, UNEXPECTED
        ),
    ),
    "LM Studio 0.4": (
        "localhost:1234",
        "lmstudio",
        Pages(
            {"/v1/models": listing("qwen3-8b", "gemma-3", "nomic"), "/api/v1/models": LMSTUDIO_V1}, UNEXPECTED
        ),
    ),
    "Ollama": (
        "localhost:11434",
        "ollama",
        Pages(
            {
                "/": page("Ollama is running"),
                "/v1/models": listing("qwen3:8b", "all-minilm:latest", "gemma3:1b", owned_by="library"),
                "/api/ps": OLLAMA_PS,
            },
            page("404 page not found", 404),
        ),
    ),
    "text-generation-webui": (
        "localhost:5000",
        "textgen",
        Pages(
            {
                "/v1/internal/model/info": page({"model_name": "m", "lora_names": []}),
                "/v1/models": listing("m", owned_by="user"),
            },
            NOT_FOUND,
        ),
    ),
    "LiteLLM": (
        "localhost:4000",
        "litellm",
        Pages(
            {"/health/liveliness": page('"I\'m alive!"'), "/v1/models": listing("gpt-4o", owned_by="openai")},
            NOT_FOUND,
        ),
    ),
    "LocalAI": (
        "localhost:8080",
        "localai",
        Pages({"/system": page({"backends": ["llama-cpp"]}), "/v1/models": listing("m")}, page({}, 404)),
    ),
    "Jan": ("localhost:1337", "jan", Pages({"/v1/models": listing("m", owned_by="user")}, page("", 404))),
    "Jan that wants a key": ("localhost:1337", "jan", Pages({}, page({"message": "Unauthorized"}, 401))),
    "mlx_lm": (
        "localhost:8080",
        "mlx",
        Pages({"/v1/models": listing("mlx-community/m", created=1)}, page("Not Found", 404)),
    ),
}


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
        assert servers.models(row, lambda _: answer) == ()


@pytest.mark.parametrize("name", SERVERS)
@settings(max_examples=25)
@given(data=st.data())
def test_no_answer_is_too_odd(name: str, data: st.DataObject) -> None:
    url, kind, pages = SERVERS[name]
    path = data.draw(st.sampled_from([path for path in pages if pages[path].json] or ["/"]))
    odd_page = page(json.dumps(data.draw(odd(pages[path].json if path in pages else {}))))
    odd_pages = Pages({**pages, path: odd_page}, pages.otherwise)
    servers.recognise(parse(url), odd_pages.get_page)
    for listed in servers.models(servers.kind(kind), odd_pages.get_page):
        assert listed.id
        assert listed.context is None or listed.context > 0


@pytest.mark.parametrize("instances", [None, True, 3, "x", {}, [None], [{"config": 3}]])
def test_odd_instances_of_lm_studio_tell_no_window(instances: Any) -> None:
    pages = {
        "/v1/models": listing("a"),
        "/api/v1/models": page({"models": [{"key": "a", "loaded_instances": instances}]}),
    }
    (model,) = servers.models(servers.kind("lmstudio"), pages.get)
    assert (model.loaded, model.context) == (instances == [{"config": 3}], None)


def test_an_unknown_server_is_presumed_to_be_lm_studio_here_and_openai_elsewhere() -> None:
    assert servers.presumed(parse("localhost:5555")).name == "lmstudio"
    assert servers.presumed(parse("https://example.com")).name == "openai"


def test_the_known_ports_of_this_machine_are_looked_at() -> None:
    assert {kind.port for kind in KINDS} - {443} <= set(LOCAL_PORTS)
    assert len(LOCAL_PORTS) == len(set(LOCAL_PORTS))


def models_of(name: str) -> tuple[Model, ...]:
    _, kind, pages = SERVERS[name]
    return servers.models(servers.kind(kind), pages.get_page)


@pytest.mark.parametrize("name", ["LM Studio", "LM Studio 0.4"])
def test_lm_studio_tells_what_is_loaded_and_what_embeds(name: str) -> None:
    assert models_of(name) == (
        Model("qwen3-8b", loaded=True, context=4096),
        Model("gemma-3", loaded=False),
        Model("nomic", loaded=True, embedding=True),
    )


def test_ollama_tells_what_is_loaded() -> None:
    assert models_of("Ollama") == (
        Model("qwen3:8b", loaded=True, context=4096),
        Model("all-minilm:latest", loaded=False, embedding=True),
        Model("gemma3:1b", loaded=False),
    )


def test_llamacpp_has_loaded_the_one_model_that_it_lists() -> None:
    assert models_of("llama.cpp") == (Model("m.gguf", loaded=True),)


def test_llamacpp_with_several_models_tells_which_are_loaded() -> None:
    states = ("unloaded", "loaded", "loading", "sleeping", "failed")
    data = [{"id": state, "owned_by": "llamacpp", "status": {"value": state}} for state in states]
    listed = servers.models(servers.kind("llamacpp"), lambda _: page({"data": data}))
    assert [model.id for model in listed if model.loaded] == ["loaded"]


@pytest.mark.parametrize("name", ["OpenAI", "vLLM", "SGLang", "Jan", "mlx_lm", "LocalAI", "OpenRouter"])
def test_other_servers_do_not_tell_what_is_loaded(name: str) -> None:
    assert [model.loaded for model in models_of(name)] == [None]


def test_the_window_of_a_model_is_told_in_the_list_or_by_llamacpps_props() -> None:
    assert [model.context for model in models_of("vLLM")] == [8192]
    assert [model.context for model in models_of("OpenRouter")] == [8192]
    assert [model.context for model in models_of("OpenAI")] == [None]
    props = {"default_generation_settings": {"n_ctx": 512}, "total_slots": 4}
    pages = {"/v1/models": listing("m.gguf"), "/props": page(props)}
    assert servers.models(servers.kind("llamacpp"), pages.get) == (Model("m.gguf", True, context=512),)


def only_the_list(path: str) -> Answer | None:
    return listing("a", "b") if path == "/v1/models" else None


@pytest.mark.parametrize("kind", ["lmstudio", "ollama"])
def test_what_is_loaded_is_unknown_when_the_server_does_not_say(kind: str) -> None:
    get: Get = only_the_list
    assert servers.models(servers.kind(kind), get) == (Model("a"), Model("b"))


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
    (model,) = servers.models(servers.kind("openai"), lambda _: listing(id))
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
