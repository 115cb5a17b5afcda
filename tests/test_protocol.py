"""What goes out to each kind of server, and what comes back from all of them, in one language."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmchat.errors import DroppedError, LlmchatError, ServerError
from llmchat.messages import Message, Timings, ToolCall, Usage
from llmchat.params import PARAMS
from llmchat.sampling import Sampling
from llmchat.wire.deltas import Delta, Draft, Finish, Progress, Reasoning, Text, ToolCallPart
from llmchat.wire.protocol import ReplyReader, messages_array, optional_fields, request_body
from llmchat.wire.servers import KINDS, Kind, kind
from tests.cutting import cut, cuts
from tests.oddity import odd

Json = dict[str, Any]
EACH_KIND = pytest.mark.parametrize("row", KINDS, ids=lambda row: row.name)
HI = [{"role": "user", "content": "Hi"}]


# What goes out.


def sampling(**values: Any) -> Sampling:
    made = Sampling()
    for name, value in values.items():
        made = made.with_value(name, value, "command")
    return made


def sent(name: str, **values: Any) -> Json:
    """The body for this kind of server, less what every request has."""
    body = request_body(kind(name), "m", HI, sampling(**values))
    return {key: body[key] for key in body if key not in ("model", "messages", "stream", "stream_options")}


@EACH_KIND
def test_every_request_is_a_stream_with_the_token_counts(row: Kind) -> None:
    body = request_body(row, "m", HI, Sampling())
    assert (body["model"], body["messages"], body["stream"]) == ("m", HI, True)
    assert body["stream_options"] == {"include_usage": True}


# What becomes of "no limit", by kind: sent, left out, or a number.
UNLIMITED: dict[str, int | None] = {
    "openai": None,
    "openrouter": None,
    "llamacpp": -1,
    "vllm": None,
    "sglang": None,
    "koboldcpp": 2048,
    "lmstudio": -1,
    "ollama": -1,
    "textgen": None,
    "litellm": None,
    "localai": None,
    "jan": None,
    "mlx": 32768,
    "llamacpp_python": -1,
    "transformers": None,
}


@EACH_KIND
def test_the_defaults_alone_are_sent_when_nothing_is_set(row: Kind) -> None:
    limit = UNLIMITED[row.name]
    expected: Json = {"temperature": 0.7, **({} if limit is None else {"max_tokens": limit})}
    if row.name == "llamacpp":
        expected["return_progress"] = True
    assert sent(row.name) == expected


@EACH_KIND
def test_no_limit_means_the_same_when_the_user_sets_it(row: Kind) -> None:
    assert sent(row.name, max_tokens=-1) == sent(row.name)
    assert sent(row.name, max_tokens=0)["max_tokens"] == 0
    assert sent(row.name, max_tokens=99)["max_tokens"] == 99


def test_only_what_is_set_is_sent() -> None:
    assert sent("lmstudio", top_k=40, temperature=0) == {"temperature": 0.0, "max_tokens": -1, "top_k": 40}


def test_a_server_is_told_in_its_own_words() -> None:
    assert sent("vllm", repeat_penalty=1.1)["repetition_penalty"] == 1.1
    assert "repeat_penalty" not in sent("vllm", repeat_penalty=1.1)
    assert sent("lmstudio", repeat_penalty=1.1)["repeat_penalty"] == 1.1


def test_a_switch_of_the_template_is_nested() -> None:
    assert sent("llamacpp", enable_thinking=False)["chat_template_kwargs"] == {"enable_thinking": False}


@pytest.mark.parametrize(
    "name", ["top_k", "min_p", "repeat_penalty", "mirostat", "xtc_probability", "grammar", "enable_thinking"]
)
def test_openai_is_not_sent_what_it_refuses(name: str) -> None:
    text = {"grammar": 'root ::= "a"', "enable_thinking": "on"}.get(name, "1")
    chosen = Sampling().with_text(name, text, "command")
    body = request_body(kind("openai"), "m", HI, chosen)
    assert body == request_body(kind("openai"), "m", HI, Sampling())


def test_openai_is_sent_what_it_knows() -> None:
    values: Json = {
        "seed": 7,
        "stop": ["END"],
        "top_p": 0.5,
        "n": 2,
        "logit_bias": {"1": -1},
        "logprobs": True,
    }
    assert sent("openai", **values) == {"temperature": 0.7, **values}


def test_a_server_that_ignores_a_field_is_sent_it_all_the_same() -> None:
    assert sent("ollama", top_k=40)["top_k"] == 40


@EACH_KIND
def test_a_body_with_everything_is_json(row: Kind) -> None:
    texts = {"float": "1", "int": "1", "bool": "on", "text": "high", "list": "END", "json": "{}"}
    chosen = Sampling()
    for param in PARAMS:
        chosen = chosen.with_text(param.name, texts[param.type], "command")
    body = request_body(row, "m", HI, chosen)
    assert json.loads(json.dumps(body, allow_nan=False)) == body


def test_what_the_user_did_not_set_may_be_left_out() -> None:
    llamacpp, chosen = kind("llamacpp"), sampling(temperature=0)
    body = request_body(llamacpp, "m", HI, chosen)
    assert optional_fields(body, llamacpp, chosen) == ("max_tokens", "stream_options", "return_progress")
    openai = request_body(kind("openai"), "m", HI, Sampling())
    assert optional_fields(openai, kind("openai"), Sampling()) == ("temperature", "stream_options")


def test_messages_are_sent_without_their_reasoning_after_the_system_prompt() -> None:
    said = (
        Message("user", "Hi"),
        Message("assistant", "Ho", reasoning="hm", tool_calls=(ToolCall("f", "{}"),)),
    )
    array = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]
    assert messages_array("", said) == array
    assert messages_array("Be brief.", said) == [{"role": "system", "content": "Be brief."}, *array]


# What comes back.


def chunk(content: str | None = None, *, finish: str | None = None, index: int = 0, **delta: Any) -> Json:
    if content is not None:
        delta["content"] = content
    return {"choices": [{"index": index, "delta": delta, "finish_reason": finish}]}


def stream(*events: Json | str, done: bool = True) -> bytes:
    texts = [event if isinstance(event, str) else json.dumps(event) for event in events]
    return "".join(f"data: {text}\n\n" for text in [*texts, *(["[DONE]"] if done else [])]).encode()


def read(pieces: list[bytes]) -> tuple[list[Delta], LlmchatError | None, int]:
    """The deltas, with neighbouring texts joined; the error at the end; how many events were skipped."""
    reader = ReplyReader()
    deltas = [delta for piece in pieces for delta in reader.feed(piece)] + reader.finish()
    try:
        reader.check_end()
    except LlmchatError as error:
        return list(_joined(deltas)), error, reader.skipped
    return list(_joined(deltas)), None, reader.skipped


def _joined(deltas: list[Delta]) -> Iterator[Delta]:
    text = ""
    for delta in deltas:
        if isinstance(delta, Text) and delta.choice == 0:
            text += delta.text
            continue
        if text:
            yield Text(text)
        text = ""
        yield delta
    if text:
        yield Text(text)


STOP = Finish("stop")
LAST = chunk(finish="stop")

# What a server sends, and what it means.
STREAMS: dict[str, tuple[bytes, list[Delta]]] = {
    "text": (stream(chunk("Hel"), chunk("lo"), LAST), [Text("Hello"), STOP]),
    "null, empty and missing content": (
        stream(chunk(role="assistant", content=None), chunk(""), chunk(), chunk("Hi"), LAST),
        [Text("Hi"), STOP],
    ),
    "no delta": (stream({"choices": [{"index": 0}]}, {"choices": [{"delta": None}]}, LAST), [STOP]),
    "no index": (stream({"choices": [{"delta": {"content": "Hi"}}]}, LAST), [Text("Hi"), STOP]),
    "no choices": (stream({"choices": []}, {"choices": None}, {"id": "x"}, LAST), [STOP]),
    "the token counts after the end": (
        stream(LAST, {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2}}),
        [STOP, Usage(7, 2)],
    ),
    "a count that nothing holds": (
        stream(LAST, {"choices": [], "usage": {"prompt_tokens": 10**30, "completion_tokens": 2}}),
        [STOP, Usage(0, 2)],
    ),
    "what the server need not read again": (
        stream(
            {
                "usage": {
                    "prompt_tokens": 7,
                    "completion_tokens": 2,
                    "prompt_tokens_details": {"cached_tokens": 5},
                }
            },
            {"usage": None},
            LAST,
        ),
        [Usage(7, 2, 5), STOP],
    ),
    "llama.cpp's timings": (
        stream(LAST, {"choices": [], "timings": {"prompt_n": 7, "predicted_per_second": 42.5}}),
        [STOP, Timings(None, 42.5)],
    ),
    "a speed that is none": (
        stream({"timings": {"predicted_per_second": 0}}, {"timings": {"predicted_per_second": True}}, LAST),
        [Timings(), Timings(), STOP],
    ),
    "llama.cpp's progress": (
        stream({"prompt_progress": {"total": 9, "cache": 0, "processed": 4, "time_ms": 3}}, LAST),
        [Progress(4, 9), STOP],
    ),
    "mlx_lm's progress": (b": keepalive 512/2048\n\n" + stream(LAST), [Progress(512, 2048), STOP]),
    "comments of no meaning": (
        b": OPENROUTER PROCESSING\n\n:\n\n: keepalive\n\n: keepalive x/y\n\n: keepalive 1/"
        + b"9" * 5000
        + b"\n\n"
        + stream(LAST),
        [STOP],
    ),
    "llama.cpp's reasoning": (
        stream(chunk(reasoning_content="hm"), chunk("Hi"), LAST),
        [Reasoning("hm"), Text("Hi"), STOP],
    ),
    "vLLM's reasoning": (
        stream(chunk(reasoning="hm"), chunk("Hi"), LAST),
        [Reasoning("hm"), Text("Hi"), STOP],
    ),
    "the same reasoning under both names": (
        stream(chunk(reasoning="hm", reasoning_content="hm"), LAST),
        [Reasoning("hm"), STOP],
    ),
    "reasoning in the text": (
        stream(chunk("<think>hm</think>\n\nHi"), LAST),
        [Reasoning("hm"), Text("Hi"), STOP],
    ),
    "reasoning in the text beside an empty field": (
        stream(chunk("<think>hm</think>Hi", reasoning_content="", reasoning=""), LAST),
        [Reasoning("hm"), Text("Hi"), STOP],
    ),
    "a tag where reasoning comes apart": (
        stream(chunk(reasoning="hm"), chunk("<think>"), LAST),
        [Reasoning("hm"), Text("<think>"), STOP],
    ),
    "several choices": (
        stream(chunk("a", index=1), chunk("b"), chunk(index=1, finish="length"), LAST),
        [Text("a", 1), Text("b"), Finish("length", 1), STOP],
    ),
    "a tool call in pieces": (
        stream(
            chunk(tool_calls=[{"index": 0, "id": "1", "function": {"name": "f", "arguments": ""}}]),
            chunk(tool_calls=[{"index": 0, "function": {"arguments": '{"a":'}}]),
            chunk(tool_calls=[{"index": 0, "function": {"name": None, "arguments": "1}"}}]),
            chunk(finish="tool_calls"),
        ),
        [
            ToolCallPart(0, "f", ""),
            ToolCallPart(0, "", '{"a":'),
            ToolCallPart(0, "", "1}"),
            Finish("tool_calls"),
        ],
    ),
    "tool calls without an index": (
        stream(
            chunk(tool_calls=[{"function": {"name": "f"}}, {"index": None, "function": {"name": "g"}}]), LAST
        ),
        [ToolCallPart(0, "f", ""), ToolCallPart(1, "g", ""), STOP],
    ),
    "spaces after [DONE], and more after it": (
        stream(chunk("Hi"), "[DONE]  ", chunk("!"), done=False),
        [Text("Hi")],
    ),
    "[DONE] without a blank line": (stream(chunk("Hi"), done=False) + b"data: [DONE]", [Text("Hi")]),
    "no [DONE] after a finish reason": (stream(chunk("Hi"), LAST, done=False), [Text("Hi"), STOP]),
    "a finish reason with the text": (stream(chunk("Hi", finish="stop")), [Text("Hi"), STOP]),
    "nothing but the end": (stream(), []),
    "what might have become a tag comes before the end": (stream(chunk("1 <"), LAST), [Text("1 <"), STOP]),
    **{
        f"the finish reason {reason}": (stream(chunk(finish=reason)), [Finish(reason)])
        for reason in ("length", "content_filter", "tool_calls", "function_call")
    },
    **{
        f"the finish reason {reason!r}, which is none": (stream(chunk(finish=reason)), [])
        for reason in ("", "null")
    },
}


@pytest.mark.parametrize("case", STREAMS)
def test_a_reply_means_the_same_however_it_is_cut(case: str) -> None:
    data, deltas = STREAMS[case]
    few = [cut(data, [place]) for place in range(len(data))]
    for pieces in [*few, *([] if len(data) > 150 else cuts(data)), cut(data, range(1, len(data)))]:
        assert read(pieces) == (deltas, None, 0)


def test_what_is_no_json_is_skipped_and_counted() -> None:
    data = stream("oops", chunk("Hi"), "", "{", "null", "5", '"x"', "[]", "[" * 100_000, "9" * 5000, LAST)
    assert read([data]) == ([Text("Hi"), STOP], None, 9)


OOPS = {"error": {"code": 500, "message": "Oops", "type": "server_error"}}

# How servers break off, and the words of it.
BROKEN: dict[str, tuple[bytes, str]] = {
    "llama.cpp": (stream(OOPS, done=False), "Oops"),
    "vLLM, with [DONE]": (stream(OOPS), "Oops"),
    "LM Studio": (b'event: error\ndata: {"error":{"message":"Oops"},"message":"x"}\n\n', "Oops"),
    "an error event of words": (b"event: error\ndata: Oops\n\n", "Oops"),
    "an error event of nothing": (b"event: error\ndata:\n\n", "refused"),
    "an error event of no known shape": (b'event: error\ndata: {"oops": 1}', "oops"),
    "OpenRouter": (stream({**OOPS, **chunk("", finish="error")}), "Oops"),
    "KoboldCpp": (stream(chunk("", finish="error")), "error of its own"),
    "vLLM, when it is shut down": (stream(chunk("", finish="abort")), "aborted"),
    "SGLang": (stream({"object": "error", "message": "Oops", "code": 400}), "Oops"),
    "an error without words": (stream({"error": True}), "True"),
    "after the finish reason": (stream(LAST, OOPS), "Oops"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_an_error_wins_and_the_text_before_it_is_kept(case: str) -> None:
    broken, words = BROKEN[case]
    data = stream(chunk("Hi <"), done=False) + broken + stream(chunk("more"))
    for pieces in [[data], cut(data, [len(data) // 2]), cut(data, range(1, len(data)))]:
        deltas, error, _ = read(pieces)
        assert [delta for delta in deltas if delta != STOP] == [Text("Hi <")]
        assert isinstance(error, ServerError)
        assert words in error.sentence


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b": keepalive 1/2\n\n",
        stream(chunk("Hi"), done=False),
        stream(chunk("Hi", finish=""), done=False),
        stream(chunk("Hi", finish="null"), done=False),
        stream(chunk("Hi"), done=False) + b'data: {"choices": [{"del',
        b"<html>Sorry</html>",
    ],
)
def test_a_stream_that_ends_without_an_end_was_dropped(data: bytes) -> None:
    for pieces in cuts(data[-40:]):
        deltas, error, _ = read([data[:-40], *pieces])
        assert isinstance(error, DroppedError)
        assert deltas in ([], [Text("Hi")], [Progress(1, 2)])


def test_nothing_after_the_end_is_read() -> None:
    reader = ReplyReader()
    assert reader.feed(stream(chunk("Hi"))) == [Text("Hi")]
    assert reader.done
    assert reader.feed(stream(chunk("more"), OOPS)) == []
    reader.check_end()


def message(content: str, index: int = 0, **rest: Any) -> Json:
    return {
        "index": index,
        "message": {"role": "assistant", "content": content, **rest},
        "finish_reason": "stop",
    }


def test_a_whole_completion_is_a_reply() -> None:
    data = {
        "choices": [message("<think>hm</think>Hi"), message("Ho <", 1, reasoning_content="ah")],
        "usage": {"prompt_tokens": 7, "completion_tokens": 2},
    }
    draft, reader = Draft(), ReplyReader()
    for delta in reader.completion(data):
        draft.add(delta)
    assert reader.done
    assert draft.reply().choices == (
        Message("assistant", "Hi", reasoning="hm"),
        Message("assistant", "Ho <", reasoning="ah"),
    )
    assert (draft.usage, draft.reply().finish_reasons) == (Usage(7, 2), ("stop", "stop"))


@pytest.mark.parametrize(
    "data", [OOPS, {**OOPS, "choices": [message("Hi")]}, {"choices": [{"finish_reason": "error"}]}]
)
def test_a_whole_completion_may_be_an_error(data: Json) -> None:
    with pytest.raises(ServerError):
        ReplyReader().completion(data)


# Whatever comes.

FULL: Json = {
    "choices": [
        {
            "index": 0,
            "delta": {
                "role": "assistant",
                "content": "Hi",
                "reasoning": "hm",
                "reasoning_content": "hm",
                "tool_calls": [{"index": 0, "function": {"name": "f", "arguments": "{}"}}],
            },
            "message": {"content": "Hi"},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 1}},
    "timings": {"predicted_per_second": 1.5},
    "prompt_progress": {"processed": 1, "total": 2},
    "error": None,
    "detail": None,
}


ODD = odd(FULL)


def grow(deltas: list[Delta]) -> Draft:
    """A draft of these deltas, after a look at what the rest of the program relies on."""
    draft = Draft()
    for delta in deltas:
        match delta:
            case Usage(prompt, completion, cached):
                assert min(prompt, completion, cached or 0) >= 0
            case Timings(_, speed):
                assert speed is None or 0 < speed < float("inf")
            case Progress(done, total):
                assert min(done, total) >= 0
        draft.add(delta)
    return draft


@given(st.lists(ODD, max_size=3))
def test_no_event_is_too_odd(events: list[Any]) -> None:
    data = stream(chunk("Hi"), chunk("Ho", index=1), *(json.dumps(event) for event in events), LAST)
    deltas, error, _ = read([data])
    assert grow(deltas).reply(cut_short=bool(error)).choices
    assert error is None or error.sentence


@given(ODD.filter(lambda value: isinstance(value, dict)))
def test_no_completion_is_too_odd(data: Json) -> None:
    try:
        deltas = ReplyReader().completion(data)
    except LlmchatError:
        return
    grow(deltas).reply()
