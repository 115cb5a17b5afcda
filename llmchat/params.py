"""Every parameter of a chat request: one line each, and `Sampling`, which of them are set.

Where a server's name for a parameter differs, or it ignores or refuses one, that stands in the line
too: `names` maps a kind of server to its word, `known` holds the kinds that honour the parameter
(None: all). A dot in a name means nesting in the request body.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from llmchat.errors import UsageError

Type = Literal["float", "int", "bool", "text", "list", "json"]
Origin = Literal["default", "settings file", "environment", "flag", "command", "call"]

_LLAMA = frozenset({"llamacpp", "jan"})
_SAMPLERS = _LLAMA | {
    "lmstudio",
    "vllm",
    "sglang",
    "koboldcpp",
    "textgen",
    "mlx",
    "localai",
    "litellm",
    "openrouter",
}
_NATIVE = _LLAMA | {"koboldcpp", "textgen", "localai"}
_TEMPLATES = _LLAMA | {"vllm", "sglang", "textgen", "mlx"}
_REPETITION = dict.fromkeys(("vllm", "sglang", "textgen", "openrouter", "mlx"), "repetition_penalty")


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter. `low` and `high` are both allowed; None is no bound; `choices` are all values."""

    name: str
    type: Type
    meaning: str
    low: float | None = None
    high: float | None = None
    default: Any = None
    aliases: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    known: frozenset[str] | None = None
    names: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    wire: str = ""

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
                ok = isinstance(value, dict | list) and _is_json(value)
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

    def wire_name(self, kind: str) -> str:
        """Its name in a request to this kind of server."""
        return self.names.get(kind) or self.wire or self.name

    def honoured_by(self, kind: str) -> bool:
        """Whether this kind of server does something with it, as far as is known."""
        return self.known is None or kind in self.known


def _is_json(value: Any) -> bool:
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


def _parse_list(text: str) -> Any:
    if text.startswith("["):
        return json.loads(text)
    text = text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text
    if not text:
        raise ValueError(text)
    return [text.replace("\\n", "\n").replace("\\t", "\t")]


_PARSERS: Mapping[Type, Any] = {
    "float": _parse_float,
    "int": _parse_int,
    "bool": _parse_bool,
    "text": str,
    "list": _parse_list,
    "json": json.loads,
}

