"""One hostile text on every path to a real terminal: none of it drives the terminal, all of it is shown."""

import contextlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from llmchat.config.settings import data_folder
from llmchat.launch.opening import STORE
from llmchat.messages import Conversation
from llmchat.store.records import Record
from llmchat.store.writing import Store
from tests.scripted import Reply, ScriptedServer, answer, chunk, models, refuse, serving, sse
from tests.terminal import Terminal, in_terminal, terminal

# A colour, a title, the clipboard, a question for the terminal's state, the cursor up, an 8-bit
# colour, a title in 8 bits, and what turns the writing; the words between are to be seen.
HOSTILE = (
    "aa\x1b[38;5;201mbb\x1b]0;PWNED\x07cc\x1b]52;c;UFdORUQ=\x07dd\x1b[5n\x1b[9Aee"
    "\x9b35mff\x9d0;PWNED\x9cgg\u202ehh\U000e0041ii"
)
ENTITIES = "jj&#27;[38;5;201mkk&#x9b;35m&#x202e;ll"
MARKUP = "[red]markup[/red]"

RAW = (
    "\x1b[38;5;201m",
    "\x1b]0;PWNED",
    "\x1b]52;c;UFdORUQ",
    "\x1b[5n",
    "\x1b[9A",
    "\x9b",
    "\x9d",
    "\x9c",
    "\u202e",
    "\U000e0041",
)

WORDS = [word * 2 for word in "abcdefghi"]


@pytest.fixture
def here() -> Iterator[ScriptedServer]:
    """A server that says nothing but hostile things."""
    with serving() as running:
        running.pages["/v1/models"] = models(f"m{HOSTILE}", owned_by="vllm", max_model_len=4096)
        calls = [{"index": 0, "id": "1", "function": {"name": f"call{HOSTILE}", "arguments": HOSTILE}}]
        yield running.will(
            sse(
                chunk(reasoning=f"thought {HOSTILE} end"),
                chunk(f"{HOSTILE} {ENTITIES} {MARKUP} [link](http://x.y/\x1b[38;5;201m) end\n\n"),
                chunk(f"```{HOSTILE}\n{HOSTILE}\n```\n\n| {HOSTILE} | b |\n|---|---|\n| c | {HOSTILE} |\n"),
                chunk(tool_calls=calls),
                chunk(finish="stop"),
            )
        )


def check(screen: Terminal, *words: str) -> None:
    """Nothing of the text has gone through as it is, and its words are there."""
    assert [sequence for sequence in RAW if sequence in screen.raw] == []
    shown = re.sub(r"\s", "", screen.text)
    assert [word for word in (words or WORDS) if word not in shown] == []
    assert screen.title != "PWNED"


def test_a_reply_and_all_that_is_said_about_it(here: ScriptedServer, home: Path) -> None:
    with terminal("-u", here.url, home=home, columns=160) as screen:
        screen.wait_for_prompt()
        screen.line("/settings reasoning show")
        screen.wait_for("reasoning is show.")
        screen.line("hi")
        screen.wait_for("never runs it")
        screen.wait_for_prompt()
        check(screen, *WORDS, "thought", "jj", "kk", "ll", MARKUP, "http://x.y/")


def prompts(times: int) -> Callable[[str], bool]:
    """Whether so many prompts are on the screen, but for one in the first row."""
    return lambda text: text.count("\n>") >= times


COMMANDS = {
    "models": "/models",
    "the model": "/model",
    "servers": "/server",
    "the reply once more": "/show",
    "raw": "/raw",
    "the history": "/history",
    "the tree": "/tree",
    "where it came from": "/info",
    "the request": "/request",
    "a curl command": "/curl",
    "a script": "/python",
    "a title": "/title {}",
    "all chats": "/chats",
    "a search": "/find cc",
    "a wrong command": "/nonsense{}",
    "a wrong value": "/temperature {}",
    "a wrong file": "/export {}",
    "a file that is not there": "/import {}",
    "a wrong model": "/model {}",
    "a wrong server": "/server http://{}",
    "the system prompt": "/system {}",
    "help": "/help {}",
    "stop words": "/stop {}",
    "parameters": "/set",
    "completions": "/model m\t",
    "statistics": "/stats",
    "what was sent": "hi {}",
    "lanes": "/sweep temperature=0,1 -- {}",
    "how two answers differ": "/diff",
    "tokens": "/tokens",
    "a wrong schema": "/schema {}",
    "a wrong preset": "/preset {}",
    "a preset's name": "/preset save {}",
    "an alias": "/alias {} /help",
    "a macro": "/macro {} /help",
    "a wrong attachment": "/file {}",
    "a named server": "/server save {}",
}


