"""A turn commits whole, cut short, or not at all; after each of these the next turn works."""

import pytest

from tests.scripted import Reply, ScriptedServer, answer, chunk, models, refuse, serving, sse
from tests.session import Session, session

pytestmark = pytest.mark.each_flavour

PARTIAL = sse(chunk("half an "), chunk("answer"), done=False)

NOT_AT_ALL = {
    "refused": (refuse(400, {"error": "context is full"}), "context is full"),
    "refused in the stream": (Reply(sse({"error": {"message": "crashed"}})), "crashed"),
    "dropped": (Reply(status=0), "broke"),
    "no content": (Reply(sse(chunk(role="assistant"), chunk(finish="stop"))), "empty reply"),
    "reasoning alone": (Reply(sse(chunk(reasoning="hm"), chunk(finish="stop"))), "gave no answer"),
    "not a chat server": (refuse(200, {"error": "Unexpected endpoint or method."}), "Unexpected endpoint"),
}
CUT_SHORT = {
    "early end": (Reply(PARTIAL), "closed the stream early"),
    "connection lost": (Reply(PARTIAL, cut=True), ""),
    "error event": (Reply([*PARTIAL, *sse({"error": {"message": "crashed"}}, done=False)]), "crashed"),
}


def valid(ran: Session) -> bool:
    """Whether roles alternate, as the strictest chat template wants."""
    return [role for role, _ in ran.said] == ["user", "assistant"] * (len(ran.said) // 2)


@pytest.mark.parametrize("name", NOT_AT_ALL)
def test_without_content_nothing_is_committed_and_the_question_comes_back(
    server: ScriptedServer, name: str
) -> None:
    reply, told = NOT_AT_ALL[name]
    server.will(answer("first"), reply)
    if name == "dropped":
        server.will(reply)  # it is asked once more, without max_tokens
    server.will(answer("fine"))
    ran = session(server.url, "hello", "lost?", "again")
    assert told in ran.screen
    assert ran.offered == ["", "", "lost?", ""]
    assert ran.said == [("user", "hello"), ("assistant", "first"), ("user", "again"), ("assistant", "fine")]


@pytest.mark.parametrize("name", CUT_SHORT)
def test_what_came_is_kept_and_marked(server: ScriptedServer, name: str) -> None:
    reply, told = CUT_SHORT[name]
    server.will(reply, answer("fine"))
    ran = session(server.url, "hello", "again")
    assert told in ran.screen
    assert ran.conversation.node(2).message.content == "half an answer"
    assert ran.conversation.node(2).message.cut_short
    assert not ran.conversation.node(4).message.cut_short
    assert ran.offered == ["", "", ""]
    assert valid(ran)


def test_regen_keeps_the_earlier_answer_as_a_sibling(server: ScriptedServer) -> None:
    server.will(answer("one"), answer("two"))
    ran = session(server.url, "hi", "/regen")
    assert ran.said == [("user", "hi"), ("assistant", "two")]
    assert [(n.parent, n.message.content) for n in ran.conversation.nodes] == [
        (0, "hi"),
        (1, "one"),
        (1, "two"),
    ]
    assert [m["content"] for m in server.requests[1].body["messages"]] == ["hi"]


def test_a_failed_regen_leaves_the_conversation_as_it_was(server: ScriptedServer) -> None:
    server.will(answer("one"), refuse(500, "no"), answer("more"))
    ran = session(server.url, "hi", "/retry", "go on")
    assert ran.said == [("user", "hi"), ("assistant", "one"), ("user", "go on"), ("assistant", "more")]
    assert ran.offered[2] == ""


def test_undo_takes_the_last_question_back(server: ScriptedServer) -> None:
    server.will(answer("one"), answer("two"), answer("three"))
    ran = session(server.url, "a", "b", "/undo", "c")
    assert ran.said == [("user", "a"), ("assistant", "one"), ("user", "c"), ("assistant", "three")]


def test_clear_keeps_parameters_and_system_prompt(server: ScriptedServer) -> None:
    server.will(answer("one"), answer("two"))
    session(server.url, "/system Be kind.", "/top_k 3", "a", "/new", "b")
    body = server.requests[1].body
    assert body["messages"] == [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "b"}]
    assert body["top_k"] == 3


