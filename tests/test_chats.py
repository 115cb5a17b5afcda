"""Branches, earlier conversations and files: every command of them, as a conversation."""

import ast
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmchat.launch.opening import STORE
from llmchat.local import engine
from llmchat.messages import Conversation, Message
from llmchat.store import scripts
from llmchat.store.records import Request
from tests.scripted import ScriptedServer, answer, chunk, models, refuse, serving, sse, usage
from tests.session import Session, session, settings_for
from tests.terminal import terminal

EXPORTS = ("chat.md", "chat.json", "chat.jsonl", "chat.html", "chat.py", "chat.sh")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where files are written."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def practice() -> Iterator[str]:
    """The URL of a llama.cpp server with the practice model."""
    with contextlib.closing(engine.start_practice()) as running:
        yield running.url


def contents(ran: Session) -> list[str]:
    return [content for _, content in ran.said]


def test_the_head_moves_and_nothing_is_overwritten(server: ScriptedServer) -> None:
    server.will(answer("one"), answer("two"), answer("three"), answer("four"))
    ran = session(
        server.url,
        "a",
        "/regen",
        "/pick 1",
        "b",
        "/goto 3",
        "/pick 7",
        "/goto 99",
        "/goto #1",
        "/pick #2",
        "c",
    )
    assert contents(ran) == ["a", "one", "c", "four"]
    assert [n.message.content for n in ran.conversation.nodes] == [
        "a",
        "one",
        "two",
        "b",
        "three",
        "c",
        "four",
    ]
    assert "There is no answer 7." in ran.screen
    assert "There is no message 99." in ran.screen


def test_the_tree_is_drawn_with_its_head(server: ScriptedServer) -> None:
    server.will(answer("one"), answer("two"), refuse(400, "no"), answer("three"))
    ran = session(server.url, "a", "/regen", "lost", "b", "/goto 2", "/tree")
    rows = [line.rstrip() for line in ran.screen.rpartition("/tree")[2].splitlines() if line.strip()]
    assert rows[1:-1] == [
        "   1  user: a",
        "*  2  ├─ assistant: one",
        "   3  └─ assistant: two",
        "   4     ├─ user: lost (failed)",
        "   5     └─ user: b",
        "   6        assistant: three",
    ]


def test_regen_takes_parameters_for_once(server: ScriptedServer) -> None:
    server.will(answer("one"))
    ran = session(server.url, "a", "/regen temperature=1.5 seed=7", "/regen", "/info 3")
    assert [r.body["temperature"] for r in server.requests] == [0.7, 1.5, 0.7]
    assert [r.body.get("seed") for r in server.requests] == [None, 7, None]
    assert "temperature=1.5 seed=7" in ran.screen


def test_undo_takes_back_several(server: ScriptedServer) -> None:
    server.will(answer("yes"))
    ran = session(server.url, "a", "b", "c", "/undo 2", "/undo 5", "/undo x")
    assert contents(ran) == ["a", "yes"]
    assert "There are not 5 questions" in ran.screen


def test_an_edited_question_is_asked_beside_the_old_one(server: ScriptedServer) -> None:
    server.will(answer("one"), answer("two"), answer("three"), answer("four"))
    ran = session(server.url, "a", "b", "/edit 1", "A", "/edit last", "A!", "/edit", "next")
    assert contents(ran) == ["A!", "four", "next", "four"]
    assert [n.parent for n in ran.conversation.nodes if n.message.role == "user"] == [0, 2, 0, 0, 8]
    assert "[editing 'A']" in ran.screen


def test_an_edited_answer_is_what_the_model_goes_on_with(server: ScriptedServer) -> None:
    server.pages["/v1/models"] = models("m", owned_by="llamacpp")
    server.will(answer("One"), answer(", drei"), answer("yes"))
    ran = session(server.url, "count", "/edit reply", "Eins, zwei", "/continue", "thanks")
    assert contents(ran) == ["count", "Eins, zwei, drei", "thanks", "yes"]
    assert server.requests[1].body["messages"][-1] == {"role": "assistant", "content": "Eins, zwei"}