def test_commands(here: ScriptedServer, home: Path) -> None:
    with terminal("-u", here.url, home=home, columns=250, rows=50) as screen:
        screen.wait_for_prompt()
        screen.line("/settings pager off")
        screen.wait_for("pager is off.")
        screen.line(f"hi {MARKUP}")
        screen.wait_for("never runs it")
        screen.wait_for_prompt()
        for name, line in COMMANDS.items():
            before, length = screen.text.count("\n>"), len(screen.raw)
            screen.paste(line.format(HOSTILE))
            screen.type("\r")
            screen.wait_until(prompts(before + 1), name)
            screen.wait_for_prompt()
            shown = screen.raw[length:]
            assert [f"{name}: {sequence!r}" for sequence in RAW if sequence in shown] == []
        check(screen, MARKUP)


def test_the_prompt_its_menu_and_the_toolbar(here: ScriptedServer, home: Path) -> None:
    with terminal("-u", here.url, home=home, columns=160) as screen:
        screen.wait_for_prompt()
        screen.type("/model m")
        screen.wait_for("ii")
        check(screen)
        screen.type("\t")
        screen.settle()
        screen.type("\x03")
        screen.paste(HOSTILE)
        screen.wait_for("ii")
        check(screen)


def test_what_was_typed_before_is_safe_in_the_next_session(here: ScriptedServer, home: Path) -> None:
    (home / "data").mkdir(parents=True)
    (home / "data" / "history").write_text(f"\n# now\n+say {HOSTILE}\n", encoding="utf-8")
    with terminal("-u", here.url, home=home, columns=160) as screen:
        screen.wait_for_prompt()
        screen.type("say")
        screen.wait_for("ii")
        check(screen)
        screen.type("\x03\x1b[A")
        screen.wait_until(lambda _: screen.cursor_line.endswith("ii"), "the earlier line")
        check(screen)


def test_a_chat_that_goes_on(here: ScriptedServer, home: Path) -> None:
    with terminal("-u", here.url, home=home) as screen:
        screen.wait_for_prompt()
        screen.line("hi")
        screen.wait_for("never runs it")
    with terminal("-u", here.url, "-c", home=home, columns=160) as screen:
        screen.wait_for("ii")
        screen.wait_for_prompt()
        check(screen)


@pytest.mark.parametrize("plain", [(), ("--plain",)])
def test_a_question_without_a_prompt(here: ScriptedServer, home: Path, plain: tuple[str, ...]) -> None:
    with terminal("-u", here.url, *plain, "hi", home=home, columns=160) as screen:
        assert screen.wait_for_end() == 0
        check(screen)


def test_lanes_that_are_not_drawn(here: ScriptedServer, home: Path) -> None:
    flags = ("--plain", "--sweep", "temperature=0,1")
    with terminal("-u", here.url, *flags, "hi", home=home, columns=160) as screen:
        assert screen.wait_for_end() == 0
        check(screen)


@pytest.mark.parametrize("arguments", [("hi",), ()])
def test_an_error(home: Path, arguments: tuple[str, ...]) -> None:
    with serving() as server:
        server.will(refuse(400, {"error": {"message": f"{HOSTILE} {MARKUP}"}}))
        with terminal("-u", server.url, *arguments, home=home, columns=160) as screen:
            if not arguments:
                screen.wait_for_prompt()
                screen.line("hi")
            screen.wait_for("ii")
            check(screen, *WORDS, MARKUP)


def test_a_redirect_and_an_error_page(home: Path) -> None:
    with serving() as server:
        server.will(
            Reply([b""], 302, headers={"Location": "http://x/\x1b[38;5;201m"}),
            refuse(500, f"<html><body>{HOSTILE}</body></html>"),
        )
        with terminal("-u", server.url, home=home, columns=160) as screen:
            screen.wait_for_prompt()
            screen.line("hi")
            screen.wait_for("elsewhere")
            screen.wait_until(lambda _: screen.cursor_line == "> hi", "the question")
            screen.type("\r")
            screen.wait_for("ii")
            check(screen)


