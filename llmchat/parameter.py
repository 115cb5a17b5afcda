"""What a parameter is: a name, a type and a range, and what people type for its values."""

import contextlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from llmchat.errors import UsageError

Type = Literal["float", "int", "bool", "text", "list", "json"]

_MANY = 1000  # stands for no limit
_STEP = re.compile(r"([+x*/-])\s*(\d+(?:[.,]\d+)?|[.,]\d+)")


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter. `low` and `high` are both allowed; None is no bound; `choices` are all values.

    `example` is a value as people type it; `unset_by` are words beside `default` that take it away.
    `ends` are two values that should make a difference, where the range does not tell them (None: not
    sent), and `needs` is what has to be set for it to matter.
    """

    name: str
    type: Type
    example: str
    meaning: str
    low: float | None = None
    high: float | None = None
    default: Any = None
    aliases: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    known: frozenset[str] | None = None
    names: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    wire: str = ""
    ends: tuple[Any, Any] | None = None
    needs: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    unset_by: tuple[str, ...] = ()

    @property
    def extremes(self) -> tuple[Any, Any]:
        """Two values that should make a difference; None is not sent."""
        if self.ends:
            return self.ends
        if self.choices:
            return self.choices[0], self.choices[-1]
        if self.type == "bool":
            return False, True
        if self.type not in ("float", "int"):
            return None, self.parse(self.example)
        low = self.low or 0
        return self.check(low if self.high is not None else max(low, 1)), self.check(self.high or _MANY)

    def parse(self, text: str) -> Any:
        """The value that `text` means; raises UsageError with the range."""
        try:
            return self.check(_PARSERS[self.type](text.strip()))
        except (ValueError, OverflowError, RecursionError):
            raise self._refusal(text) from None

    def check(self, value: Any) -> Any:
        """`value` in this parameter's type and range; raises UsageError with the range.

        A whole number becomes a float where the type says so: mlx_lm drops the connection when an
        integer stands in a float field.
        """
        if self.type == "float" and isinstance(value, int) and not isinstance(value, bool):
            value = float(value) if self._in_range(value) else value
        if self.type == "list" and isinstance(value, str):
            value = [value]
        if not self._fits(value):
            raise self._refusal(value)
        return value

    def step(self, text: str, current: Any) -> Any:
        """The value that a step such as `+0.1`, `-0.1` or `x2` leads to from `current`; None if it is none.

        `-0.1` is a step only where no negative value is allowed. Raises UsageError when there is
        nothing to step from, or the range is left.
        """
        found = _STEP.fullmatch(text.strip()) if self.type in ("float", "int") else None
        if found is None or (found[1] == "-" and (self.low is None or self.low < 0)):
            return None
        # -1 stands for no limit, or for whatever the server takes.
        if current is None or (current == -1 and self.low == -1):
            raise UsageError(
                f"{self.name} has no value yet to step from.", f"`/{self.name} {self.example}` sets one."
            )
        by = _parse_float(found[2])
        match found[1]:
            case "+":
                stepped = current + by
            case "-":
                stepped = current - by
            case "/":
                stepped = current / by if by else math.nan
            case _:
                stepped = current * by
        # Steps of 0.1 add up to 0.7999999999999999 otherwise.
        value = round(stepped, 10) if self.type == "float" else _whole(stepped)
        if found[1] == "-" and not self._fits(value):
            raise self._refusal(text)
        if not self._fits(value):
            raise UsageError(f"{self.name} is {self.range}; {show(current)} {text} would be {value}.")
        return value

    def unsets(self, text: str) -> bool:
        """Whether a text in place of a value means: as if it had not been set."""
        words = ("default",) if self.type == "text" else ("default", "none", "null")
        return text.lower() in words + self.unset_by

    def _fits(self, value: Any) -> bool:
        match self.type:
            case "float":
                ok = isinstance(value, float) and math.isfinite(value) and self._in_range(value)
            case "int":
                ok = isinstance(value, int) and not isinstance(value, bool) and self._in_range(value)
            case "bool":
                ok = isinstance(value, bool)
            case "text":
                ok = isinstance(value, str) and (not self.choices or value in self.choices)
            case "list":
                ok = isinstance(value, list) and all(isinstance(item, str) for item in value)
            case "json":
                ok = isinstance(value, dict | list) and is_json(value)
        return ok

    def _in_range(self, value: float) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def _refusal(self, value: Any) -> UsageError:
        return UsageError(f"{self.name} is {self.range}, not {value!r}.", f"{self.name}: {self.meaning}")

    @property
    def range(self) -> str:
        """What values there are, in words."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.type in ("float", "int"):
            what = "a number" if self.type == "float" else "a whole number"
            if self.low is not None and self.high is not None:
                return f"{what} from {self.low} to {self.high}"
            return f"{what} from {self.low}" if self.low is not None else what
        return {
            "bool": "on or off",
            "text": "a text",
            "list": "a text, or a JSON array of texts",
            "json": "JSON",
        }[self.type]

    @property
    def bounds(self) -> str:
        """The same as short as can be, for tables."""
        if self.choices:
            shown = self.choices if len(self.choices) < 4 else (self.choices[0], "…", self.choices[-1])
            return "|".join(shown)
        if self.type in ("float", "int") and self.low is not None:
            return f"{self.low} to {self.high}" if self.high is not None else f"from {self.low}"
        return {"bool": "on|off", "list": "texts"}.get(self.type, self.type)

    def wire_name(self, kind: str) -> str:
        """Its name in a request to this kind of server."""
        return self.names.get(kind) or self.wire or self.name

    def honoured_by(self, kind: str) -> bool:
        """Whether this kind of server does something with it, as far as is known."""
        return self.known is None or kind in self.known


def _whole(value: float) -> Any:
    return round(value) if math.isfinite(value) else value


def is_json(value: Any) -> bool:
    """Whether it can be sent: NaN and what is no JSON type cannot."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _parse_float(text: str) -> float:
    return float(text.replace(",", "."))


def _parse_int(text: str) -> int:
    """A whole number; `8k` is 8,192, since that is how context lengths are counted."""
    if text[-1:].lower() == "k":
        return int(float(text[:-1].replace(",", ".")) * 1024)
    return int(text)


def _parse_bool(text: str) -> bool:
    words = {"on": True, "true": True, "yes": True, "1": True}
    words |= {"off": False, "false": False, "no": False, "0": False}
    try:
        return words[text.lower()]
    except KeyError:
        raise ValueError(text) from None


def _parse_text(text: str) -> str:
    """A text as it is; a JSON string stands for what it means, which may be several lines."""
    if text.startswith('"'):
        with contextlib.suppress(ValueError):
            return str(json.loads(text))
    return text


def _parse_list(text: str) -> Any:
    if text.startswith("["):
        with contextlib.suppress(ValueError):  # a stop text such as [INST] is no JSON
            return json.loads(text)
    items = [text]
    if text[:1] in ("'", '"'):
        import shlex  # only quoted texts need it

        items = shlex.split(text)
    if not all(items):
        raise ValueError(text)
    return [item.replace("\\n", "\n").replace("\\t", "\t") for item in items]


_PARSERS: Mapping[Type, Any] = {
    "float": _parse_float,
    "int": _parse_int,
    "bool": _parse_bool,
    "text": _parse_text,
    "list": _parse_list,
    "json": json.loads,
}

# A reply that repeats itself, which is what DRY acts on.


def show(value: Any) -> str:
    """A parameter's value as people write it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:.10g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
