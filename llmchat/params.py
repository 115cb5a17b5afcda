"""Every parameter of a chat request, one line each.

Where a server's name for a parameter differs, or it ignores or refuses one, that stands in the line
too: `names` maps a kind of server to its word, `known` holds the kinds that honour the parameter
(None: all). A dot in a name means nesting in the request body.
"""

from collections.abc import Mapping
from types import MappingProxyType

from llmchat.errors import UsageError
from llmchat.parameter import Param

_LLAMA = frozenset({"llamacpp", "jan"})
_NATIVE = _LLAMA | {"koboldcpp", "textgen", "localai"}
_ROUTERS = frozenset({"litellm", "openrouter"})
_PYTHON = frozenset({"llamacpp_python"})
_SAMPLERS = _NATIVE | _ROUTERS | _PYTHON | {"lmstudio", "vllm", "sglang", "mlx"}
_TEMPLATES = _LLAMA | {"vllm", "sglang", "textgen", "mlx", "transformers"}
_NOT_OLLAMA = _SAMPLERS | {"openai"}
_REPETITION = dict.fromkeys(("vllm", "sglang", "textgen", "openrouter", "mlx"), "repetition_penalty")
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


_REPEATING = MappingProxyType(
    {"presence_penalty": -2.0, "frequency_penalty": -2.0, "repeat_penalty": 0.5, "max_tokens": 32}
)
_DRY = MappingProxyType({**_REPEATING, "dry_multiplier": 10.0})

# fmt: off
PARAMS: tuple[Param, ...] = (
    Param("temperature", "float", "0.2", "How freely the next token is chosen: 0 takes the likeliest each time, 1 follows the model's odds, more is wilder.", 0, 2, default=0.7, aliases=("temp",)),
    Param("max_tokens", "int", "500", "The longest reply in tokens; -1 lets the model stop by itself.", -1, None, default=-1, aliases=("max", "num_predict", "n_predict"), ends=(1, 12)),
    Param("top_p", "float", "0.9", "Only the likeliest tokens that together have this probability are candidates; 1 turns it off.", 0, 1),
    Param("top_k", "int", "40", "Only this many of the likeliest tokens are candidates; 0 turns it off.", 0, None, known=_SAMPLERS),
    Param("min_p", "float", "0.05", "Only tokens at least this fraction as likely as the likeliest are candidates; 0 turns it off.", 0, 1, known=_SAMPLERS),
    Param("typical_p", "float", "0.95", "Prefers tokens about as surprising as is typical here; 1 turns it off.", 0, 1, known=_NATIVE),
    Param("top_n_sigma", "float", "1.5", "Only tokens whose score is within this many standard deviations of the best are candidates; -1 turns it off.", -1, 10, known=_NATIVE, ends=(-1.0, 0.01)),
    Param("seed", "int", "42", "Start of the random numbers: the same seed, the same answer, where the server keeps to it; -1 takes a new one each time.", -1, 2**32 - 1, ends=(1, 2)),
    Param("stop", "list", "###", "The reply ends before this text.", ends=(None, [" ", "e"])),
    Param("presence_penalty", "float", "0.5", "Makes tokens that have occurred less likely, however often; a negative value more likely.", -2, 2),
    Param("frequency_penalty", "float", "0.5", "Makes tokens less likely each time that they occur; a negative value more likely.", -2, 2),
    Param("repeat_penalty", "float", "1.1", "Divides the odds of tokens that have occurred lately; 1 turns it off.", 0, 2, aliases=("repeat", "repetition_penalty"), known=_SAMPLERS, names=_REPETITION, ends=(1.0, 2.0)),
    Param("repeat_last_n", "int", "64", "How many of the last tokens the repeat penalty looks at; 0 turns it off.", 0, None, known=_NATIVE, needs={"repeat_penalty": 2.0}),
    Param("mirostat", "int", "2", "Keeps the text about equally surprising: 0 off, 1 or 2 is the version.", 0, 2, known=_NATIVE | _PYTHON, names=dict.fromkeys(_PYTHON, "mirostat_mode")),
    Param("mirostat_tau", "float", "5", "How surprising mirostat keeps the text.", 0, 20, known=_NATIVE | _PYTHON, needs={"mirostat": 2}),
    Param("mirostat_eta", "float", "0.1", "How fast mirostat corrects itself.", 0, 1, known=_NATIVE | _PYTHON, needs={"mirostat": 2}),
    Param("dynatemp_range", "float", "0.5", "Lets the temperature move this far up and down with the model's certainty; 0 turns it off.", 0, 2, known=_NATIVE),
    Param("dynatemp_exponent", "float", "1", "How the moving temperature follows the model's certainty.", 0, 10, known=_NATIVE, needs={"dynatemp_range": 1.5}),
    Param("dry_multiplier", "float", "0.8", "How strongly DRY punishes repeated sequences; 0 turns it off.", 0, 10, known=_NATIVE, needs=_REPEATING),
    Param("dry_base", "float", "1.75", "How fast DRY's punishment grows with the length of the repetition.", 1, 10, known=_NATIVE, needs=_DRY),
    Param("dry_allowed_length", "int", "2", "Sequences up to this length may repeat without DRY's punishment.", 0, None, known=_NATIVE, needs=_DRY),
    Param("dry_penalty_last_n", "int", "1024", "How many of the last tokens DRY looks at; -1 takes the whole context, 0 turns it off.", -1, None, known=_NATIVE, needs=_DRY),
    Param("dry_sequence_breakers", "list", '["\\n", ":"]', "Texts at which DRY takes a sequence to end.", known=_NATIVE, ends=([" "], ["###"]), needs=_DRY),
    Param("xtc_probability", "float", "0.5", "How often XTC takes the likeliest tokens away; 0 turns it off.", 0, 1, known=_NATIVE),
    Param("xtc_threshold", "float", "0.1", "XTC takes away all but the last of the tokens above this probability.", 0, 1, known=_NATIVE, needs={"xtc_probability": 1.0}),
    Param("samplers", "list", '["top_k", "temperature"]', "The samplers that run, in this order.", known=_LLAMA, ends=(["temperature"], ["top_k"]), needs={"top_k": 1}),
    Param("n", "int", "3", "How many answers to ask for at once.", 1, 128, known=_NOT_OLLAMA - _PYTHON - {"lmstudio"}, ends=(1, 2)),
    Param("logit_bias", "json", '{"50256": -100}', "Adds to the score of tokens, by token id: -100 forbids one.", known=_NOT_OLLAMA, ends=(None, {"5": 100})),
    Param("logprobs", "bool", "on", "Whether the reply carries each token's log-probability.", known=_NOT_OLLAMA - {"lmstudio"} | {"ollama"}),
    Param("top_logprobs", "int", "5", "How many alternatives to each token are told; needs logprobs on.", 0, 20, known=_NOT_OLLAMA - {"lmstudio"} | {"ollama"}, needs={"logprobs": True}),
    Param("response_format", "json", '{"type": "json_object"}', "The form of the answer: any JSON, or a JSON schema.", unset_by=("off",)),
    Param("json_schema", "json", '{"type": "object"}', "A JSON schema that the answer keeps to.", known=_LLAMA, unset_by=("off",)),
    Param("grammar", "text", 'root ::= "yes" | "no"', "A GBNF grammar that the answer keeps to.", known=_NATIVE | _PYTHON, unset_by=("off",)),
    Param("ignore_eos", "bool", "on", "Whether the model is kept from ending its reply by itself.", known=_NATIVE | {"vllm", "sglang"}, needs={"max_tokens": 64}),
    Param("cache_prompt", "bool", "off", "Whether the server may reuse what it has read of the prompt before.", known=_LLAMA),
    Param("reasoning_effort", "text", "low", "How much a reasoning model thinks before it answers.", choices=_EFFORTS, aliases=("effort",)),
    Param("enable_thinking", "bool", "off", "Whether a model with a thinking switch thinks before it answers.", known=_TEMPLATES, wire="chat_template_kwargs.enable_thinking"),
)
# fmt: on

