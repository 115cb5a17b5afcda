"""Every parameter takes what its range says, and refuses all else with that range."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmchat import params
from llmchat.errors import UsageError
from llmchat.parameter import Param
from llmchat.params import PARAMS
from llmchat.sampling import Sampling, Setting
from llmchat.wire.servers import KINDS

EACH = pytest.mark.parametrize("param", PARAMS, ids=lambda param: param.name)
NUMBERS = [param for param in PARAMS if param.type in ("float", "int")]
EACH_NUMBER = pytest.mark.parametrize("param", NUMBERS, ids=lambda param: param.name)


def refused(param: Param, text: str) -> bool:
    """Whether this text is refused with a sentence that tells the parameter's range."""
    try:
        param.parse(text)
    except UsageError as error:
        return error.sentence.startswith(f"{param.name} is {param.range}, not ")
    return False


NO_NUMBERS = (
    "",
    "x",
    "nan",
    "NaN",
    "inf",
    "-inf",
    "1e999",
    "infk",
    "1e999k",
    "nank",
    "k",
    "1..0",
    "0x1",
    "true",
)


# The ends of each range. None: no end.
RANGES: dict[str, tuple[float | None, float | None]] = {
    "top_n_sigma": (-1, 10),
    "dry_penalty_last_n": (-1, None),
    "temperature": (0, 2),
    "max_tokens": (-1, None),
    "top_p": (0, 1),
    "top_k": (0, None),
    "min_p": (0, 1),
    "seed": (-1, 4294967295),
    "presence_penalty": (-2, 2),
    "frequency_penalty": (-2, 2),
    "repeat_penalty": (0, 2),
    "repeat_last_n": (0, None),
    "typical_p": (0, 1),
    "mirostat": (0, 2),
    "mirostat_tau": (0, 20),
    "mirostat_eta": (0, 1),
    "dynatemp_range": (0, 2),
    "dynatemp_exponent": (0, 10),
    "dry_multiplier": (0, 10),
    "dry_base": (1, 10),
    "dry_allowed_length": (0, None),
    "xtc_probability": (0, 1),
    "xtc_threshold": (0, 1),
    "n": (1, 128),
    "top_logprobs": (0, 20),
}


def test_every_number_has_its_range() -> None:
    assert {param.name: (param.low, param.high) for param in NUMBERS} == RANGES


@EACH_NUMBER
def test_both_ends_of_a_range_are_in_it_and_what_is_beyond_is_not(param: Param) -> None:
    step = 0.01 if param.type == "float" else 1
    low, high = RANGES[param.name]
    for end, beyond in ((low, -step), (high, step)):
        if end is not None:
            assert param.parse(str(end)) == end
            assert refused(param, str(end + beyond))
    if high is None:
        assert param.parse("1000000") == 1_000_000


@EACH_NUMBER
def test_nonsense_is_no_number(param: Param) -> None:
    assert [text for text in NO_NUMBERS if not refused(param, text)] == []


@EACH
def test_the_range_in_words_has_every_bound_in_full(param: Param) -> None:
    for bound in (param.low, param.high):
        if bound is not None:
            assert f"{bound}" in param.range
    assert all(choice in param.range for choice in param.choices)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("temperature", "a number from 0 to 2"),
        ("max_tokens", "a whole number from -1"),
        ("logprobs", "on or off"),
        ("stop", "a text, or a JSON array of texts"),
        ("logit_bias", "JSON"),
        ("grammar", "a text"),
    ],
)
def test_a_range_is_told_in_words(name: str, words: str) -> None:
    assert params.param(name).range == words


# A parameter, a text, and its value.
VALUES: list[tuple[str, str, Any]] = [
    ("temperature", "1", 1.0),
    ("temperature", "0,2", 0.2),
    ("temperature", " 0.7 ", 0.7),
    ("temperature", "1e-1", 0.1),
    ("max_tokens", "8k", 8192),
    ("max_tokens", "8K", 8192),
    ("max_tokens", "0.5k", 512),
    ("max_tokens", "1,5k", 1536),
    ("max_tokens", "-1", -1),
    ("logprobs", "on", True),
    ("logprobs", "Yes", True),
    ("logprobs", "false", False),
    ("logprobs", "0", False),
    ("stop", "END", ["END"]),
    ("stop", "two words", ["two words"]),
    ("stop", '" x "', [" x "]),
    ("stop", "'[INST]'", ["[INST]"]),
    ("stop", "[INST]", ["[INST]"]),
    ("stop", '["a"', ['["a"']),
    ("stop", "\\n\\n", ["\n\n"]),
    ("stop", '["a", "b"]', ["a", "b"]),
    ("logit_bias", '{"50256": -100}', {"50256": -100}),
    ("logit_bias", "[[1, -1]]", [[1, -1]]),
    ("response_format", '{"type": "json_object"}', {"type": "json_object"}),
    ("grammar", 'root ::= "a"', 'root ::= "a"'),
    ("reasoning_effort", "high", "high"),
    ("enable_thinking", "off", False),
]


