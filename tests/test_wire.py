"""What goes over the wire: whole conversations against a scripted server, in both flavours."""

from typing import Any

import pytest

from llmchat import complete
from llmchat.config.settings import Settings, with_url
from llmchat.errors import ServerError, UnreachableError, UsageError
from tests.scripted import Reply, ScriptedServer, answer, chunk, models, page, refuse, serving, sse, usage
from tests.session import session, settings_for

pytestmark = pytest.mark.each_flavour

DEFAULTS = {
    "model": "qwen2.5-coder-3b-instruct",
    "temperature": 0.7,
    "max_tokens": -1,
    "stream": True,
    "stream_options": {"include_usage": True},
}
VLLM = "max_tokens must be at least 1, got -1."
SGLANG = "max_new_tokens must be at least 0, got -1."
TEXTGEN = {"detail": [{"loc": ["body", "max_tokens"], "msg": "max_tokens must be greater than 0."}]}
OPENAI = "Unsupported value: 'temperature' does not support 0.7 with this model."


def lmstudio(server: ScriptedServer, **states: str) -> None:
    """Give the server LM Studio's pages, with these models and their states."""
    rows = [{"id": id, "type": "llm", "state": state} for id, state in states.items()]
    server.pages["/v1/models"] = models(*states)
    server.pages["/api/v0/models"] = page({"object": "list", "data": rows})


def test_every_turn_sends_all_earlier_messages(server: ScriptedServer) -> None:
    server.will(answer("one"), answer("two"), answer("three"))
    session(server.url, "a", "b", "c")
    assert [[m["content"] for m in r.body["messages"]] for r in server.requests] == [
        ["a"],
        ["a", "one", "b"],
        ["a", "one", "b", "two", "c"],
    ]
    assert [m["role"] for m in server.requests[2].body["messages"]] == [
        "user", "assistant", "user", "assistant", "user",
    ]  # fmt: skip


def test_the_four_defaults_and_nothing_else_are_sent(server: ScriptedServer) -> None:
    server.will(answer("yes"))
    session(server.url, "hi")
    assert server.requests[0].body == {**DEFAULTS, "messages": [{"role": "user", "content": "hi"}]}
    assert server.requests[0].path == "/v1/chat/completions"


def test_only_what_was_set_is_sent_besides(server: ScriptedServer) -> None:
    server.will(answer("yes"))
    session(
        server.url,
        "/set top_k=40 seed=7",
        "/temperature 0",
        "/system Be kind.",
        "hi",
        "/top_k default",
        "again",
    )
    first, second = (r.body for r in server.requests)
    assert {k: first[k] for k in first if k not in DEFAULTS} == {
        "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "hi"}],
        "top_k": 40,
        "seed": 7,
    }
    assert "top_k" not in second


def test_float_parameters_go_out_as_floats(server: ScriptedServer) -> None:
    server.will(answer("yes"))
    session(server.url, "/temperature 0", "/top_p 1", "hi")
    body = server.requests[0].body
    assert [type(body[name]) for name in ("temperature", "top_p")] == [float, float]


def test_streams_close_their_connection_and_want_no_compression(server: ScriptedServer) -> None:
    server.will(answer("yes"))
    session(server.url, "hi")
    sent = server.requests[0].headers
    assert sent["connection"] == "close"
    assert sent["accept-encoding"] == "identity"
    assert "authorization" not in sent


@pytest.mark.parametrize(
    ("status", "body", "field"),
    [
        (400, {"error": {"message": VLLM}}, "max_tokens"),
        (400, {"object": "error", "message": SGLANG, "code": 400}, "max_tokens"),
        (422, TEXTGEN, "max_tokens"),
        (400, {"error": {"message": OPENAI, "param": "temperature"}}, "temperature"),
        (400, {"error": "unknown field stream_options"}, "stream_options"),
    ],
)
def test_a_refused_default_is_left_out_once_and_for_all(
    server: ScriptedServer, status: int, body: dict[str, Any], field: str
) -> None:
    server.will(refuse(status, body), answer("fine"))
    ran = session(server.url, "hi", "more")
    with_field, without, later = (r.body for r in server.requests)
    assert field in with_field
    assert field not in without
    assert {k: v for k, v in with_field.items() if k != field} == without
    assert field not in later
    assert ran.screen.count(f"does not take {field}") == 1
    assert ran.said[1] == ("assistant", "fine")


