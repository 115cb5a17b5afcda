"""The models of each kind of server, as far as it tells about them: state, windows, size, what they can do.

The common list `/v1/models` says which there are; what a server says elsewhere is joined to it by id.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from llmchat.wire.pages import Get, Post, flag, listed, mapping, objects, text, texts, told, whole
from llmchat.wire.servers import Kind

DEFAULT_MODEL = "qwen2.5-coder-3b-instruct"


@dataclass(frozen=True, slots=True)
class Model:
    """A model that a server lists; None and "" stand for what it does not tell.

    `context` is the window in tokens that a request has, `max_context` the largest that the model is
    made for. `state` is the server's word where it is neither loaded nor not, such as "loading".
    `size` is in bytes, `instances` are the ids under which it is loaded.
    """

    id: str
    loaded: bool | None = None
    embedding: bool = False
    context: int | None = None
    max_context: int | None = None
    state: str = ""
    size: int | None = None
    quantisation: str = ""
    vision: bool | None = None
    tools: bool | None = None
    reasoning: bool | None = None
    instances: tuple[str, ...] = ()


_NO_CHAT = re.compile(
    r"embed|\bbge\b|\be5\b|\bgte\b|minilm|rerank|whisper|\btts\b|dall-e|moderation|transcribe", re.I
)


def models(row: Kind, get: Get, post: Post = lambda *_: None) -> tuple[Model, ...]:
    """The models that a server of this kind lists, with all that it tells of them."""
    known = _NATIVE[row.name](get, post) if row.name in _NATIVE else None
    by_id = {model.id: model for model in known or ()}
    found = []
    for item in listed(get, "/v1/models"):
        if id := item.get("id"):
            ours = replace(_common(item), loaded=None if known is None else False)
            each = by_id.get(str(id), ours)
            found.append(replace(each, embedding=each.embedding or bool(_NO_CHAT.search(each.id))))
    return tuple(found)


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


def _common(item: Mapping[str, Any]) -> Model:
    """What an entry of the common list tells: vLLM and SGLang the window, OpenRouter nearly all."""
    takes = texts(mapping(item.get("architecture")).get("input_modalities"))
    accepts = texts(item.get("supported_parameters"))
    return Model(
        str(item.get("id")),
        context=whole(item, "max_model_len", "context_length"),
        vision="image" in takes if takes else None,
        tools="tools" in accepts if accepts else None,
        reasoning="reasoning" in accepts if accepts else None,
    )


def _lmstudio(get: Get, _: Post) -> list[Model] | None:
    """Under the newer path or the older one; only a loaded model has a window."""
    newer = listed(get, "/api/v1/models", "models")
    if any("loaded_instances" in m for m in newer):
        return [_lmstudio_model(m) for m in newer]
    return [_older_lmstudio_model(m) for m in listed(get, "/api/v0/models")] or None


def _lmstudio_model(m: Mapping[str, Any]) -> Model:
    instances = objects(m.get("loaded_instances"))
    config = mapping(instances[0].get("config")) if instances else {}
    able = mapping(m.get("capabilities"))
    return Model(
        str(m.get("key")),
        bool(instances),
        m.get("type") == "embedding",
        whole(config, "context_length"),
        whole(m, "max_context_length"),
        size=whole(m, "size_bytes"),
        quantisation=text(mapping(m.get("quantization")).get("name")),
        vision=flag(able, "vision"),
        tools=flag(able, "trained_for_tool_use"),
        reasoning=bool(able.get("reasoning")) if able else None,
        instances=tuple(str(instance["id"]) for instance in instances if "id" in instance),
    )


def _older_lmstudio_model(m: Mapping[str, Any]) -> Model:
    able = texts(m.get("capabilities"))
    return Model(
        str(m.get("id")),
        m.get("state") == "loaded",
        m.get("type") == "embeddings",
        whole(m, "loaded_context_length"),
        whole(m, "max_context_length"),
        quantisation=text(m.get("quantization")),
        vision=m.get("type") == "vlm" if "type" in m else None,
        tools="tool_use" in able if able else None,
    )


def _ollama(get: Get, post: Post) -> list[Model] | None:
    """Loaded ones with their window; of all, size and quantisation, and what `/api/show` adds."""
    running = told(get, "/api/ps").get("models")
    if not isinstance(running, list):
        return None
    windows = {str(m.get("name")): whole(m, "context_length") for m in objects(running)}
    stored = {str(m.get("name")): m for m in objects(running)}
    stored |= {str(m.get("name")): m for m in listed(get, "/api/tags", "models")}
    return [_ollama_model(name, m, windows, post) for name, m in stored.items()]


def _ollama_model(name: str, m: Mapping[str, Any], windows: Mapping[str, int | None], post: Post) -> Model:
    shown = post("/api/show", {"model": name})
    about = shown.told if shown else {}
    able = texts(about.get("capabilities"))
    info = mapping(about.get("model_info"))
    lengths = [key for key in info if key.endswith(".context_length")]
    return Model(
        name,
        name in windows,
        able == {"embedding"},
        windows.get(name),
        whole(info, *lengths),
        size=whole(m, "size"),
        quantisation=text(mapping(m.get("details")).get("quantization_level")),
        vision="vision" in able if able else None,
        tools="tools" in able if able else None,
        reasoning="thinking" in able if able else None,
    )


def _llamacpp(get: Get, _: Post) -> list[Model]:
    """In router mode each model has a status and properties of its own; else there is one, loaded."""
    return [_llamacpp_model(m, get) for m in listed(get, "/v1/models")]


def _llamacpp_model(m: Mapping[str, Any], get: Get) -> Model:
    told_status = mapping(m.get("status"))
    status = "failed" if told_status.get("failed") is True else told_status.get("value", "loaded")
    loaded = status == "loaded"
    several = "status" in m
    props = (
        told(get, f"/props?model={quote(str(m.get('id')), safe='')}" if several else "/props")
        if loaded
        else {}
    )
    meta = mapping(m.get("meta"))
    able = mapping(props.get("chat_template_caps"))
    takes = texts(mapping(m.get("architecture")).get("input_modalities"))
    vision = flag(mapping(props.get("modalities")), "vision")
    return Model(
        str(m.get("id")),
        loaded,
        context=whole(mapping(props.get("default_generation_settings")), "n_ctx") or whole(meta, "n_ctx"),
        max_context=whole(meta, "n_ctx_train"),
        state="" if status in ("loaded", "unloaded") else text(status),
        size=whole(meta, "size"),
        quantisation=text(meta.get("ftype")) or text(props.get("model_ftype")),
        vision="image" in takes if takes and vision is None else vision,
        tools=flag(able, "supports_tools"),
        reasoning=_template_thinks(props),
    )


def _template_thinks(props: Mapping[str, Any]) -> bool | None:
    """Whether the chat template has a switch or a place for thinking."""
    template = text(props.get("chat_template"))
    return bool(re.search(r"enable_thinking|reasoning_effort|<think>", template)) if template else None


def _koboldcpp(get: Get, _: Post) -> list[Model]:
    """It serves one model."""
    window = whole(told(get, "/api/extra/true_max_context_length"), "value")
    vision = flag(told(get, "/api/extra/version"), "vision")
    return [Model(str(m.get("id")), True, context=window, vision=vision) for m in listed(get, "/v1/models")]


def _textgen(get: Get, _: Post) -> list[Model] | None:
    """It lists every model that it has, and tells the one that is loaded."""
    current = text(told(get, "/v1/internal/model/info").get("model_name"))
    names = texts(told(get, "/v1/internal/model/list").get("model_names"))
    names |= {str(m.get("id")) for m in listed(get, "/v1/models")}
    return [Model(name, name == current) for name in sorted(names)] if current else None


def _litellm(get: Get, _: Post) -> list[Model] | None:
    """The proxy keeps its own notes of what stands behind it, for whoever may see them."""
    notes = {str(m.get("model_name")): mapping(m.get("model_info")) for m in listed(get, "/model/info")}
    return [
        Model(
            name,
            context=whole(about, "max_input_tokens", "max_tokens"),
            embedding=about.get("mode") == "embedding",
            vision=flag(about, "supports_vision"),
            tools=flag(about, "supports_function_calling"),
            reasoning=flag(about, "supports_reasoning"),
        )
        for name, about in notes.items()
    ] or None


_NATIVE: Mapping[str, Callable[[Get, Post], list[Model] | None]] = {
    "lmstudio": _lmstudio,
    "ollama": _ollama,
    "llamacpp": _llamacpp,
    "koboldcpp": _koboldcpp,
    "textgen": _textgen,
    "litellm": _litellm,
}
"""What a server says of its models elsewhere than in the common list; None: nothing about their state."""