@pytest.mark.parametrize(("name", "text", "value"), VALUES)
def test_a_text_means_a_value(name: str, text: str, value: Any) -> None:
    parsed = params.param(name).parse(text)
    assert parsed == value
    assert type(parsed) is type(value)


NONSENSE: list[tuple[str, str]] = [
    ("max_tokens", "1.5"),
    ("max_tokens", "9" * 5000),
    ("logprobs", "maybe"),
    ("logprobs", ""),
    ("stop", ""),
    ("stop", '""'),
    ("stop", "[1]"),
    ("stop", "[" * 100_000),
    ("logit_bias", "50256"),
    ("logit_bias", '"x"'),
    ("logit_bias", "{"),
    ("logit_bias", '{"1": NaN}'),
    ("logit_bias", '{"1": Infinity}'),
    ("response_format", "json_object"),
    ("response_format", "null"),
    ("response_format", "[" * 100_000),
    ("reasoning_effort", "hard"),
    ("reasoning_effort", ""),
]


@pytest.mark.parametrize(("name", "text"), NONSENSE)
def test_nonsense_is_refused(name: str, text: str) -> None:
    assert refused(params.param(name), text)


@EACH
def test_a_value_that_cannot_be_sent_is_refused(param: Param) -> None:
    for value in (None, math.nan, math.inf, {1, 2}, b"x", {"x": math.nan}, {"x": b"y"}):
        with pytest.raises(UsageError, match=param.name):
            param.check(value)


@pytest.mark.parametrize("param", [p for p in NUMBERS if p.high is not None], ids=lambda param: param.name)
def test_a_number_larger_than_any_float_is_refused(param: Param) -> None:
    with pytest.raises(UsageError, match=param.name):
        param.check(10**400)


@pytest.mark.parametrize("param", [p for p in PARAMS if p.type != "bool"], ids=lambda param: param.name)
def test_true_is_no_number_and_no_text(param: Param) -> None:
    with pytest.raises(UsageError):
        param.check(True)


@pytest.mark.parametrize("name", ["temperature", "top_p", "repeat_penalty"])
def test_a_whole_number_becomes_a_float_where_the_server_wants_one(name: str) -> None:
    assert json.dumps(params.param(name).check(1)) == "1.0"


def test_a_single_text_becomes_a_list() -> None:
    assert params.param("stop").check("END") == ["END"]


@settings(max_examples=500)
@given(st.sampled_from(PARAMS), st.text() | st.text('0123456789.,-+eEk[]{}":'))
def test_any_text_is_a_value_that_can_be_sent_or_refused(param: Param, text: str) -> None:
    if not refused(param, text):
        value = param.parse(text)
        assert param.check(value) == value
        json.dumps(value, allow_nan=False)


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("temp", "temperature"),
        ("Top-P", "top_p"),
        ("topp", "top_p"),
        ("max", "max_tokens"),
        ("num_predict", "max_tokens"),
        ("n-predict", "max_tokens"),
        ("repetition_penalty", "repeat_penalty"),
        ("effort", "reasoning_effort"),
    ],
)
def test_a_parameter_has_many_spellings(word: str, name: str) -> None:
    assert params.param(word).name == name


def test_no_two_parameters_share_a_word() -> None:
    words = [params.normalise(word) for param in PARAMS for word in (param.name, *param.aliases)]
    assert len(words) == len(set(words))


def test_an_unknown_parameter_is_refused_with_the_nearest() -> None:
    assert params.find("temprature") is None
    with pytest.raises(UsageError, match="temprature") as refusal:
        params.param("temprature")
    assert "Did you mean temperature?" in refusal.value.hint


