"""One row for each kind of server: how to recognise it, and what it does with a request.

Recognition reads what the server answers, never only the status: LM Studio says 200 to any path.
The facts come from each server's documentation and source; only llama.cpp is tested live.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from llmchat.wire.address import Address

DEFAULT_MODEL = "qwen2.5-coder-3b-instruct"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said to a GET: HTTP status, headers by lower-case name, and the body's text."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The body decoded; None when it is no JSON."""
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            return None


Get = Callable[[str], Answer | None]
"""Asks the server for a path (`Address.url`); None when no answer came."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model that a server lists.

    `loaded` is None where the server does not tell; `context` is the window in tokens that a
    request has, None where it is not told.
    """

    id: str
    loaded: bool | None = None
    embedding: bool = False
    context: int | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of server.

    `continues` holds the fields that make it go on with an assistant message at the end; None where
    it is not known to. `unlimited` is what becomes of `max_tokens: -1`: "send", "omit", or a number where leaving it
    out would mean a short limit of the server's own. `refuses_unknown` is true where a field that
    the server does not know is an error. `fields` are protocol fields that every request carries.
    """

    name: str
    title: str
    port: int
    recognise: Callable[[Address, Get], bool]
    unlimited: str | int = "omit"
    refuses_unknown: bool = False
    continues: Mapping[str, Any] | None = None
    fields: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


def _told(get: Get, path: str, key: str) -> list[dict[str, Any]] | None:
    """The objects under `key` of what `path` answers; None when it does not say."""
    answer = get(path)
    data = answer.json if answer and answer.status == 200 else None
    items = data.get(key) if isinstance(data, dict) else None
    return _objects(items) if isinstance(items, list) else None


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _list(get: Get, path: str, key: str = "data") -> list[dict[str, Any]]:
    return _told(get, path, key) or []


def _owned_by(*owners: str) -> Callable[[Address, Get], bool]:
    return lambda _, get: any(m.get("owned_by") in owners for m in _list(get, "/v1/models"))


def _hosted_at(host: str) -> Callable[[Address, Get], bool]:
    return lambda address, _: address.host == host or address.host.endswith("." + host)


def _says(path: str, pattern: str) -> Callable[[Address, Get], bool]:
    def recognise(_: Address, get: Get) -> bool:
        answer = get(path)
        return answer is not None and re.search(pattern, answer.text) is not None

    return recognise


def _is_llamacpp(_: Address, get: Get) -> bool:
    answer = get("/v1/models")
    server = answer.headers.get("server", "") if answer else ""
    return server == "llama.cpp" or _owned_by("llamacpp")(_, get)


def _is_lmstudio(_: Address, get: Get) -> bool:
    return any("state" in m for m in _list(get, "/api/v0/models")) or any(
        "loaded_instances" in m for m in _list(get, "/api/v1/models", "models")
    )


def _is_mlx(_: Address, get: Get) -> bool:
    answer = get("/")
    return answer is not None and answer.status == 404 and answer.text.strip() == "Not Found"


def _is_jan(address: Address, get: Get) -> bool:
    answer = get("/v1/models")
    return address.port == 1337 and answer is not None and answer.status in (200, 401, 403)


# In the order in which they are tried: first what a host name or the model list tells, and
# KoboldCpp before Ollama, whose paths it imitates.
_NO_FIELDS: Mapping[str, Any] = MappingProxyType({})

# fmt: off
KINDS: tuple[Kind, ...] = (
    Kind("openai", "OpenAI", 443, _hosted_at("api.openai.com"), refuses_unknown=True),
    Kind("openrouter", "OpenRouter", 443, _hosted_at("openrouter.ai")),
    Kind("llamacpp", "llama.cpp", 8080, _is_llamacpp, "send", continues=_NO_FIELDS, fields=MappingProxyType({"return_progress": True})),
    Kind("vllm", "vLLM", 8000, _owned_by("vllm"), continues=MappingProxyType({"add_generation_prompt": False, "continue_final_message": True})),
    Kind("sglang", "SGLang", 30000, _owned_by("sglang"), continues=MappingProxyType({"continue_final_message": True})),
    Kind("koboldcpp", "KoboldCpp", 5001, _says("/api/extra/version", '"KoboldCpp"'), 2048),
    Kind("lmstudio", "LM Studio", 1234, _is_lmstudio, "send"),
    Kind("ollama", "Ollama", 11434, _says("/", "^Ollama is running"), "send"),
    Kind("textgen", "text-generation-webui", 5000, _says("/v1/internal/model/info", '"model_name"')),
    Kind("litellm", "LiteLLM", 4000, _says("/health/liveliness", "I'm alive!"), refuses_unknown=True),
    Kind("localai", "LocalAI", 8080, _says("/system", '"backends"')),
    Kind("jan", "Jan", 1337, _is_jan),
    Kind("mlx", "mlx_lm", 8080, _is_mlx, 32768),
)
# fmt: on

_BY_NAME = {kind.name: kind for kind in KINDS}

LOCAL_PORTS = (1234, 8080, 9931, 11434, 8000, 30000, 5001, 5000, 1337, 4000)
"""Where the known servers listen on this machine; 9931 is llama.cpp's announced new port."""


