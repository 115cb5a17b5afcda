"""How a reply ended is told in words: which limit it was, what was skipped, why there is no answer."""

from typing import Any

import pytest

from llmchat.ending import Ending
from llmchat.messages import Message, Reply, ToolCall, Usage
from tests.scripted import Reply as Answer
from tests.scripted import ScriptedServer, answer, chunk, models, refuse, sse, usage
from tests.session import session

pytestmark = pytest.mark.each_flavour

ANSWER = Message("assistant", "half")


def ended(
    reason: str,
    tokens: tuple[int, int] | None = None,
    *,
    window: int | None = None,
    choices: int = 1,
    **sent: Any,
) -> Ending:
    """A reply that ended so, with these tokens in the prompt and in the reply."""
    reply = Reply((ANSWER,) * choices, (reason,) * choices, Usage(*tokens) if tokens else None)
    return Ending(reply, sent, window)


GO_ON = "`/continue` goes on, `/max_tokens` sets another limit."
TAKE_BACK = "`/compact` or `/forget` makes room, `/clear` starts anew."

# How it ended, and what is said of it.
LIMITS: dict[str, tuple[Ending, str]] = {
    "max_tokens": (ended("length", (90, 64), max_tokens=64), f"max_tokens (64) ended the answer: {GO_ON}"),
    "OpenAI's name of it": (
        ended("length", (90, 64), max_completion_tokens=64),
        f"max_tokens (64) ended the answer: {GO_ON}",
    ),
    "LM Studio counts one less": (
        ended("length", (90, 63), max_tokens=64, window=4096),
        f"max_tokens (64) ended the answer: {GO_ON}",
    ),
    "several choices, counted together": (
        ended("length", (90, 128), max_tokens=64, choices=2),
        f"max_tokens (64) ended the answer: {GO_ON}",
    ),
    "the context window": (
        ended("length", (4000, 96), max_tokens=-1, window=4096),
        f"The context window (4,096 tokens) ended the answer: {TAKE_BACK}",
    ),
    "the context window before max_tokens": (
        ended("length", (4000, 95), max_tokens=512, window=4096),
        f"The context window (4,096 tokens) ended the answer: {TAKE_BACK}",
    ),
    "mlx_lm's own 512": (
        ended("length", (90, 512), window=4096),
        f"A limit of the server's own ended the answer: {GO_ON}",
    ),
    "no window known": (
        ended("length", (90, 512), max_tokens=-1),
        f"A limit of the server's own, or the context window, ended the answer: {GO_ON}",
    ),
    "no tokens told": (
        ended("length", max_tokens=64),
        f"max_tokens (64) or the context window ended the answer: {GO_ON}",
    ),
    "nothing known": (ended("length"), f"The context window ended the answer: {TAKE_BACK}"),
    "a filter": (ended("content_filter"), "The server's content filter ended the answer."),
}


@pytest.mark.parametrize("case", LIMITS)
def test_the_limit_that_ended_a_reply_is_told(case: str) -> None:
    ending, told = LIMITS[case]
    assert ending.remarks() == [told]


@pytest.mark.parametrize("reason", ["stop", "tool_calls", ""])
def test_nothing_is_said_of_a_reply_that_is_as_it_should_be(reason: str) -> None:
    assert ended(reason, (90, 64), max_tokens=64, window=64).remarks() == []


def test_it_is_told_that_events_were_skipped() -> None:
    assert Ending(Reply((ANSWER,)), {}, skipped=1).remarks() == ["1 event was skipped, being no JSON."]
    assert Ending(Reply((ANSWER,)), {}, skipped=2000).remarks() == [
        "2,000 events were skipped, being no JSON."
    ]


def empty(reason: str = "stop", **message: Any) -> Ending:
    return Ending(Reply((Message("assistant", "", **message),), (reason,)), {"max_tokens": 64})


@pytest.mark.parametrize(
    ("ending", "continued", "told"),
    [
        (empty(), False, "The server sent an empty reply."),
        (empty(), True, "The model has nothing to add to its answer."),
        (empty(reasoning="hm"), False, "The model thought, and gave no answer."),
        (
            empty("length", reasoning="hm"),
            False,
            "max_tokens (64) or the context window ended the reply before its answer.",
        ),
        (empty(tool_calls=(ToolCall("rm", "{}"),)), False, "The model only asks for a tool call (rm)"),
    ],
)
def test_why_there_is_no_answer(ending: Ending, continued: bool, told: str) -> None:
    assert told in ending.emptiness(continued=continued).sentence


# In a session.


def test_the_window_that_the_server_tells_counts(server: ScriptedServer) -> None:
    server.pages["/v1/models"] = models("m", owned_by="vllm", max_model_len=100)
    server.will(sse(chunk("half"), chunk(finish="length"), usage(80, 20)))
    assert "The context window (100 tokens) ended the answer" in session(server.url, "hi").screen


def test_going_on_is_offered_and_works(server: ScriptedServer) -> None:
    server.pages["/v1/models"] = models("m", owned_by="llamacpp")
    server.will(Answer(sse(chunk("half an "), done=False)), answer("answer"))
    ran = session(server.url, "hi", "/continue")
    assert "`/continue` goes on with it." in ran.screen
    assert ran.said == [("user", "hi"), ("assistant", "half an answer")]
    assert server.requests[1].body["messages"][-1] == {"role": "assistant", "content": "half an "}


def test_what_became_of_a_broken_answer_is_told_below_the_error(server: ScriptedServer) -> None:
    server.will(Answer(sse("oops", chunk("half an "), done=False)))
    shown = session(server.url, "hi").screen
    order = ["half an", "closed the stream early", "What came is kept, marked as cut short", "1 event was"]
    places = [shown.index(each) for each in order]
    assert places == sorted(places)


def test_skipped_events_are_told_and_the_reply_is_whole(server: ScriptedServer) -> None:
    server.will(sse("oops", chunk("Hi"), "{", chunk(finish="stop")))
    ran = session(server.url, "hi")
    assert "2 events were skipped, being no JSON." in ran.screen
    assert not ran.conversation.node(2).message.cut_short


def test_the_last_error_is_shown_whole(server: ScriptedServer) -> None:
    words = "\n".join(f"line {number} \x1b[2J" for number in range(100))
    server.will(refuse(500, words), answer("fine"))
    ran = session(server.url, "/last-error", "hi", "/nonsense", "again", "/last-error")
    before, after = ran.screen.split("> again")
    assert "There was no error." in before
    assert "line 5" in before
    assert "line 6" not in before
    assert "`/last_error` shows it whole." in before
    assert "HTTP 500:" in after
    assert all(f"line {number} ␛[2J" in after for number in range(100))


def test_the_last_error_may_be_of_one_lane(server: ScriptedServer) -> None:
    server.will(answer("cold"), refuse(500, "\n".join(f"line {number}" for number in range(9))))
    ran = session(server.url, "/sweep temperature=0,1 -- why?", "/last-error")
    assert "HTTP 500:\n\nline 0\n" in ran.screen.split("> /last-error")[1]


def test_the_last_error_may_be_of_the_the_connection() -> None:
    ran = session("127.0.0.1:9", "hi", "/last-error")
    told = ran.screen.split("> /last-error")[1]
    assert "No server answers at http://127.0.0.1:9." in told
    assert "refused" in told