# fmt: off
PARAMS: tuple[Param, ...] = (
    Param("temperature", "float", "How freely the next token is chosen: 0 takes the likeliest each time, 1 follows the model's odds, more is wilder.", 0, 2, default=0.7, aliases=("temp",)),
    Param("max_tokens", "int", "The longest reply in tokens; -1 lets the model stop by itself.", -1, None, default=-1, aliases=("max", "num_predict", "n_predict")),
    Param("top_p", "float", "Only the likeliest tokens that together have this probability are candidates; 1 turns it off.", 0, 1),
    Param("top_k", "int", "Only this many of the likeliest tokens are candidates; 0 turns it off.", 0, None, known=_SAMPLERS),
    Param("min_p", "float", "Only tokens at least this fraction as likely as the likeliest are candidates; 0 turns it off.", 0, 1, known=_SAMPLERS),
    Param("seed", "int", "Start of the random numbers: the same seed, the same answer, where the server keeps to it; -1 takes a new one each time.", -1, 2**32 - 1),
    Param("stop", "list", "The reply ends before this text."),
    Param("presence_penalty", "float", "Makes tokens that have occurred less likely, however often; a negative value more likely.", -2, 2),
    Param("frequency_penalty", "float", "Makes tokens less likely each time that they occur; a negative value more likely.", -2, 2),
    Param("repeat_penalty", "float", "Divides the odds of tokens that have occurred lately; 1 turns it off.", 0, 2, aliases=("repeat", "repetition_penalty"), known=_SAMPLERS, names=_REPETITION),
    Param("repeat_last_n", "int", "How many of the last tokens the repeat penalty looks at; 0 turns it off.", 0, None, known=_NATIVE),
    Param("typical_p", "float", "Prefers tokens about as surprising as is typical here; 1 turns it off.", 0, 1, known=_NATIVE),
    Param("mirostat", "int", "Keeps the text about equally surprising: 0 off, 1 or 2 is the version.", 0, 2, known=_NATIVE),
    Param("mirostat_tau", "float", "How surprising mirostat keeps the text.", 0, 20, known=_NATIVE),
    Param("mirostat_eta", "float", "How fast mirostat corrects itself.", 0, 1, known=_NATIVE),
    Param("dynatemp_range", "float", "Lets the temperature move this far up and down with the model's certainty; 0 turns it off.", 0, 2, known=_NATIVE),
    Param("dynatemp_exponent", "float", "How the moving temperature follows the model's certainty.", 0, 10, known=_NATIVE),
    Param("dry_multiplier", "float", "How strongly DRY punishes repeated sequences; 0 turns it off.", 0, 10, known=_NATIVE),
    Param("dry_base", "float", "How fast DRY's punishment grows with the length of the repetition.", 1, 10, known=_NATIVE),
    Param("dry_allowed_length", "int", "Sequences up to this length may repeat without DRY's punishment.", 0, None, known=_NATIVE),
    Param("xtc_probability", "float", "How often XTC takes the likeliest tokens away; 0 turns it off.", 0, 1, known=_NATIVE),
    Param("xtc_threshold", "float", "XTC takes away all but the last of the tokens above this probability.", 0, 1, known=_NATIVE),
    Param("n", "int", "How many answers to ask for at once.", 1, 128),
    Param("logit_bias", "json", "Adds to the score of tokens, by token id: {\"50256\": -100} forbids one.", known=_SAMPLERS | {"openai"}),
    Param("logprobs", "bool", "Whether the reply carries each token's log-probability."),
    Param("top_logprobs", "int", "How many alternatives to each token are told; needs logprobs on.", 0, 20),
    Param("response_format", "json", "The form of the answer: {\"type\": \"json_object\"} or a JSON schema."),
    Param("grammar", "text", "A GBNF grammar that the answer keeps to.", known=_NATIVE),
    Param("reasoning_effort", "text", "How much a reasoning model thinks before it answers.", choices=("none", "minimal", "low", "medium", "high", "xhigh", "max"), aliases=("effort",)),
    Param("enable_thinking", "bool", "Whether a model with a thinking switch thinks before it answers.", known=_TEMPLATES, wire="chat_template_kwargs.enable_thinking"),
)
# fmt: on


def normalise(name: str) -> str:
    """A name without what fingers vary: case, `-` and `_`."""
    return name.lower().replace("-", "").replace("_", "")


_BY_NAME = {normalise(word): param for param in PARAMS for word in (param.name, *param.aliases)}


def find(name: str) -> Param | None:
    """The parameter with this name or alias; case, `-` and `_` do not matter."""
    return _BY_NAME.get(normalise(name))


def param(name: str) -> Param:
    """The parameter with this name or alias; raises UsageError that lists them."""
    found = find(name)
    if found is None:
        names = ", ".join(known.name for known in PARAMS)
        raise UsageError(f"There is no parameter {name!r}.", f"There are: {names}.")
    return found


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and where it came from."""

    value: Any
    origin: Origin


_DEFAULTS = {known.name: Setting(known.default, "default") for known in PARAMS if known.default is not None}


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which parameters are set; only these are sent, besides the defaults."""

    chosen: Mapping[str, Setting] = field(default_factory=lambda: MappingProxyType({}))

    def with_value(self, name: str, value: Any, origin: Origin) -> "Sampling":
        """With `value` checked and set; raises UsageError."""
        known = param(name)
        setting = Setting(known.check(value), origin)
        return Sampling(MappingProxyType({**self.chosen, known.name: setting}))

    def with_text(self, name: str, text: str, origin: Origin) -> "Sampling":
        """With the value that `text` means; raises UsageError."""
        return self.with_value(name, param(name).parse(text), origin)

    def without(self, name: str) -> "Sampling":
        """With this parameter back at its default, or not sent when it has none."""
        rest = {key: setting for key, setting in self.chosen.items() if key != param(name).name}
        return Sampling(MappingProxyType(rest))

    def get(self, name: str) -> Setting | None:
        """What is sent for this parameter, and why; None when it is not sent."""
        key = param(name).name
        return self.chosen.get(key) or _DEFAULTS.get(key)

    @property
    def effective(self) -> dict[str, Setting]:
        """All that is set, in the order of the table: the defaults, and what was chosen."""
        every = {**_DEFAULTS, **self.chosen}
        return {known.name: every[known.name] for known in PARAMS if known.name in every}
