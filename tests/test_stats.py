"""What is told of a reply's speed, and how much the model thinks."""

import pytest

from tests.scripted import ScriptedServer, answer, chunk, models, sse, usage
from tests.session import session

# As llama.cpp sends it with a draft model.
TIMINGS = {
    "cache_n": 5,
    "prompt_n": 4,
    "prompt_ms": 2.0,
    "prompt_per_second": 2000.0,
    "predicted_n": 20,
    "predicted_ms": 200.0,
    "predicted_per_second": 100.0,
    "draft_n": 16,
    "draft_n_accepted": 12,
}


def test_the_numbers_of_a_reply_are_told(server: ScriptedServer) -> None:
    last = usage(9, 20, prompt_tokens_details={"cached_tokens": 5}) | {"timings": TIMINGS}
    server.will(sse(chunk("Yes."), chunk(finish="stop"), last))
    screen = session(server.url, "hi", "/stats").screen
    for fact in (
        "9 tokens, 5 of them cached",
        "read at            2,000.0 tokens/s",
        "20 tokens",
        "100.0 tokens/s",
        "12 of 16 tokens accepted (75%)",
    ):
        assert fact in screen


def test_every_reply_of_the_session_has_a_row(server: ScriptedServer) -> None:
    server.will(
        sse(chunk("a"), chunk(finish="stop"), usage(9, 20)),
        sse(chunk("b"), chunk(finish="stop"), usage(32, 7)),
    )
    screen = session(server.url, "hi", "/clear", "more", "/stats all").screen
    table = screen.partition("> /stats all")[2].splitlines()
    assert table[1].split()[:2] == ["prompt", "reply"]  # nothing was told of the others
    assert [row.split()[:3] for row in table[2:4]] == [["1", "9", "20"], ["2", "32", "7"]]


def test_after_a_new_conversation_there_is_no_last_reply(server: ScriptedServer) -> None:
    server.will(answer("a"))
    assert "There is no reply yet." in session(server.url, "hi", "/clear", "/stats").screen


# The kind of server by its list, the line, and the fields that are sent then.
THINKING = [
    ("llamacpp", "/think off", {"chat_template_kwargs": {"enable_thinking": False}}),
    ("llamacpp", "/think on", {"chat_template_kwargs": {"enable_thinking": True}}),
    (
        "vllm",
        "/think low",
        {"chat_template_kwargs": {"enable_thinking": True}, "reasoning_effort": "low"},
    ),
    ("library", "/think off", {"reasoning_effort": "none"}),
    ("library", "/think on", {"reasoning_effort": "medium"}),
    ("library", "/think high", {"reasoning_effort": "high"}),
    ("library", "/set think low", {"reasoning_effort": "low"}),
    ("library", "/set nothink", {"reasoning_effort": "none"}),
    ("vllm", "/think auto", {}),
]


@pytest.mark.parametrize(("owner", "line", "fields"), THINKING)
def test_thinking_is_sent_as_the_server_takes_it(
    server: ScriptedServer, owner: str, line: str, fields: dict[str, object]
) -> None:
    server.pages["/v1/models"] = models("m", owned_by=owner)
    server.will(answer("yes"))
    ran = session(server.url, "/models", "/set reasoning_effort minimal", line, "hi")
    sent = server.requests[-1].body
    assert {
        name: sent[name] for name in ("chat_template_kwargs", "reasoning_effort") if name in sent
    } == fields
    if fields:
        assert "sent." in ran.screen.partition(line)[2]


def test_thinking_is_shown_and_taken_back_in_one_step(server: ScriptedServer) -> None:
    server.pages["/v1/models"] = models("m", owned_by="vllm")
    screen = session(server.url, "/models", "/think high", "/think", "/params undo", "/think").screen
    assert screen.count("enable_thinking=on and reasoning_effort=high are sent.") == 2
    assert screen.endswith("How much it thinks is left to the model.\n")


def test_a_model_that_is_known_not_to_think_is_named(server: ScriptedServer) -> None:
    server.pages["/v1/models"] = models("m", supported_parameters=["temperature"])
    assert "this model does not think" in session(server.url, "/models", "/think on").screen
    assert "Thinking is auto, on, off" in session(server.url, "/think much").screen
