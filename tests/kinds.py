"""What each kind of server answers: the bodies that its own source and documentation give for these paths."""

import json
from collections.abc import Mapping
from typing import Any

from llmchat.wire.pages import Answer


def page(body: Any, status: int = 200, server: str = "") -> Answer:
    return Answer(status, {"server": server}, body if isinstance(body, str) else json.dumps(body))


def listing(*ids: str, **fields: Any) -> Answer:
    return page({"object": "list", "data": [{"id": id, "object": "model", **fields} for id in ids]})


class Pages(dict[str, Answer]):
    """What a server answers to each path, and what it answers to all others (None: nothing).

    `shown` is what Ollama tells of each model in `/api/show`.
    """

    def __init__(
        self, pages: dict[str, Answer], otherwise: Answer | None, shown: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(pages)
        self.otherwise = otherwise
        self.shown = shown or {}

    def get_page(self, path: str) -> Answer | None:
        return self.get(path, self.otherwise)

    def post_page(self, path: str, body: Mapping[str, Any]) -> Answer | None:
        about = self.shown.get(str(body.get("model"))) if path == "/api/show" else None
        return page(about) if about else self.otherwise


NOT_FOUND = page({"detail": "Not Found"}, 404)
LLAMACPP_404 = page({"error": {"code": 404, "message": "File Not Found", "type": "not_found_error"}}, 404)
UNEXPECTED = page({"error": "Unexpected endpoint or method. (GET /x)"})
LMSTUDIO_V0 = page(
    {
        "object": "list",
        "data": [
            {
                "id": "qwen3-8b",
                "object": "model",
                "type": "llm",
                "publisher": "qwen",
                "arch": "qwen3",
                "compatibility_type": "gguf",
                "quantization": "Q4_K_M",
                "state": "loaded",
                "max_context_length": 40960,
                "loaded_context_length": 4096,
                "capabilities": ["tool_use"],
            },
            {
                "id": "gemma-3",
                "object": "model",
                "type": "vlm",
                "quantization": "4bit",
                "state": "not-loaded",
                "max_context_length": 131072,
            },
            {"id": "nomic", "object": "model", "type": "embeddings", "state": "loaded"},
        ],
    }
)
LMSTUDIO_V1 = page(
    {
        "models": [
            {
                "type": "llm",
                "publisher": "qwen",
                "key": "qwen3-8b",
                "display_name": "Qwen3 8B",
                "quantization": {"name": "Q4_K_M", "bits_per_weight": 4},
                "size_bytes": 5027783488,
                "params_string": "8B",
                "loaded_instances": [{"id": "qwen3-8b", "config": {"context_length": 4096}}],
                "max_context_length": 40960,
                "format": "gguf",
                "capabilities": {
                    "vision": False,
                    "trained_for_tool_use": True,
                    "reasoning": {"allowed_options": ["off", "on"], "default": "on"},
                },
            },
            {
                "type": "llm",
                "key": "gemma-3",
                "quantization": None,
                "size_bytes": 3341131776,
                "loaded_instances": [],
                "max_context_length": 131072,
                "capabilities": {"vision": True, "trained_for_tool_use": False},
            },
            {"type": "embedding", "key": "nomic", "loaded_instances": [{"id": "nomic"}]},
        ]
    }
)
OLLAMA_PS = page({"models": [{"name": "qwen3:8b", "model": "qwen3:8b", "context_length": 4096}]})
OLLAMA_TAGS = page(
    {
        "models": [
            {
                "name": "qwen3:8b",
                "model": "qwen3:8b",
                "size": 5225388164,
                "details": {"format": "gguf", "parameter_size": "8.2B", "quantization_level": "Q4_K_M"},
            },
            {"name": "gemma3:1b", "size": 815319791, "details": {"quantization_level": "Q4_K_M"}},
            {"name": "all-minilm:latest", "size": 45960996, "details": {"quantization_level": "F16"}},
        ]
    }
)
OLLAMA_SHOWN = {
    "qwen3:8b": {
        "capabilities": ["completion", "tools", "thinking"],
        "model_info": {"general.architecture": "qwen3", "qwen3.context_length": 40960},
    },
    "gemma3:1b": {"capabilities": ["completion"], "model_info": {"gemma3.context_length": 32768}},
    "all-minilm:latest": {"capabilities": ["embedding"], "model_info": {"bert.context_length": 512}},
}
LLAMACPP_META = {"n_vocab": 151936, "n_ctx_train": 32768, "size": 669763072, "ftype": "Q8_0"}
LLAMACPP_PROPS = page(
    {
        "default_generation_settings": {"params": {}, "n_ctx": 8192},
        "total_slots": 4,
        "model_ftype": "Q8_0",
        "modalities": {"vision": False, "video": False, "audio": False},
        "chat_template": "{% if enable_thinking %}<think>{% endif %}",
        "chat_template_caps": {"supports_tools": True, "supports_system_role": True},
        "build_info": "b6900-abcdef",
    }
)
LITELLM_NOTES = {
    "mode": "chat",
    "max_input_tokens": 128000,
    "max_tokens": 16384,
    "supports_vision": True,
    "supports_function_calling": True,
    "supports_reasoning": None,
}
OPENROUTER_MODEL = {
    "id": "a/b",
    "context_length": 8192,
    "architecture": {"input_modalities": ["text", "image"], "output_modalities": ["text"]},
    "supported_parameters": ["temperature", "tools", "reasoning"],
}

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
        Pages({"/v1/models": page({"data": [OPENROUTER_MODEL]})}, page("<html>")),
    ),
    "llama.cpp": (
        "localhost:8080",
        "llamacpp",
        Pages(
            {
                "/v1/models": listing("m.gguf", owned_by="llamacpp", meta=LLAMACPP_META),
                "/props": LLAMACPP_PROPS,
            },
            LLAMACPP_404,
        ),
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
                "/api/extra/true_max_context_length": page({"value": 8192}),
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
                "/api/tags": OLLAMA_TAGS,
                "/api/version": page({"version": "0.12.6"}),
            },
            page("404 page not found", 404),
            OLLAMA_SHOWN,
        ),
    ),
    "text-generation-webui": (
        "localhost:5000",
        "textgen",
        Pages(
            {
                "/v1/internal/model/info": page({"model_name": "m", "lora_names": []}),
                "/v1/internal/model/list": page({"model_names": ["m", "other.gguf"]}),
                "/v1/models": listing("m", "other.gguf", owned_by="user"),
            },
            NOT_FOUND,
        ),
    ),
    "LiteLLM": (
        "localhost:4000",
        "litellm",
        Pages(
            {
                "/health/liveliness": page('"I\'m alive!"'),
                "/v1/models": listing("gpt-4o", owned_by="openai"),
                "/model/info": page({"data": [{"model_name": "gpt-4o", "model_info": LITELLM_NOTES}]}),
            },
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
    "llama-cpp-python": (
        "localhost:8000",
        "llamacpp_python",
        Pages(
            {
                "/v1/models": listing("/models/m.gguf", owned_by="me", permissions=[]),
                "/openapi.json": page({"info": {"title": "🦙 llama.cpp Python API", "version": "0.3.36"}}),
            },
            NOT_FOUND,
        ),
    ),
    "transformers serve": (
        "localhost:8000",
        "transformers",
        Pages(
            {
                "/v1/models": listing("Qwen/Qwen3-4B", owned_by="Qwen", created=1),
                "/openapi.json": page({"info": {"title": "FastAPI"}, "paths": {"/load_model": {}}}),
            },
            NOT_FOUND,
        ),
    ),
}