def kind(name: str) -> Kind:
    """The row with this name."""
    return _BY_NAME[name]


def presumed(address: Address) -> Kind:
    """What an unrecognised server is treated like: LM Studio on this machine, OpenAI elsewhere."""
    return kind("lmstudio" if address.local else "openai")


def recognise(address: Address, get: Get) -> Kind | None:
    """The kind of server at `address`, from what it answers; None when no row fits."""
    return next((row for row in KINDS if row.recognise(address, get)), None)


_NO_CHAT = re.compile(
    r"embed|\bbge\b|\be5\b|\bgte\b|minilm|rerank|whisper|\btts\b|dall-e|moderation|transcribe", re.I
)


def models(row: Kind, get: Get) -> tuple[Model, ...]:
    """The models that a server of this kind lists, with their state and window where it tells."""
    told = _native(row, get)
    native = {model.id: model for model in told or ()}
    listed = []
    for item in _list(get, "/v1/models"):
        if id := item.get("id"):
            ours = Model(str(id), context=_tokens(item, "max_model_len", "context_length"))
            found = native.get(str(id), replace(ours, loaded=None if told is None else False))
            listed.append(replace(found, embedding=found.embedding or bool(_NO_CHAT.search(found.id))))
    return tuple(listed)


def _native(row: Kind, get: Get) -> list[Model] | None:
    """What a server says of its models elsewhere than in the common list; None when nothing."""
    match row.name:
        case "lmstudio":
            return _lmstudio_models(get)
        case "ollama":
            return _ollama_models(get)
        case "llamacpp":
            return _llamacpp_models(get)
    return None


def _lmstudio_models(get: Get) -> list[Model] | None:
    """Under the older path or the newer one; only a loaded model has a window."""
    if older := _list(get, "/api/v0/models"):
        return [
            Model(
                str(m.get("id")),
                m.get("state") == "loaded",
                m.get("type") == "embeddings",
                _tokens(m, "loaded_context_length"),
            )
            for m in older
        ]
    return [_lmstudio_model(m) for m in _list(get, "/api/v1/models", "models")] or None


def _lmstudio_model(m: Mapping[str, Any]) -> Model:
    instances = _objects(m.get("loaded_instances"))
    config = instances[0].get("config") if instances else None
    context = _tokens(config if isinstance(config, dict) else {}, "context_length")
    return Model(str(m.get("key")), bool(instances), m.get("type") == "embedding", context)


def _ollama_models(get: Get) -> list[Model] | None:
    running = _told(get, "/api/ps", "models")
    if running is None:
        return None
    return [Model(str(m.get("name")), True, context=_tokens(m, "context_length")) for m in running]


def _llamacpp_models(get: Get) -> list[Model]:
    """In router mode each model has a status; a single server has loaded the one it lists."""
    props = get("/props")
    told = props.json if props and props.status == 200 else None
    defaults = told.get("default_generation_settings") if isinstance(told, dict) else None
    context = _tokens(defaults if isinstance(defaults, dict) else {}, "n_ctx")
    return [_llamacpp_model(m, context) for m in _list(get, "/v1/models")]


def _llamacpp_model(m: Mapping[str, Any], context: int | None) -> Model:
    status = m.get("status")
    loaded = not isinstance(status, dict) or status.get("value") == "loaded"
    return Model(str(m.get("id")), loaded, context=context if loaded else None)


def _tokens(item: Mapping[str, Any], *names: str) -> int | None:
    """The first of these fields that is a number of tokens."""
    values = (item.get(name) for name in names)
    return next((v for v in values if isinstance(v, int) and not isinstance(v, bool) and v > 0), None)


def choose_model(listed: Iterable[Model], default: str = DEFAULT_MODEL) -> str:
    """The model to use when the user named none.

    The loaded chat model (the default one if it is loaded), else the default if it is listed, else
    the first that is no embedding model, else the default.
    """
    chat = [model for model in listed if not model.embedding]
    candidates = [model.id for model in chat if model.loaded] or [model.id for model in chat]
    if not candidates or default in candidates:
        return default
    return candidates[0]
