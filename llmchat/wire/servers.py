"""One row for each kind of server: how to recognise it, and what it does with a request.

Recognition reads what the server answers, never only the status: LM Studio says 200 to any path.
The facts come from each server's documentation and source; docs/servers.md says which were tested live.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from llmchat.wire.address import Address
from llmchat.wire.pages import Get, listed


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of server.

    `continues` holds the fields that make it go on with an assistant message at the end; None where
    it is not known to. `unlimited` is what becomes of `max_tokens: -1`: "send", "omit", or a number where leaving it
    out would mean a short limit of the server's own. `refuses_unknown` is true where a field that
    the server does not know is an error. `fields` are protocol fields that every request carries.
    `any_json` is false where JSON of any form has to be asked for by a schema.
    `version` is the path and the field that tell its version. `counts` is the path that counts the
    tokens of a prompt, chat template and all. `loads` is true where models are loaded and unloaded.
    `keyless` is the HTTP status of what comes without a key where one is wanted.
    """

    name: str
    title: str
    port: int
    recognise: Callable[[Address, Get], bool]
    unlimited: str | int = "omit"
    refuses_unknown: bool = False
    continues: Mapping[str, Any] | None = None
    any_json: bool = True
    fields: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    version: tuple[str, str] | None = None
    counts: str = ""
    loads: bool = False
    keyless: int = 401


def _owned_by(*owners: str) -> Callable[[Address, Get], bool]:
    return lambda _, get: any(m.get("owned_by") in owners for m in listed(get, "/v1/models"))


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
    return any("state" in m for m in listed(get, "/api/v0/models")) or any(
        "loaded_instances" in m for m in listed(get, "/api/v1/models", "models")
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
    Kind("llamacpp", "llama.cpp", 8080, _is_llamacpp, "send", continues=_NO_FIELDS, fields=MappingProxyType({"return_progress": True}), version=("/props", "build_info"), counts="/v1/chat/completions/input_tokens", loads=True),
    Kind("vllm", "vLLM", 8000, _owned_by("vllm"), continues=MappingProxyType({"add_generation_prompt": False, "continue_final_message": True}), version=("/version", "version"), counts="/tokenize"),
    Kind("sglang", "SGLang", 30000, _owned_by("sglang"), continues=MappingProxyType({"continue_final_message": True}), version=("/get_server_info", "version")),
    Kind("koboldcpp", "KoboldCpp", 5001, _says("/api/extra/version", '"KoboldCpp"'), 2048, version=("/api/extra/version", "version")),
    Kind("lmstudio", "LM Studio", 1234, _is_lmstudio, "send", any_json=False, loads=True),
    Kind("ollama", "Ollama", 11434, _says("/", "^Ollama is running"), "send", version=("/api/version", "version"), loads=True),
    Kind("textgen", "text-generation-webui", 5000, _says("/v1/internal/model/info", '"model_name"'), loads=True),
    Kind("litellm", "LiteLLM", 4000, _says("/health/liveliness", "I'm alive!"), refuses_unknown=True, version=("/health/readiness", "litellm_version"), keyless=500),
    Kind("localai", "LocalAI", 8080, _says("/system", '"backends"'), version=("/version", "version")),
    Kind("llamacpp_python", "llama-cpp-python", 8000, _says("/openapi.json", "llama.cpp Python API"), "send"),
    Kind("transformers", "transformers serve", 8000, _says("/openapi.json", '"/load_model"'), refuses_unknown=True),
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
