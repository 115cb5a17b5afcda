"""Answers as JSON: what is asked of each server, what is checked, and how the model is told to mend it."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmchat import toolbar
from llmchat.local import engine
from tests.scripted import ScriptedServer, answer, models, page
from tests.session import session

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with schemas, the current one."""
    here = tmp_path / "here"
    here.mkdir()
    (here / "a person.json").write_text(json.dumps(PERSON))
    (here / "broken.json").write_text("{")
    (here / "wrong.json").write_text('{"type": "objct"}')
    (here / "elsewhere.json").write_text('{"$ref": "http://127.0.0.1:9/schema.json"}')
    monkeypatch.chdir(here)
    return here


@pytest.fixture(scope="module")
def practice() -> Iterator[str]:
    """The URL of a llama.cpp server with the practice model."""
    with contextlib.closing(engine.start_practice()) as running:
        yield running.url


def test_json_is_asked_for_checked_and_mended(server: ScriptedServer) -> None:
    server.pages["/v1/models"] = models("m", owned_by="llamacpp")
    server.will(answer("Sure: ", "{}"), answer("{}"), answer("free"))
    ran = session(
        server.url, "/json on", "hi", "/fix", "/fix", "/json", "/json off", "hi", "/fix", "/json maybe"
    )
    assert [r.body.get("response_format") for r in server.requests] == [{"type": "json_object"}] * 2 + [None]
    assert "The answer is not as was asked for: it is no JSON: Expecting value" in ran.screen
    told = server.requests[1].body["messages"][-1]["content"]
    assert told.startswith("Your answer cannot be used: it is no JSON: ")
    assert "There is nothing to fix" in ran.screen
    assert "No form is asked of the answers." in ran.screen
    assert "/json is on or off, not 'maybe'." in ran.screen
    assert [content for role, content in ran.said if role == "assistant"] == ["Sure: {}", "{}", "free"]


def test_an_answer_is_validated_against_its_schema(server: ScriptedServer) -> None:
    server.will(answer('{"name": "Ada", "age": "36"}'), answer('{"name": "Ada", "age": 36}'))
    ran = session(server.url, "/schema a person.json", "who?", "/fix", "/schema", "/schema off", "/schema")
    asked = {"name": "a_person", "strict": True, "schema": PERSON}
    assert server.requests[0].body["response_format"] == {"type": "json_schema", "json_schema": asked}
    wrong = "at $.age: '36' is not of type 'integer'"
    assert f"The answer is not as was asked for: {wrong}." in ran.screen
    assert wrong in server.requests[1].body["messages"][-1]["content"]
    assert ran.screen.count("not as was asked for") == 1
    assert ran.screen.rstrip().endswith(
        "Answers are as the model likes; `/json on` and `/schema FILE` ask for JSON."
    )


def test_a_schema_may_stand_in_the_line(server: ScriptedServer) -> None:
    server.will(answer("[]"))
    ran = session(server.url, '/schema {"type": "array", "minItems": 1}', "list")
    assert "[] should be non-empty" in ran.screen
    assert server.requests[0].body["response_format"]["json_schema"]["name"] == "answer"


def test_what_is_no_schema_is_refused_in_a_sentence(server: ScriptedServer) -> None:
    ran = session(
        server.url, "/schema nothing.json", "/schema broken.json", "/schema wrong.json", "/schema [1]"
    )
    assert "'nothing.json' cannot be read: No such file or directory." in ran.screen
    assert "'broken.json' is no JSON: " in ran.screen
    assert "This is no JSON schema: 'objct' is not valid" in ran.screen
    assert ran.chat.sampling.chosen == {}


def test_nothing_that_a_schema_refers_to_is_fetched(server: ScriptedServer) -> None:
    server.will(answer("{}"))
    ran = session(server.url, "/schema elsewhere.json", "hi")
    assert "the schema cannot be used: " in ran.screen


def test_lm_studio_is_asked_by_a_schema_for_any_json(server: ScriptedServer) -> None:
    server.pages["/api/v1/models"] = page({"models": [{"key": "m", "type": "llm", "loaded_instances": []}]})
    server.will(answer("{}"))
    session(server.url, "/json on", "hi")
    form = server.requests[0].body["response_format"]
    assert form == {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}}


def test_without_the_library_only_the_json_is_checked(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    server.will(answer("{}"), answer("no"))
    ran = session(server.url, "/schema a person.json", "who?", "who?")
    assert "Without the package jsonschema only its JSON is checked." in ran.screen
    assert ran.screen.count("The answer is not as was asked for") == 1


def test_a_script_is_told_by_the_exit_code(server: ScriptedServer, home: Path) -> None:
    server.will(answer("{}"))
    command = [sys.executable, "-m", "llmchat", "-u", server.url, "-x", "/schema a person.json", "who?"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 1
    assert done.stdout.strip() == "{}"
    assert "The answer is not as was asked for: at $: 'name' is a required property." in done.stderr


def test_llama_cpp_keeps_its_model_to_a_schema_and_a_grammar(practice: str, folder: Path) -> None:
    (folder / "yes.gbnf").write_text('root ::= "yes" | "no"\n')
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    ran = session(
        practice,
        f"/schema {json.dumps({**schema, 'additionalProperties': False})}",
        "hi",
        "/schema off",
        "/grammar @yes.gbnf",
        "hi",
        "/grammar off",
        "/grammar",
    )
    first, second = (content for role, content in ran.said if role == "assistant")
    assert json.loads(first)["ok"] in (True, False)
    assert second in ("yes", "no")
    assert "not as was asked for" not in ran.screen
    assert ran.chat.sampling.chosen == {}


def test_a_server_without_grammars_says_so(server: ScriptedServer) -> None:
    server.pages["/v1/models"] = models("m", owned_by="vllm")
    ran = session(server.url, "/models", '/grammar root ::= "yes"')
    assert "grammar" in ran.screen.rpartition("> /grammar")[2]
    assert "vLLM" in ran.screen.rpartition("> /grammar")[2]


def test_the_toolbar_names_a_form_by_its_type(server: ScriptedServer) -> None:
    chat = session(server.url, "/json on").chat
    assert "form json_object" in [part.text for part in toolbar.parts(chat)]
