"""The real program in a real pty; after each mishap the next turn works."""

from pathlib import Path

import pytest

from tests.scripted import Reply, ScriptedServer, answer, chunk, page, refuse, serving, sse
from tests.terminal import terminal

SLOW = Reply([*sse(chunk("Once upon "), chunk("a time"), done=False)], hold=True)
NOWHERE = "127.0.0.1:9"
CTRL_C, CTRL_D = "\x03", "\x04"


def test_a_reply_is_shown_as_markdown_and_the_prompt_comes_back(server: ScriptedServer, home: Path) -> None:
    server.will(answer("Some **bold** text.\n\n", "```python\nprint(1)\n```\n"))
    with terminal("-u", server.url, home=home) as screen:
        screen.wait_for_prompt()
        screen.line("hi")
        screen.wait_for("print(1)")
        shown = screen.wait_for_prompt()
        assert "Some bold text." in shown
        assert "**" not in shown
        assert shown.splitlines()[0] == "> hi"


@pytest.mark.each_flavour
def test_ctrl_c_stops_a_reply_keeps_what_came_and_hangs_up(server: ScriptedServer, home: Path) -> None:
    server.will(SLOW, answer("fine"))
    with terminal("-u", server.url, home=home) as screen:
        screen.wait_for_prompt()
        screen.line("hi")
        screen.wait_for("Once upon a time")
        screen.type(CTRL_C)
        assert server.requests[0].hung_up.wait(5)
        screen.wait_for("marked as cut short")
        screen.wait_for_prompt()
        screen.line("go on")
        screen.wait_for("fine")
        screen.wait_for_prompt()
    contents = [m["content"] for m in server.requests[1].body["messages"]]
    assert contents == ["hi", "Once upon a time", "go on"]


def test_ctrl_c_before_any_word_gives_the_question_back(server: ScriptedServer, home: Path) -> None:
    server.will(Reply([], hold=True), answer("fine"))
    with terminal("-u", server.url, home=home) as screen:
        screen.wait_for_prompt()
        screen.line("a long question")
        screen.wait_until(lambda _: bool(server.requests), "the request")
        screen.type(CTRL_C)
        screen.wait_until(lambda _: screen.cursor_line == "> a long question", "the question")
        assert server.requests[0].hung_up.wait(5)
        screen.line(", changed")
        screen.wait_for("fine")
    assert server.requests[1].body["messages"] == [{"role": "user", "content": "a long question, changed"}]


def test_ctrl_c_stops_the_wait_for_a_server_that_has_not_answered_at_all(home: Path) -> None:
    with serving() as server:
        server.will(Reply(wait=20.0))
        with terminal("-u", server.url, home=home) as screen:
            screen.wait_for_prompt()
            screen.line("hi")
            screen.wait_for("waiting 1 s")
            screen.type(CTRL_C)
            screen.wait_for("Stopped before an answer came.")
            screen.wait_until(lambda _: screen.cursor_line == "> hi", "the question")
            assert server.requests[0].hung_up.wait(5)


def test_ctrl_c_at_the_prompt_clears_the_line(server: ScriptedServer, home: Path) -> None:
    server.will(answer("fine"))
    with terminal("-u", server.url, home=home) as screen:
        screen.wait_for_prompt()
        screen.type("never mind")
        screen.wait_until(lambda _: screen.cursor_line == "> never mind", "the text")
        screen.type(CTRL_C)
        screen.wait_for_prompt()
        screen.type(CTRL_C)
        screen.wait_for("Ctrl-D or /exit leaves.")
        screen.wait_for_prompt()
        screen.line("hi")
        screen.wait_for("fine")


@pytest.mark.parametrize("keys", [CTRL_D, "/exit\r", "/quit\r", "/bye\r"])
def test_leaving(home: Path, keys: str) -> None:
    with terminal("-u", NOWHERE, home=home) as screen:
        screen.wait_for_prompt()
        screen.type(keys)
        assert screen.wait_for_end() == 0


@pytest.mark.each_flavour
@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (refuse(400, {"error": "the context is full"}), "the context is full"),
        (Reply(status=0), "broke"),
    ],
)
def test_a_refused_or_lost_question_is_back_at_the_prompt(
    server: ScriptedServer, home: Path, reply: Reply, told: str
) -> None:
    server.will(reply, reply, answer("fine"))
    with terminal("-u", server.url, "-p", "max_tokens=-1", home=home) as screen:
        screen.wait_for_prompt()
        screen.line("important")
        screen.wait_for(told)
        screen.wait_until(lambda _: screen.cursor_line == "> important", "the question")
        screen.type("\r")
        screen.wait_until(lambda _: len(server.requests) == 2, "the second request")
        screen.wait_until(lambda shown: shown.count(told) == 2, told)
        screen.wait_until(lambda _: screen.cursor_line == "> important", "the question")
        screen.type("\r")
        screen.wait_for("fine")


def test_no_server_the_prompt_is_there_and_a_found_one_can_be_taken(home: Path) -> None:
    with terminal("-u", NOWHERE, home=home) as screen:
        screen.wait_for_prompt()
        shown = screen.wait_for("No server answers at http://127.0.0.1:9.")
        assert "/server demo" in shown
        screen.line("hi")
        screen.wait_until(lambda text: text.count("> hi") == 2, "the question again")
        with serving() as server:
            server.pages["/v1/models"] = page({"data": [{"id": "a-model", "owned_by": "vllm"}]})
            server.will(answer("fine"))
            screen.type(CTRL_C)
            screen.line(f"/server {server.url}")
            screen.wait_for(f"vLLM at {server.url} · model a-model")
            screen.line("hi")
            screen.wait_for("fine")
    assert server.requests[0].body["model"] == "a-model"


def test_what_is_typed_while_a_reply_streams_stands_at_the_next_prompt(home: Path) -> None:
    with serving() as server:
        slowly = Reply([*sse(chunk("Once "), done=False), 1.0, *sse(chunk("more"), chunk(finish="stop"))])
        server.will(slowly, answer("fine"))
        with terminal("-u", server.url, home=home) as screen:
            screen.wait_for_prompt()
            screen.line("hi")
            screen.wait_for("Once")
            screen.type("and thex\x7fn")
            screen.wait_for("Once more")
            shown = screen.wait_until(lambda _: screen.cursor_line == "> and then", "what was typed")
            assert shown.count("and the") == 1
            screen.type("\r")
            screen.wait_for("fine")
    assert server.requests[1].body["messages"][-1]["content"] == "and then"