def test_an_editor_that_changes_nothing_sends_nothing(server: ScriptedServer) -> None:
    server.will(answer("one"))
    ran = session(server.url, "a", "/edit last", "a", "/edit", " ")
    assert len(server.requests) == 1
    assert "Nothing was changed." in ran.screen


def test_a_fork_is_a_conversation_of_its_own(server: ScriptedServer) -> None:
    server.will(answer("one"), answer("two"), answer("three"), answer("four"))
    ran = session(server.url, "a", "/regen", "b", "/fork Other", "c", "/request 2", "/chats", "/open 1")
    assert contents(ran) == ["a", "two", "b", "three"]
    assert "Other" in ran.screen
    sent, _ = json.JSONDecoder().raw_decode(ran.screen.rpartition("> /request 2\n")[2])
    assert sent["messages"] == [{"role": "user", "content": "a"}]


def test_several_choices_are_siblings_of_one_request(server: ScriptedServer) -> None:
    both = sse(chunk("heads"), chunk("tails", index=1), chunk(finish="stop"), usage(3, 2))
    server.will(both, answer("fine"))
    ran = session(server.url, "toss", "/pick 2", "and now?", "/info 2", "/info 3")
    assert contents(ran) == ["toss", "tails", "and now?", "fine"]
    assert ran.screen.count("3 in the prompt, 2 in the reply") == 2


def test_chats_are_listed_opened_named_and_searched(server: ScriptedServer) -> None:
    server.will(answer("because"))
    first = settings_for(server.url, top_k=5)
    session(server.url, "Why is the sky blue?", "/system Be brief.", "More?", settings=first)
    session(server.url, "What is a zebra?", "/title Animals")
    ran = session(
        server.url,
        "/chats",
        "/chats zebra",
        "/find zebra",
        "/open animals",
        "/open sky",
        "/open nothing",
        "On?",
    )
    assert contents(ran)[:2] == ["Why is the sky blue?", "because"]
    assert "«zebra»" in ran.screen
    assert "There is no conversation 'nothing'." in ran.screen
    body = server.requests[-1].body
    assert body["top_k"] == 5
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert len(body["messages"]) == 6


def test_a_title_that_fits_several_is_asked_about(server: ScriptedServer) -> None:
    server.will(answer("yes"))
    ran = session(server.url, "a cat", "/new", "a dog", "/open a", "/open 1")
    assert "'a' may be 2 'a dog', 1 'a cat'." in ran.screen
    assert contents(ran) == ["a cat", "yes"]


def test_a_title_as_it_stands_is_taken_before_one_in_other_case(server: ScriptedServer) -> None:
    server.will(answer("yes"))
    ran = session(server.url, "Hi", "/new", "hi", "/open Hi")
    assert "Going on with 'Hi'." in ran.screen


def test_replay_asks_the_questions_again_as_a_branch(server: ScriptedServer) -> None:
    server.will(*(answer(word) for word in ("one", "two", "three", "four")))
    ran = session(server.url, "a", "b", "/export chat.json", "/temp 0", "/replay", "/replay chat.json")
    assert contents(ran) == ["a", "four", "b", "four"]
    assert [n.parent for n in ran.conversation.nodes] == [0, 1, 2, 3, 0, 5, 6, 7, 0, 9, 10, 11]
    assert server.requests[2].body["temperature"] == 0


def test_a_replay_stops_at_a_question_that_is_not_answered(server: ScriptedServer) -> None:
    server.will(answer("one"), answer("two"), refuse(400, "no"), answer("never"))
    ran = session(server.url, "a", "b", "/replay")
    assert len(server.requests) == 3
    assert contents(ran) == ["a", "one", "b", "two"]


