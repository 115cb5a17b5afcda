"""A server's own words are found in every shape in which servers refuse."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from llmchat.errors import ServerError
from llmchat.wire.refusal import error_in, error_text, names_field, refusal
from tests.scripted import ScriptedServer, answer, models, refuse
from tests.session import session

pytestmark = pytest.mark.each_flavour

LOADED = "No models loaded. Please load a model in the developer page or use the 'lms load' command"
OVERFLOW = "request (9000 tokens) exceeds the available context size (4096 tokens), try increasing it"

# What the server is, its body, and its words.
BODIES: dict[str, tuple[Any, str]] = {
    "LM Studio 0.3": ({"error": LOADED}, LOADED),
    "LM Studio 0.4": (
        {"error": {"message": LOADED, "type": "invalid_request_error", "param": "model", "code": None}},
        LOADED,
    ),
    "LM Studio in a stream": (
        {"error": {"message": "Model unloaded."}, "message": "again"},
        "Model unloaded.",
    ),
    "LM Studio, a path it does not know": (
        {"error": "Unexpected endpoint or method. (POST /chat)"},
        "Unexpected endpoint or method. (POST /chat)",
    ),
    "llama.cpp": (
        {"error": {"code": 400, "message": OVERFLOW, "type": "exceed_context_size_error", "n_ctx": 4096}},
        OVERFLOW,
    ),
    "Ollama": ({"error": {"message": "model 'x' not found", "type": "api_error"}}, "model 'x' not found"),
    "vLLM": (
        {"error": {"message": "max_tokens must be at least 1", "code": 400}},
        "max_tokens must be at least 1",
    ),
    "SGLang": (
        {"object": "error", "message": "The model does not exist", "code": 404},
        "The model does not exist",
    ),
    "a message and a code": ({"message": "Unauthorized", "code": 401}, "Unauthorized"),
    "text-generation-webui": ({"detail": "Unauthorized"}, "Unauthorized"),
    "text-generation-webui, a list": (
        {"detail": [{"loc": ["body", "top_k"], "msg": "not an int"}, {"loc": [], "msg": "too long"}]},
        "body.top_k: not an int; too long",
    ),
    "FastAPI without a place": ({"detail": [{"loc": None, "msg": "not valid"}]}, "not valid"),
    "mlx_lm": ({"error": "Only 'text' content type is supported."}, "Only 'text' content type is supported."),
    "mlx_lm, plain": ("Not Found", "Not Found"),
    "Jan, plain": ("Invalid host header\n", "Invalid host header"),
    "an error inside an error": ({"error": {"error": {"error": {"message": "deep"}}}}, "deep"),
    "no words": ({"error": {"code": 500}}, '{"code": 500}'),
    "a number": ({"error": 7}, "7"),
    "JSON of no known shape": ({"foo": 1}, '{"foo": 1}'),
    "nothing": ("", ""),
    "a proxy": (
        "<html><head><title>502 Bad Gateway</title></head>\r\n<body><center><h1>502 Bad Gateway</h1>"
        "</center><hr>nginx &amp; co</body></html>",
        "502 Bad Gateway nginx & co",
    ),
    "a page with more than text": (
        "<!DOCTYPE html><style>h1 {}</style></style><script>if (a<b) {}</script><!-- x --><p>Sorry",
        "Sorry",
    ),
    "a page that ends early": ("<html><body>Sorry<br", "Sorry"),
    "a page with what no browser knows": ("<html><![foo[ x ]]>Sorry", "Sorry"),
}


@pytest.mark.parametrize("case", BODIES)
def test_the_servers_own_words_are_found(case: str) -> None:
    body, words = BODIES[case]
    assert error_text(body if isinstance(body, str) else json.dumps(body)) == words


@pytest.mark.parametrize("case", [case for case, (body, _) in BODIES.items() if isinstance(body, dict)])
def test_an_error_is_told_from_what_is_none(case: str) -> None:
    assert bool(error_in(BODIES[case][0])) is (case != "JSON of no known shape")


@pytest.mark.parametrize(
    "data",
    [
        {},
        None,
        "error",
        [{"error": "x"}],
        {"error": None, "choices": []},
        {"choices": [], "usage": None},
        {"object": "chat.completion.chunk", "message": "fine"},
    ],
)
def test_no_error_is_seen_where_none_is(data: Any) -> None:
    assert error_in(data) == ""


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(["error", "message", "detail", "msg", "loc"]), inner)
    ),
)


@given(JSON.map(json.dumps) | st.text() | st.text("<>!-[]/a \n").map("<html>".__add__))
@example("[" * 100_000)
@example('{"error":' * 400 + "[" * 400 + "]" * 400 + "}" * 400)
@example('{"error":' * 5000 + "7" + "}" * 5000)
def test_no_body_is_too_odd(body: str) -> None:
    assert isinstance(refusal(500, body).sentence, str)


# The status, the body, and what the hint must speak of.
HINTS: list[tuple[int, str, str]] = [
    (401, "Invalid API Key", "LLMCHAT_API_KEY"),
    (403, "Invalid host header", "LLMCHAT_API_KEY"),
    (404, "model 'x' not found", "/models"),
    (408, "", "again"),
    (413, "", "/clear"),
    (429, "slow down", "wait"),
    (503, '{"error": {"message": "Loading model", "code": 503}}', "loading"),
    (500, "oops", "log"),
    (400, OVERFLOW, "/forget"),
    (0, "Trying to keep the first 9 tokens when context the overflows", "/forget"),
    (400, "This model's maximum context length is 4096 tokens.", "/forget"),
    (500, "the context window is too small", "/forget"),
    (400, "prompt is too long: 9000 tokens > 4096 maximum", "/forget"),
]


@pytest.mark.parametrize(("status", "body", "hint"), HINTS)
def test_a_refusal_says_what_can_be_done(status: int, body: str, hint: str) -> None:
    error = refusal(status, body)
    assert hint in error.hint
    assert error.status == status
    assert (f"HTTP {status}" in error.sentence) is (status != 0)


def test_a_redirection_tells_where_to() -> None:
    error = refusal(301, "<html>moved", {"location": "https://example.com/v1"})
    assert error.sentence == "The server sends us elsewhere to https://example.com/v1 (HTTP 301)."
    assert "/server" in error.hint


@pytest.mark.parametrize(
    ("told", "now", "seconds"),
    [
        ("20", "", 20.0),
        (" 0 ", "", 0.0),
        ("9" * 5000, "", 999_999_999.0),
        ("Wed, 21 Oct 2026 07:28:30 GMT", "Wed, 21 Oct 2026 07:28:00 GMT", 30.0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:28:30 GMT", 0.0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", "", None),
        ("Wed, 21 Oct 2026 07:28:00 -0000", "Wed, 21 Oct 2026 07:28:30 GMT", None),
        ("-3", "", None),
        ("soon", "", None),
        ("", "", None),
    ],
)
def test_the_time_after_which_a_server_wants_to_be_asked_again(
    told: str, now: str, seconds: float | None
) -> None:
    assert refusal(429, "slow down", {"retry-after": told, "date": now}).retry_after == seconds


def test_long_words_are_cut_in_the_sentence_and_kept_in_the_error() -> None:
    error = refusal(400, "x" * 5000)
    assert len(error.sentence) < 1100
    assert error.sentence.endswith("x…")
    assert error.words == "x" * 5000


FIELDS = ("temperature", "max_tokens", "stream_options")


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ("Unrecognized request argument supplied: stream_options", "stream_options"),
        ("max_tokens must be at least 1, got -1", "max_tokens"),
        ("max_new_tokens must be at least 0, got -1", "max_tokens"),
        ("Use 'max_completion_tokens' instead.", "max_tokens"),
        ('{"loc": ["body","temperature"], "msg": "extra"}', "temperature"),
        ("n_max_tokens_left is odd", ""),
        ("Invalid temperatures", ""),
        ("model 'x' not found", ""),
        ("", ""),
    ],
)
def test_the_field_that_a_refusal_names(words: str, field: str) -> None:
    assert names_field(ServerError("The server refused.", status=400, words=words), FIELDS) == field


@pytest.mark.parametrize("status", [0, 200, 399, 500, 503])
def test_only_a_4xx_is_about_a_field(status: int) -> None:
    assert names_field(ServerError("Refused.", status=status, words="temperature"), FIELDS) == ""


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ('{"error": {"message": "Unsupported", "param": "stop"}}', "stop"),
        ("Field 'n': Value must be between 1 <= value <= 1", "n"),
        ("n must be at least 1", "n"),
        ('{"detail": "line\\nwith \\"seed\\" in it"}', "seed"),
        ('{"detail": "Please stop sending.\\nAsk again."}', ""),
        ("a seed of n plants", ""),
    ],
)
def test_a_name_that_is_a_word_too_stands_where_only_a_name_can(words: str, named: str) -> None:
    error = ServerError("The server refused.", status=400, words=words)
    assert names_field(error, ("n", "stop", "seed")) == named


@pytest.mark.parametrize(
    ("line", "field", "unset"),
    [
        ("/set top_k=5 seed=1", "top_k", "`/unset top_k` leaves it out."),
        ("/set repeat_penalty=1.2", "repetition_penalty", "`/unset repeat_penalty` leaves it out."),
        ("/set enable_thinking=off", "enable_thinking", "`/unset enable_thinking` leaves it out."),
        ("/set extra.foo=1", "foo", "`/unset extra.foo` leaves it out."),
    ],
)
def test_a_refusal_that_names_what_was_set_says_what_unsets_it(
    server: ScriptedServer, line: str, field: str, unset: str
) -> None:
    server.pages["/v1/models"] = models("m", owned_by="vllm")
    server.will(refuse(400, {"error": {"message": f"Unknown field: {field}"}}), answer("yes"))
    ran = session(server.url, line, "hi", unset.split("`")[1], "hi")
    assert unset in ran.screen
    assert ran.said == [("user", "hi"), ("assistant", "yes")]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": "Model does not support images. Please use a model that does."}),
        (
            500,
            {"error": {"code": 500, "message": "image input is not supported - hint: …"}},
        ),
        (400, {"error": {"message": "/models/qwen is not a multimodal model None"}}),
        (404, {"error": {"message": "No endpoints found that support image input", "code": 404}}),
        (404, {"error": "Only 'text' content type is supported."}),
        (422, {"error": {"message": "messages[0]: unknown variant `image_url`, expected `text`"}}),
    ],
)
def test_a_model_without_eyes_is_told_in_the_same_words(status: int, body: dict[str, Any]) -> None:
    error = refusal(status, json.dumps(body))
    assert error.sentence.startswith(f"The model sees no images (HTTP {status}): ")
    assert "/detach" in error.hint
    assert "sees no images" not in refusal(400, '{"error": "the image_url is too large"}').sentence
