"""What a server tells of a model, in words."""

from llmchat.wire.models import Model


def facts(listed: Model) -> str:
    """All that is told of a model, on one line."""
    window = windows(listed) and f"{windows(listed)} tokens of context"
    told = (state(listed), window, size(listed), listed.quantisation, can(listed))
    return " · ".join(filter(None, told))


def state(listed: Model) -> str:
    """Whether it is loaded, in a word or two."""
    if listed.embedding:
        return "not for chat"
    return listed.state or {True: "loaded", False: "not loaded", None: ""}[listed.loaded]


def windows(listed: Model) -> str:
    """The window that a request has, and the largest there could be, in tokens."""
    now = f"{listed.context:,}" if listed.context else ""
    if listed.max_context in (None, listed.context):
        return now
    return f"{now} of {listed.max_context:,}" if now else f"up to {listed.max_context:,}"


def size(listed: Model) -> str:
    """How large its file is."""
    if listed.size is None:
        return ""
    return f"{listed.size / 1e9:.1f} GB" if listed.size >= 1e8 else f"{listed.size / 1e6:.0f} MB"


def can(listed: Model) -> str:
    """What it can do besides text."""
    able = (("vision", listed.vision), ("tools", listed.tools), ("reasoning", listed.reasoning))
    return " ".join(name for name, known in able if known)
