"""One row for each kind of server: how to recognise it, and what it does with a request.

Recognition reads what the server answers, never only the status: LM Studio says 200 to any path.
The facts come from each server's documentation and source; only llama.cpp is tested live.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from llmchat.address import Address

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
    """A model that a server lists; `loaded` is None where the server does not tell."""

    id: str
    loaded: bool | None = None
    embedding: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of server.

    `unlimited` is what becomes of `max_tokens: -1`: "send", "omit", or a number where leaving it
    out would mean a short limit of the server's own. `refuses_unknown` is true where a field that
    the server does not know is an error. `fields` are protocol fields that every request carries.
    """

    name: str
    title: str
    port: int
    recognise: Callable[[Address, Get], bool]
    unlimited: str | int = "omit"
    refuses_unknown: bool = False
    fields: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


def _told(get: Get, path: str, key: str) -> list[dict[str, Any]] | None:
    """The objects under `key` of what `path` answers; None when it does not say."""
    answer = get(path)
    data = answer.json if answer and answer.status == 200 else None
    items = data.get(key) if isinstance(data, dict) else None
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else None


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
# fmt: off
KINDS: tuple[Kind, ...] = (
    Kind("openai", "OpenAI", 443, _hosted_at("api.openai.com"), refuses_unknown=True),
    Kind("openrouter", "OpenRouter", 443, _hosted_at("openrouter.ai")),
    Kind("llamacpp", "llama.cpp", 8080, _is_llamacpp, "send", fields=MappingProxyType({"return_progress": True})),
    Kind("vllm", "vLLM", 8000, _owned_by("vllm")),
    Kind("sglang", "SGLang", 30000, _owned_by("sglang")),
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
    """The models that a server of this kind lists, with their state where it tells."""
    listed = _list(get, "/v1/models")
    native = _lmstudio_models(get) if row.name == "lmstudio" else []
    loaded = {m.id for m in native if m.loaded} if native else _loaded(row, get, listed)
    embedding = {m.id for m in native if m.embedding}
    ids = [str(m["id"]) for m in listed if m.get("id")]
    return tuple(
        Model(
            id,
            loaded=None if loaded is None else id in loaded,
            embedding=id in embedding or bool(_NO_CHAT.search(id)),
        )
        for id in ids
    )


def _lmstudio_models(get: Get) -> list[Model]:
    """What LM Studio's own list says, under the older path or the newer one."""
    return [
        Model(str(m.get("id")), m.get("state") == "loaded", m.get("type") == "embeddings")
        for m in _list(get, "/api/v0/models")
    ] or [
        Model(str(m.get("key")), bool(m.get("loaded_instances")), m.get("type") == "embedding")
        for m in _list(get, "/api/v1/models", "models")
    ]


def _loaded(row: Kind, get: Get, listed: Iterable[Mapping[str, Any]]) -> set[str] | None:
    """The ids of the models that are in memory; None where that cannot be known."""
    if row.name == "ollama":
        running = _told(get, "/api/ps", "models")
        return None if running is None else {str(m.get("name")) for m in running}
    if row.name == "llamacpp":
        states = {str(m.get("id")): m.get("status") for m in listed}
        # In router mode each model has a status; a single server has loaded the one it lists.
        return {
            id
            for id, status in states.items()
            if not isinstance(status, dict) or status.get("value") == "loaded"
        }
    return None


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