ELSEWHERE: Mapping[str, str] = MappingProxyType(
    {
        "num_ctx": "The context window is fixed when a model is loaded: in LM Studio's model settings, "
        "with -c for llama.cpp, with OLLAMA_CONTEXT_LENGTH or a Modelfile for Ollama.",
        "num_gpu": "How many layers run on the GPU is fixed when a model is loaded, in the server's own settings.",
        "num_thread": "How many threads compute is fixed when the server starts.",
        "keep_alive": "How long a model stays loaded is the server's own setting.",
        "num_batch": "The batch size is fixed when a model is loaded, in the server's own settings.",
    }
)
"""What people look for that cannot be set with a request, and where it can."""

_SAME_ELSEWHERE = {"ctx": "num_ctx", "n_ctx": "num_ctx", "context_length": "num_ctx", "context": "num_ctx"}
_SAME_ELSEWHERE |= {
    "n_gpu_layers": "num_gpu",
    "gpu_layers": "num_gpu",
    "threads": "num_thread",
    "ttl": "keep_alive",
}


def normalise(name: str) -> str:
    """A name without what fingers vary: case, `-` and `_`."""
    return name.lower().replace("-", "").replace("_", "")


_BY_NAME = {normalise(word): param for param in PARAMS for word in (param.name, *param.aliases)}


def find(name: str) -> Param | None:
    """The parameter with this name or alias; case, `-` and `_` do not matter."""
    return _BY_NAME.get(normalise(name))


def find_begun(name: str) -> Param | None:
    """The same, or the only one whose name begins so; raises UsageError when there are several."""
    if found := find(name):
        return found
    wanted = normalise(name)
    begun = [param for param in PARAMS if wanted and normalise(param.name).startswith(wanted)]
    if len(begun) > 1:
        raise UsageError(f"{name!r} may be {', '.join(p.name for p in begun)}.", "Type one more letter.")
    return begun[0] if begun else None


def param(name: str) -> Param:
    """The parameter with this name, alias or only prefix; raises UsageError that tells where else to look."""
    if found := find_begun(name):
        return found
    refuse_elsewhere(name)
    import difflib  # only an error needs it

    near = difflib.get_close_matches(normalise(name), _BY_NAME, n=1)
    meant = f"Did you mean {_BY_NAME[near[0]].name}? " if near else ""
    raise UsageError(
        f"There is no parameter {name!r}.",
        f"{meant}`/set` lists them; `/set extra.{name}=…` sends any field.",
    )


def refuse_elsewhere(name: str) -> None:
    """Raise UsageError when this is something that cannot be set with a request, with where it can."""
    elsewhere = {normalise(key): where for key, where in ELSEWHERE.items()}
    elsewhere |= {normalise(key): ELSEWHERE[same] for key, same in _SAME_ELSEWHERE.items()}
    if where := elsewhere.get(normalise(name)):
        raise UsageError(f"{name} cannot be set with a request.", where)
