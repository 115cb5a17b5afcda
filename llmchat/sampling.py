"""Which parameters are set, to what, and why: what a request carries besides its messages."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from llmchat.errors import UsageError
from llmchat.parameter import is_json
from llmchat.params import PARAMS, param

Origin = Literal[
    "default", "settings file", "environment", "flag", "command", "call", "conversation", "preset", "model"
]

EXTRA = "extra."
"""Before the name of a field that is no parameter of ours and is sent as it is."""

_OURS = frozenset({"model", "messages", "stream", "stream_options"})


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and where it came from."""

    value: Any
    origin: Origin


_DEFAULTS = {known.name: Setting(known.default, "default") for known in PARAMS if known.default is not None}


def field_name(name: str) -> str:
    """The full name of a parameter, or of an extra field; raises UsageError."""
    if not name.lower().startswith(EXTRA):
        return param(name).name
    field = name[len(EXTRA) :]
    if not field or field.split(".")[0] in _OURS:
        raise UsageError(f"{name!r} cannot be set.", "`/set extra.FIELD=JSON` sends any other field.")
    return EXTRA + field


@dataclass(frozen=True, slots=True)
class Sampling:
    """What was chosen; only this is sent, besides the defaults."""

    chosen: Mapping[str, Setting] = field(default_factory=lambda: MappingProxyType({}))

    def with_value(self, name: str, value: Any, origin: Origin) -> "Sampling":
        """With `value` checked and set; raises UsageError."""
        key = field_name(name)
        if key.startswith(EXTRA) and not is_json(value):
            raise UsageError(f"{key} wants JSON, not {value!r}.", "What JSON cannot hold cannot be sent.")
        checked = value if key.startswith(EXTRA) else param(key).check(value)
        return Sampling(MappingProxyType({**self.chosen, key: Setting(checked, origin)}))

    def with_text(self, name: str, text: str, origin: Origin) -> "Sampling":
        """With the value that `text` means, or the step from the present one; raises UsageError."""
        key = field_name(name)
        if key.startswith(EXTRA):
            return self.with_value(key, _json(key, text), origin)
        present = self.get(key)
        stepped = param(key).step(text, present.value if present else None)
        return self.with_value(key, param(key).parse(text) if stepped is None else stepped, origin)

    def without(self, name: str) -> "Sampling":
        """With this parameter back at its default, or not sent when it has none."""
        key = field_name(name)
        return Sampling(MappingProxyType({k: v for k, v in self.chosen.items() if k != key}))

    def get(self, name: str) -> Setting | None:
        """What is sent for this parameter, and why; None when it is not sent."""
        key = field_name(name)
        return self.chosen.get(key) or _DEFAULTS.get(key)

    @property
    def effective(self) -> dict[str, Setting]:
        """All that is set, in the order of the table: the defaults, what was chosen, extra fields."""
        every = {**_DEFAULTS, **self.chosen}
        ordered = [known.name for known in PARAMS if known.name in every]
        return {name: every[name] for name in [*ordered, *(k for k in every if k.startswith(EXTRA))]}


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise UsageError(f"{name} wants JSON, not {text!r}.", 'A text stands in quotes: "yes".') from None