@pytest.mark.parametrize("name", [*params.ELSEWHERE, "ctx", "n-gpu-layers", "Context_Length"])
def test_what_no_request_can_set_is_told_where_it_can(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be set with a request") as refusal:
        params.param(name)
    assert refusal.value.hint in params.ELSEWHERE.values()


@pytest.mark.parametrize(
    ("name", "text", "current", "becomes"),
    [
        ("temperature", "+0.1", 0.7, 0.8),
        ("temperature", "-0,2", 0.7, 0.5),
        ("max_tokens", "x2", 100, 200),
        ("max_tokens", "/3", 100, 33),
        ("presence_penalty", "-0.5", 1.0, None),
        ("max_tokens", "-1", 100, None),
        ("temperature", "0.1", 0.7, None),
        ("stop", "+1", ["x"], None),
    ],
)
def test_steps(name: str, text: str, current: Any, becomes: Any) -> None:
    assert params.param(name).step(text, current) == becomes


@pytest.mark.parametrize(
    ("name", "text", "current"), [("temperature", "+2", 0.7), ("top_k", "+1", None), ("top_k", "/0", 3)]
)
def test_a_step_out_of_range_or_from_nothing_is_refused(name: str, text: str, current: Any) -> None:
    with pytest.raises(UsageError):
        params.param(name).step(text, current)


@EACH
def test_every_example_is_a_value(param: Param) -> None:
    assert param.parse(param.example) is not None


# A parameter, a kind of server, and what it calls the parameter.
WIRE = [
    ("repeat_penalty", "llamacpp", "repeat_penalty"),
    ("repeat_penalty", "lmstudio", "repeat_penalty"),
    ("repeat_penalty", "vllm", "repetition_penalty"),
    ("repeat_penalty", "sglang", "repetition_penalty"),
    ("repeat_penalty", "textgen", "repetition_penalty"),
    ("repeat_penalty", "openrouter", "repetition_penalty"),
    ("repeat_penalty", "mlx", "repetition_penalty"),
    ("enable_thinking", "llamacpp", "chat_template_kwargs.enable_thinking"),
    ("temperature", "vllm", "temperature"),
]


@pytest.mark.parametrize(("name", "kind", "wire"), WIRE)
def test_a_server_has_its_own_word(name: str, kind: str, wire: str) -> None:
    assert params.param(name).wire_name(kind) == wire


@EACH
def test_the_table_speaks_only_of_servers_that_there_are(param: Param) -> None:
    kinds = {kind.name for kind in KINDS}
    assert set(param.names) <= kinds
    assert (param.known or frozenset()) <= kinds
    assert any(param.honoured_by(kind) for kind in kinds)


def test_what_servers_honour() -> None:
    assert params.param("temperature").honoured_by("openai")
    assert not params.param("top_k").honoured_by("openai")
    assert not params.param("top_k").honoured_by("ollama")
    assert params.param("top_k").honoured_by("vllm")
    assert not params.param("mirostat").honoured_by("vllm")
    assert params.param("mirostat").honoured_by("llamacpp")


def origins(sampling: Sampling) -> dict[str, tuple[Any, str]]:
    return {name: (setting.value, setting.origin) for name, setting in sampling.effective.items()}


DEFAULTS = {"temperature": (0.7, "default"), "max_tokens": (-1, "default")}


def test_a_setting_remembers_where_it_came_from() -> None:
    sampling = Sampling().with_text("top_k", "40", "settings file").with_value("temp", 1, "flag")
    assert origins(sampling) == {**DEFAULTS, "temperature": (1.0, "flag"), "top_k": (40, "settings file")}
    assert list(sampling.effective) == ["temperature", "max_tokens", "top_k"]


def test_the_last_setting_counts() -> None:
    sampling = Sampling().with_value("top_k", 1, "flag").with_text("top-k", "2", "command")
    assert (sampling.get("top_k"), sampling.get("min_p")) == (Setting(2, "command"), None)


def test_without_means_the_default_or_nothing() -> None:
    sampling = Sampling().with_value("temperature", 0, "flag").with_value("seed", 3, "flag")
    assert origins(sampling.without("temp").without("seed").without("top_p")) == DEFAULTS


def test_settings_are_values() -> None:
    before = Sampling()
    before.with_value("seed", 3, "flag")
    assert before == Sampling()
    with pytest.raises(TypeError):
        before.with_value("seed", 3, "flag").chosen["seed"] = 4  # type: ignore[index]


def test_a_refused_value_changes_nothing() -> None:
    sampling = Sampling().with_value("seed", 3, "flag")
    with pytest.raises(UsageError):
        sampling.with_text("seed", "lots", "command")
    assert sampling.get("seed") == Setting(3, "flag")