def test_an_unknown_command_is_not_sent(server: ScriptedServer) -> None:
    server.will(answer("yes"))
    ran = session(server.url, "/temprature 1", "/help", "//etc is a path", "/etc/hosts is one too")
    assert "Did you mean /temperature?" in ran.screen
    assert [r.body["messages"][-1]["content"] for r in server.requests] == [
        "/etc is a path",
        "/etc/hosts is one too",
    ]


@pytest.mark.parametrize(
    "command", ["/undo", "/regen", "/set top_p 7", "/set nonsense 1", "/server 99", "/clear now"]
)
def test_a_refused_command_changes_nothing(server: ScriptedServer, command: str) -> None:
    before = session(server.url, "/help")
    ran = session(server.url, command)
    assert ran.chat.sampling == before.chat.sampling
    assert ran.conversation == before.conversation
    assert ran.chat.connection.address == before.chat.connection.address
    assert "Traceback" not in ran.screen


def test_a_question_comes_back_as_it_has_to_be_typed(server: ScriptedServer) -> None:
    server.will(refuse(500, "no"))
    ran = session(server.url, "//etc/foo", '"""\n/undo\n"""')
    assert ran.offered[1:] == ["/etc/foo", "//undo"]


def test_tool_calls_beside_an_answer_are_shown(server: ScriptedServer) -> None:
    call = {"index": 0, "function": {"name": "look_up", "arguments": '{"q": 1}'}}
    server.will(sse(chunk("Wait."), chunk(tool_calls=[call]), chunk(finish="tool_calls")))
    ran = session(server.url, "hi")
    assert 'The model asks for look_up({"q": 1}); llmchat never runs it.' in ran.screen
    assert ran.said == [("user", "hi"), ("assistant", "Wait.")]


def test_half_characters_become_signs(server: ScriptedServer) -> None:
    server.will([b'data: {"choices": [{"delta": {"content": "a\\ud800b \\ud83d\\ude00"}}]}\n\n', *answer()])
    assert session(server.url, "hi").said[1] == ("assistant", "a\N{REPLACEMENT CHARACTER}b \N{GRINNING FACE}")


@pytest.mark.parametrize(("shown", "there"), [("hide", False), ("show", True)])
def test_reasoning_is_shown_as_the_setting_says(server: ScriptedServer, shown: str, there: bool) -> None:
    server.will(sse(chunk(reasoning="Let me see."), chunk("Yes."), chunk(finish="stop")))
    ran = session(server.url, f"/settings reasoning {shown}", "hi", rendered=True)
    assert ("Let me see." in ran.screen) is there


def test_another_server_and_model_go_on_with_the_conversation_under_their_own_names(
    server: ScriptedServer,
) -> None:
    server.pages["/v1/models"] = models("small", owned_by="llamacpp")
    server.will(answer("Stripes."))
    with serving() as other:
        other.pages["/v1/models"] = models("big", "bigger", owned_by="vllm", max_model_len=4096)
        other.will(answer("Grass."), answer("Africa."))
        ran = session(
            server.url,
            "/set repeat_penalty=1.2 temperature=0.3 repeat_last_n=32 max_tokens=-1",
            "What has a zebra?",
            f"/server {other.url}",
            "What does it eat?",
            "/model bigger",
            "Where?",
        )
    before, (first, second) = server.requests[0].body, (request.body for request in other.requests)
    assert (before["repeat_penalty"], before["repeat_last_n"], before["max_tokens"]) == (1.2, 32, -1)
    for body, model in ((first, "big"), (second, "bigger")):
        assert (body["model"], body["repetition_penalty"], body["temperature"]) == (model, 1.2, 0.3)
        assert not {"repeat_penalty", "max_tokens"} & set(body)
    assert [message["content"] for message in second["messages"]] == [
        "What has a zebra?",
        "Stripes.",
        "What does it eat?",
        "Grass.",
        "Where?",
    ]
    assert [content for _, content in ran.said][-1] == "Africa."