def test_markdown_from_a_pipe(home: Path, tmp_path: Path) -> None:
    (tmp_path / "text.md").write_text(f"{HOSTILE} {ENTITIES} {MARKUP}", encoding="utf-8")
    command = ["sh", "-c", f"{sys.executable} -m llmchat --render < {tmp_path}/text.md"]
    with in_terminal(command, home=home, columns=160) as screen:
        assert screen.wait_for_end() == 0
        check(screen, *WORDS, "jj", "kk", "ll", MARKUP)


def test_an_imported_chat_is_kept_as_it_is(here: ScriptedServer, home: Path, tmp_path: Path) -> None:
    with terminal("-u", here.url, home=home, columns=160) as screen:
        screen.wait_for_prompt()
        screen.line("hi")
        screen.wait_for("never runs it")
        screen.wait_for_prompt()
        screen.line(f"/export {tmp_path}/chat.json")
        screen.wait_for("Written to")
        screen.line(f"/import {tmp_path}/chat.json")
        screen.wait_for_prompt()
        check(screen)
    assert HOSTILE in json.loads((tmp_path / "chat.json").read_text())["messages"][1]["content"]


def test_the_pager(here: ScriptedServer, home: Path) -> None:
    """The pager is told to pass everything through."""
    here.pages["/v1/models"] = models(*(f"m{number}{HOSTILE}" for number in range(30)))
    with terminal("-u", here.url, home=home, columns=160, LESS="-rX", PAGER="less") as screen:
        screen.wait_for_prompt()
        screen.line("/models")
        # From Python 3.13 on, less has a prompt of Python's own.
        screen.wait_until(
            lambda _: screen.cursor_line == ":" or "h for help" in screen.cursor_line, "the pager"
        )
        check(screen)
        screen.type("q")
        screen.wait_for_prompt()


def test_the_title_of_the_window(here: ScriptedServer, home: Path) -> None:
    with terminal("-u", here.url, home=home) as screen:
        screen.wait_for_prompt()
        screen.wait_for("vLLM at")
        screen.line("/seed 7")
        screen.wait_until(lambda _: screen.title.startswith("maa␛[38;5;201mbb"), "the model")
        screen.line("hi")
        screen.wait_for("never runs it")
        screen.wait_for_prompt()
        screen.paste(f"/title {HOSTILE}")
        screen.type("\r")
        screen.wait_until(lambda _: screen.title.startswith("aa␛[38;5;201mbb"), "the chat's title")
        check(screen)


def test_what_is_wrong_with_a_schema_and_with_an_answer(home: Path, tmp_path: Path) -> None:
    (tmp_path / "wrong.json").write_text(json.dumps({"properties": {HOSTILE: {"type": HOSTILE}}}))
    (tmp_path / "right.json").write_text(json.dumps({"properties": {HOSTILE: {"type": "null"}}}))
    (tmp_path / "none.json").write_text(HOSTILE)
    with serving() as server, terminal("-u", server.url, home=home, columns=250, rows=50) as screen:
        server.will(answer(json.dumps({HOSTILE: HOSTILE})))
        screen.wait_for_prompt()
        for name, told in (("wrong", "no JSON schema"), ("none", "no JSON:"), ("right", "of this schema")):
            screen.line(f"/schema {tmp_path}/{name}.json")
            screen.wait_for(told)
            screen.wait_for_prompt()
        screen.line("hi")
        screen.wait_for("has the model mend it")
        screen.wait_for_prompt()
        check(screen)


@pytest.mark.parametrize("kind", ["servers", "models", "chats", "commands"])
def test_names_for_the_shell(here: ScriptedServer, home: Path, kind: str) -> None:
    """Of a text that is not safe no name is made; it is told beside the number of its chat."""
    named = json.dumps(HOSTILE.replace(" ", "")).replace("\\udb40\\udc41", "\\U000e0041")
    (home / "config").mkdir(parents=True)
    (home / "config" / "settings.toml").write_text(
        f'[servers.{named}]\nurl = "{here.url}"\n[aliases]\nmine = {named}\n'
    )
    here.pages["/v1/models"] = models("good", f"m{HOSTILE}")
    with contextlib.closing(Store(data_folder(os.environ) / STORE)) as store:
        store.add(Record(HOSTILE, Conversation()))
    command = [sys.executable, "-m", "llmchat", "--names", kind, "-u", here.url, ""]
    with in_terminal(command, home=home, columns=250) as screen:
        assert screen.wait_for_end() == 0
        check(
            screen, *(WORDS if kind in ("chats", "commands") else ["good" if kind == "models" else "Ollama"])
        )