@pytest.mark.parametrize("name", EXPORTS)
def test_a_file_is_written_and_not_overwritten_unasked(
    server: ScriptedServer, folder: Path, name: str
) -> None:
    server.will(answer("<script>alert(1)</script> ![x](http://evil/x.png)"))
    ran = session(server.url, "hi", f"/export {name}", f"/export {name}", "", f"/export {name}", "y")
    assert ran.screen.count(f"Written to {name}.") == 2
    assert "Nothing was written." in ran.screen
    text = (folder / name).read_text()
    assert "hi" in text
    if name.endswith("html"):
        assert "<script" not in text
        assert "<img" not in text
        assert "color-scheme" in text


def test_import_reads_an_export_back(server: ScriptedServer) -> None:
    server.will(answer("one"), answer("two"), answer("three"))
    ran = session(server.url, "a", "/regen", "/export chat.json", "/delete", "y", "/import chat.json", "b")
    assert contents(ran) == ["a", "two", "b", "three"]
    assert len(ran.conversation.nodes) == 5


def test_jsonl_has_a_line_for_each_branch(server: ScriptedServer, folder: Path) -> None:
    server.will(answer("one"), answer("two"))
    session(server.url, "/system Be kind.", "a", "/regen", "/export chat.jsonl")
    lines = [json.loads(line)["messages"] for line in (folder / "chat.jsonl").read_text().splitlines()]
    assert [[m["content"] for m in line] for line in lines] == [
        ["Be kind.", "a", "one"],
        ["Be kind.", "a", "two"],
    ]


@pytest.mark.parametrize("name", ["chat.py", "chat.sh"])
def test_an_exported_script_gives_the_same_answers(practice: str, folder: Path, name: str) -> None:
    settings = settings_for(practice, temperature=0, seed=1)
    ran = session(
        practice, "write hello world in python", "what can you do?", f"/export {name}", settings=settings
    )
    program = [sys.executable] if name.endswith("py") else ["sh"]
    done = subprocess.run([*program, name], cwd=folder, capture_output=True, text=True, check=True)
    answers = contents(ran)[1::2]
    if name.endswith("sh"):
        sent = [json.loads(line) for line in done.stdout.splitlines() if line.strip()]
        assert [reply["choices"][0]["message"]["content"] for reply in sent] == answers
    else:
        assert all(f"[assistant] {text}\n" in done.stdout for text in answers)


@pytest.mark.parametrize("command", ["/curl", "/python"])
def test_a_printed_command_gives_the_same_answer(practice: str, folder: Path, command: str) -> None:
    settings = settings_for(practice, temperature=0, seed=1)
    ran = session(practice, "write hello world in python", command, settings=settings)
    printed = ran.screen.rpartition(f"> {command}\n")[2]
    program = ["sh", "-c"] if command == "/curl" else [sys.executable, "-c"]
    done = subprocess.run([*program, printed], cwd=folder, capture_output=True, text=True, check=True)
    text = (
        json.loads(done.stdout)["choices"][0]["message"]["content"]
        if command == "/curl"
        else done.stdout[:-1]
    )
    assert text == contents(ran)[1]


def test_a_request_is_shown_a_field_and_a_message_a_line_and_is_what_was_sent(
    server: ScriptedServer,
) -> None:
    server.will(answer("yes"))
    question = "Grüße \N{RIGHT-TO-LEFT OVERRIDE}\N{ESCAPE}[1m 'END'"
    ran = session(server.url, "/system Be kind.", question, "/request", "/curl")
    shown = ran.screen.rpartition("> /request\n")[2].partition("> /curl\n")[0]
    assert json.loads(shown) == server.requests[0].body
    lines = shown.splitlines()
    assert lines[:4] == [
        "{",
        '  "model": "qwen2.5-coder-3b-instruct",',
        '  "messages": [',
        '    {"role": "system", "content": "Be kind."},',
    ]
    assert "Grüße \\u202e\\u001b[1m" in lines[4]
    printed = ran.screen.rpartition("> /curl\n")[2]
    subprocess.run(["sh", "-c", printed], capture_output=True, check=True)
    again = {"stream": True, "stream_options": {"include_usage": True}, **server.requests[1].body}
    assert again == server.requests[0].body