def test_a_field_that_the_user_set_is_never_left_out(server: ScriptedServer) -> None:
    server.will(refuse(400, {"error": {"message": OPENAI}}))
    ran = session(server.url, "/temperature 0.3", "hi")
    assert len(server.requests) == 1
    assert "does not support 0.7" in ran.screen
    assert ran.offered[-1] == "hi"


def test_a_connection_dropped_over_max_tokens_is_tried_once_without(server: ScriptedServer) -> None:
    """mlx_lm validates in a way that ends the connection instead of answering."""
    server.will(Reply(status=0), answer("fine"))
    ran = session(server.url, "hi")
    assert ["max_tokens" in r.body for r in server.requests] == [True, False]
    assert ran.said == [("user", "hi"), ("assistant", "fine")]


def test_a_server_that_sends_whole_completions_is_understood(server: ScriptedServer) -> None:
    whole = {
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "whole"}, "finish_reason": "stop"}
        ]
    }
    server.will(refuse(200, whole))
    assert session(server.url, "hi").said == [("user", "hi"), ("assistant", "whole")]


def test_every_choice_becomes_a_sibling_and_is_shown(server: ScriptedServer) -> None:
    server.will(
        sse(chunk("left"), chunk("right", index=1), chunk(finish="stop"), chunk(index=1, finish="stop"))
    )
    ran = session(server.url, "/set n 2", "hi")
    assert [(n.parent, n.message.content) for n in ran.conversation.nodes] == [
        (0, "hi"),
        (1, "left"),
        (1, "right"),
    ]
    assert "right" in ran.screen


@pytest.mark.parametrize(
    "events",
    [
        [chunk(reasoning_content="hm"), chunk("yes")],
        [chunk(reasoning="hm"), chunk("yes")],
        [chunk("<think>hm"), chunk("</think>\n\nyes")],
        [chunk("hm\n"), chunk("</think>\n\n"), chunk("yes")],
    ],
)
def test_reasoning_is_kept_apart_and_never_sent_back(server: ScriptedServer, events: list[Any]) -> None:
    server.will(sse(*events, chunk(finish="stop")), answer("more"))
    ran = session(server.url, "hi", "go on")
    message = ran.conversation.node(2).message
    assert (message.content, message.reasoning.strip()) == ("yes", "hm")
    assert [m["content"] for m in server.requests[1].body["messages"]] == ["hi", "yes", "go on"]


def test_tool_calls_are_shown_and_not_run(server: ScriptedServer) -> None:
    call = {"index": 0, "function": {"name": "rm", "arguments": "{}"}}
    server.will(sse(chunk(tool_calls=[call]), chunk(finish="tool_calls")))
    ran = session(server.url, "hi")
    assert "rm" in ran.screen
    assert ran.said == []
    assert ran.offered[-1] == "hi"


def test_usage_and_timings_are_told(server: ScriptedServer) -> None:
    last = {**usage(9, 4), "timings": {"predicted_per_second": 123.4}}
    server.will(sse(chunk("a b c d"), chunk(finish="stop"), last))
    ran = session(server.url, "hi", rendered=True)
    assert "4 tokens · 123 tokens/s · first after" in ran.screen


def test_the_loaded_model_is_taken_when_none_was_named(server: ScriptedServer) -> None:
    lmstudio(server, sleepy="not-loaded", awake="loaded")
    server.will(answer("yes"))
    session(server.url, "hi")
    assert server.requests[0].body["model"] == "awake"


def test_a_named_model_is_sent_whatever_is_loaded(server: ScriptedServer) -> None:
    lmstudio(server, awake="loaded", other="not-loaded")
    server.will(answer("yes"))
    session(server.url, "/model oth", "hi")
    assert server.requests[0].body["model"] == "other"


def test_a_redirect_is_shown_and_not_followed(server: ScriptedServer) -> None:
    server.will(Reply(status=302, headers={"Location": "http://elsewhere.example/"}))
    ran = session(server.url, "hi")
    assert "http://elsewhere.example/" in ran.screen
    assert len(server.requests) == 1


