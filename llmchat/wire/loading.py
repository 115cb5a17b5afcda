"""What to ask a server so that it loads a model, or takes one out of memory."""

from collections.abc import Mapping
from typing import Any

from llmchat.wire.models import Model
from llmchat.wire.servers import Kind

Asked = tuple[str, Mapping[str, Any]]
"""A path, and the body to post there."""


def load(kind: Kind, id: str) -> Asked | None:
    """What loads a model on this kind of server; None where nothing does."""
    match kind.name:
        case "lmstudio":
            return "/api/v1/models/load", {"model": id}
        case "llamacpp":
            return "/models/load", {"model": id}
        case "ollama":
            return "/api/generate", {"model": id, "stream": False}
        case "textgen":
            return "/v1/internal/model/load", {"model_name": id}
    return None


def unload(kind: Kind, model: Model) -> tuple[Asked, ...]:
    """What takes a model out of memory, each instance of it; nothing where that cannot be done."""
    match kind.name:
        case "lmstudio":
            instances = model.instances or (model.id,)
            return tuple(("/api/v1/models/unload", {"instance_id": instance}) for instance in instances)
        case "llamacpp":
            return (("/models/unload", {"model": model.id}),)
        case "ollama":
            return (("/api/generate", {"model": model.id, "stream": False, "keep_alive": 0}),)
        case "textgen":
            return (("/v1/internal/model/unload", {}),)
    return ()