def test_a_server_in_a_script_is_a_text_and_runs_nothing() -> None:
    server = 'http://localhost:1/"+__import__("os").system("id")+"\\'
    request = Request(server, "vllm", "m", '{"model": "m"}', parent=1)
    script = scripts.python(request, Conversation().add(Message("user", "hi")))
    url = next(node for node in ast.parse(script).body if isinstance(node, ast.Assign))
    assert ast.literal_eval(url.value) == f"{server}/chat/completions"


def test_keys_are_in_no_script(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMCHAT_API_KEY", "sk-secret")
    server.will(answer("yes"))
    ran = session(server.url, "hi", "/curl", "/python", "/request", *(f"/export {name}" for name in EXPORTS))
    assert "sk-secret" not in ran.screen
    assert not any("sk-secret" in Path(name).read_text() for name in EXPORTS)


def test_c_goes_on_with_the_last_chat_and_flags_win(home: Path) -> None:
    with serving() as server:
        server.will(answer("It is **blue**."), answer("green"))
        with terminal("-u", server.url, "-t", "0.5", "-p", "top_k=5", "-s", "Be kind.", home=home) as screen:
            screen.wait_for("Chats are kept in")
            screen.wait_for_prompt()
            screen.line("first question")
            screen.wait_for("It is blue.")
            screen.wait_for_prompt()
        with terminal("-c", "-t", "1", home=home, columns=120) as screen:
            screen.wait_for("#1 > first question")
            screen.wait_for("It is blue.")
            screen.wait_for_prompt()
            screen.line("second")
            screen.wait_for("green")
        body = server.requests[1].body
    assert [m["content"] for m in body["messages"]] == [
        *("Be kind.", "first question", "It is **blue**.", "second")
    ]
    assert (body["temperature"], body["top_k"]) == (1, 5)


def test_the_store_is_opened_when_there_is_something_to_keep(home: Path) -> None:
    store = home / "data" / STORE
    with serving() as server:
        server.will(answer("light"))
        with terminal("-u", server.url, home=home) as screen:
            screen.wait_for("Chats are kept in")
            screen.wait_for_prompt()
            assert not store.exists()
            screen.line("why")
            screen.wait_for("light")
            assert store.exists()


def test_a_title_that_is_not_there_is_told_and_a_new_chat_begins(home: Path) -> None:
    with serving() as server:
        server.will(answer("fine"))
        with terminal("-u", server.url, "--open", "nothing", home=home) as screen:
            screen.wait_for("There is no conversation 'nothing'.")
            screen.wait_for_prompt()
            screen.line("hi")
            screen.wait_for("fine")


def test_no_store_keeps_nothing(home: Path) -> None:
    with serving() as server:
        server.will(answer("fine"))
        with terminal("-u", server.url, "--no-store", home=home) as screen:
            screen.wait_for_prompt()
            screen.line("hi")
            screen.wait_for("fine")
            assert "Chats are kept" not in screen.text
    assert not (home / "data" / "chats.db").exists()


def test_a_message_is_written_in_the_editor(home: Path, folder: Path) -> None:
    editor = folder / "editor"
    editor.write_text("#!/bin/sh\necho 'from the editor' >> \"$1\"\n")
    editor.chmod(0o700)
    with serving() as server:
        server.will(answer("fine"))
        with terminal("-u", server.url, home=home, EDITOR=str(editor), VISUAL="") as screen:
            screen.wait_for_prompt()
            screen.line("/edit")
            screen.wait_for("fine")
        assert server.requests[0].body["messages"][0]["content"] == "from the editor"


def test_the_prompt_needs_no_sqlite() -> None:
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "import llmchat.terminal.prompt, llmchat.chat, sys; print('sqlite3' in sys.modules)",
        ],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ},
    )
    assert told.stdout == "False\n"