def test_a_key_goes_to_the_server_of_the_start_and_to_no_other(server: ScriptedServer) -> None:
    with serving() as other:
        server.will(answer("yes"))
        other.will(answer("yes"))
        settings = with_url(Settings(program_key="secret", openai_key="sk-other"), server.url)
        ran = session(server.url, "hi", f"/server {other.url}", "hi", settings=settings)
        assert server.requests[0].headers["authorization"] == "Bearer secret"
        assert all("authorization" not in r.headers for r in [*other.requests, *other.others])
        assert "secret" not in ran.screen


def test_the_conversation_and_parameters_stay_when_the_server_changes(server: ScriptedServer) -> None:
    with serving() as other:
        server.will(answer("yes"))
        other.pages["/v1/models"] = models("m", owned_by="vllm")
        other.will(answer("no"))
        session(server.url, "/repeat_penalty 1.1", "hi", f"/server {other.url}", "more")
        body = other.requests[0].body
        assert [m["content"] for m in body["messages"]] == ["hi", "yes", "more"]
        assert body["repetition_penalty"] == 1.1
        assert "max_tokens" not in body


def test_complete_returns_every_choice(server: ScriptedServer) -> None:
    server.will(sse(chunk("left"), chunk("right", index=1), chunk(finish="stop")))
    got = complete([{"role": "user", "content": "hi"}], url=server.url, temperature=0, n=2)
    assert got == [{"role": "assistant", "content": "left"}, {"role": "assistant", "content": "right"}]
    body = server.requests[0].body
    assert (body["temperature"], body["n"], body["max_tokens"]) == (0.0, 2, -1)


def test_complete_has_the_programs_fallbacks_and_errors(server: ScriptedServer) -> None:
    server.will(refuse(400, {"error": {"message": VLLM}}), answer("fine"), refuse(500, "broken"))
    ask = [{"role": "user", "content": "hi"}]
    assert complete(ask, url=server.url)[0]["content"] == "fine"
    with pytest.raises(ServerError, match="broken"):
        complete(ask, url=server.url)
    with pytest.raises(UsageError, match="from 0 to 2"):
        complete(ask, url=server.url, temperature=3)
    with pytest.raises(UnreachableError):
        complete(ask, url="127.0.0.1:9")


@pytest.mark.parametrize("messages", ["hi", {"role": "user"}, [], ["hi"], [{"content": "hi"}], None])
def test_complete_says_what_messages_are(messages: Any) -> None:
    with pytest.raises(UsageError, match="a list of messages") as raised:
        complete(messages)
    assert '[{"role": "user"' in raised.value.hint


def test_complete_takes_what_python_has(server: ScriptedServer) -> None:
    server.will(answer("fine"))
    asked = {"role": "user", "content": "hi"}
    assert complete(iter([asked]), url=server.url, temperature=None, seed=None)[0]["content"] == "fine"  # type: ignore[arg-type]
    body = server.requests[0].body
    assert (body["messages"], body["temperature"], "seed" in body) == ([asked], 0.7, False)
    with pytest.raises(UsageError, match="JSON cannot hold"):
        complete([{"role": "user", "content": b"hi"}], url=server.url)
    with pytest.raises(UsageError, match="no server address"):
        complete([asked], url="")


def test_flags_reach_the_request(server: ScriptedServer) -> None:
    server.will(answer("yes"))
    session(server.url, "hi", settings=settings_for(server.url, temperature=0.1, stop="###"))
    assert (server.requests[0].body["temperature"], server.requests[0].body["stop"]) == (0.1, ["###"])


def test_a_parameter_that_would_be_refused_is_left_out_and_told_once(server: ScriptedServer) -> None:
    server.pages["/health/liveliness"] = Reply([b"I'm alive!"])
    server.will(answer("yes"))
    ran = session(server.url, "/models", "/mirostat 2", "/seed 7", "hi", "again")
    assert "mirostat is 2 (left out: LiteLLM does not know it)." in ran.screen
    assert ran.screen.count("LiteLLM does not know mirostat: left out.") == 1
    assert all("mirostat" not in r.body and r.body["seed"] == 7 for r in server.requests)
