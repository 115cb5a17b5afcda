"""Presets: taken, kept, applied with a model, and their file, which keeps what its owner wrote."""

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmchat.config import presets, settings_file
from llmchat.config.settings import load
from llmchat.errors import UsageError
from llmchat.params import PARAMS
from llmchat.sampling import Sampling
from tests.scripted import ScriptedServer, answer, models, serving
from tests.session import Session, session
from tests.terminal import terminal
from tests.test_one_shot import run

NAMES = [preset.name for preset in presets.BUILT_IN]


def talk(server: ScriptedServer, *lines: str) -> Session:
    """A session with a settings file, and so with presets."""
    server.pages["/v1/models"] = models("qwen-coder", "gemma")
    server.will(answer("yes"))
    return session(server.url, f"/server {server.url}", *lines, settings=load())


def values(ran: Session) -> dict[str, object]:
    return {name: setting.value for name, setting in ran.chat.sampling.chosen.items()}


def write(home: Path, text: str) -> Path:
    file = home / "config" / presets.FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


@pytest.mark.parametrize("preset", presets.BUILT_IN, ids=lambda preset: preset.name)
def test_a_built_in_preset_sets_what_it_says_and_says_why(
    server: ScriptedServer, preset: presets.Preset
) -> None:
    ran = talk(server, "/preset", f"/preset {preset.name}", "hi")
    assert values(ran) == preset.values
    assert ran.screen.count(preset.why) == 2
    assert all(server.requests[0].body[name] == value for name, value in preset.values.items())


def test_two_are_taken_over_each_other_and_taken_back_together(server: ScriptedServer) -> None:
    ran = talk(server, "/set top_k=5", "/preset creative+precise+short")
    assert values(ran) == {"top_k": 5, "temperature": 0.2, "top_p": 0.9, "min_p": 0.08, "max_tokens": 120}
    assert ran.chat.sampling.chosen["temperature"].origin == "preset"
    assert values(talk(server, "/set top_k=5", "/preset creative+short", "/params undo")) == {"top_k": 5}


def test_what_is_set_is_saved_and_taken_again(server: ScriptedServer, home: Path) -> None:
    saved = '/set temperature=0.3 stop=["a b", "#"] extra.foo={"a": [1, true]} logprobs=on'
    ran = talk(server, saved, "/preset save mine For my notes.", "/unset all", "/preset", "/preset mine")
    assert values(ran) == {
        "temperature": 0.3,
        "stop": ["a b", "#"],
        "logprobs": True,
        "extra.foo": {"a": [1, True]},
    }
    assert ran.screen.count("For my notes.") == 3
    file = home / "config" / presets.FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_saving_again_keeps_comments_and_what_is_not_a_value(server: ScriptedServer, home: Path) -> None:
    begun, ended = '# my knobs\n[mine] # at home\nwhy = "x"\nmodels = ["z"]\n', "\n# last\n[b]\nseed = 2\n"
    file = write(home, f"{begun}top_k = 5 # few\nseed = 1\n{ended}")
    talk(server, "/set top_k=7 top_p=0.5", "/preset save mine")
    assert file.read_text() == f"{begun}top_k = 7 # few\ntop_p = 0.5\n{ended}"
    talk(server, "/preset delete mine")
    assert file.read_text() == "# my knobs\n\n# last\n[b]\nseed = 2\n"


def test_one_is_applied_with_its_model_but_for_what_the_user_has_set(server: ScriptedServer) -> None:
    ran = talk(server, "/preset precise for CODER", "/model qwen", "/set top_p=0.8", "/model gemma")
    assert "precise is applied by itself when a model with 'CODER' in its name is taken." in ran.screen
    assert "The model is now qwen-coder.\ntemperature is 0.2.\ntop_p is 0.9.\n" in ran.screen
    assert "The model is now gemma.\ntemperature is 0.7.\n" in ran.screen
    assert values(ran) == {"top_p": 0.8}
    ran = talk(server, "/set temperature=1", "/model qwen")
    assert values(ran) == {"temperature": 1.0, "top_p": 0.9}
    ran = talk(server, "/preset precise for none", "/model qwen")
    assert values(ran) == {}


def test_one_is_applied_with_the_model_that_a_server_has(server: ScriptedServer, home: Path) -> None:
    write(home, '[x]\nmodels = "gemma"\ntemperature = 0.1\n')
    with serving() as other:
        other.pages["/v1/models"] = models("gemma")
        ran = talk(server, "/set top_k=5", f"/server {other.url}")
        assert "model gemma\ntemperature is 0.1.\n" in ran.screen
        assert values(ran) == {"top_k": 5, "temperature": 0.1}
        back = talk(server, f"/server {other.url}", "/set temperature=0.3", f"/server {server.url}")
        assert values(back) == {"temperature": 0.3}


def test_one_is_applied_from_the_start_with_a_named_model(
    server: ScriptedServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home, '[x]\nmodels = "coder"\ntemperature = 0.1\n')
    monkeypatch.setenv("LLMCHAT_MODEL", "qwen-coder")
    server.will(answer("yes"))
    ran = session(server.url, settings=load())
    assert values(ran) == {"temperature": 0.1}


def test_one_is_applied_at_the_start_with_the_model_that_the_server_has(
    server: ScriptedServer, home: Path
) -> None:
    write(home, '[x]\nmodels = "gemma"\ntemperature = 0.1\n')
    server.pages["/v1/models"] = models("gemma")
    server.will(answer("yes"))
    with terminal("-u", server.url, home=home) as screen:
        screen.wait_for("temperature is 0.1.")
        screen.wait_for("temp 0.1")  # in the toolbar
        screen.line("hi")
        screen.wait_for("yes")
    run("-u", server.url, "hi")
    assert [request.body["temperature"] for request in server.requests] == [0.1, 0.1]


def test_one_is_applied_to_a_question_that_came_before_the_server_was_known(
    server: ScriptedServer, home: Path
) -> None:
    write(home, '[x]\nmodels = "gemma"\ntemperature = 0.1\ntop_k = 1\n')
    server.pages["/v1/models"] = replace(models("gemma"), wait=2.0)
    server.will(answer("yes"))
    with terminal("-u", server.url, home=home) as screen:
        screen.wait_for_prompt()
        screen.line("/top_k 9")
        screen.line("hi")
        screen.wait_for("yes")
        screen.wait_for("temperature is 0.1.")
    (request,) = server.requests
    assert (request.body["temperature"], request.body["top_k"]) == (0.1, 9)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("/preset nonsense", "There is no preset 'nonsense'."),
        ("/preset precise+nonsense", "There is no preset 'nonsense'."),
        ("/preset save ../x", "'../x' is no name for a preset."),
        ("/preset save a.b", "'a.b' is no name for a preset."),
        ("/preset save for", "'for' is no name for a preset."),
        ("/preset save", "A preset needs a name."),
        ("/preset delete precise", "The file has no preset 'precise'."),
        ("/preset precise now", "/preset precise takes no 'now'."),
        ("/preset nonsense for qwen", "There is no preset 'nonsense'."),
    ],
)
def test_what_cannot_be_done_is_a_sentence_and_changes_nothing(
    server: ScriptedServer, home: Path, line: str, told: str
) -> None:
    ran = talk(server, "/set top_k=5", line)
    assert told in ran.screen
    assert values(ran) == {"top_k": 5}
    assert not (home / "config" / presets.FILE).exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[x", "cannot be read"),
        ("[x]\nnonsense = 1", "In the preset x: There is no parameter 'nonsense'."),
        ("[x]\ntemperature = 5", "In the preset x: temperature is a number from 0 to 2, not 5."),
        ("x = 1", "x is no table"),
        ("[x]\nmodels = 3", "models is a list of texts, not 3."),
    ],
)
def test_a_file_that_is_wrong_is_a_sentence_and_stays(
    server: ScriptedServer, home: Path, text: str, told: str
) -> None:
    file = write(home, text)
    ran = talk(server, "/preset x", "hi")
    assert told in ran.screen
    assert values(ran) == {}
    assert file.read_text() == text


def test_what_the_file_cannot_hold_is_a_sentence(server: ScriptedServer) -> None:
    ran = talk(server, "/set extra.foo=null", "/preset save mine")
    assert "cannot be changed here" in ran.screen


@given(st.sets(st.sampled_from([param.name for param in PARAMS])), st.sampled_from(NAMES))
def test_any_parameters_are_written_and_taken_out_again(names: set[str], name: str) -> None:
    sampling = Sampling()
    for param in PARAMS:
        if param.name in names:
            sampling = sampling.with_text(param.name, param.example, "command")
    text = ""
    for key, setting in sampling.chosen.items():
        text = settings_file.changed(text, name, key, setting.value)
    for key in sampling.chosen:
        text = settings_file.without(text, name, key)
    assert text.strip() in ("", f"[{name}]")


def test_a_table_that_is_written_otherwise_is_left_alone() -> None:
    with pytest.raises(UsageError, match="cannot be changed here"):
        settings_file.without("x.a = 1\n", "x")


def test_in_a_terminal_against_the_real_server(home: Path) -> None:
    with terminal("--demo", home=home, columns=60) as screen:
        screen.wait_for_prompt()
        screen.line("/with temperature=0 top_k=1 -- hello")
        screen.wait_for("tokens/s")
        for line, shown in (
            ("/preset creative+short", "max_tokens is 120."),
            ("/params share", "/set all=default temperature=1.2"),
            ("/params undo", "temperature is 0.7."),
        ):
            screen.wait_for_prompt()
            screen.line(line)
            screen.wait_for(shown)


def test_saving_over_a_built_in_one_is_said_and_can_be_taken_back(server: ScriptedServer) -> None:
    ran = talk(server, "/set top_k=5", "/preset save precise", "/preset delete precise", "/preset precise")
    assert "It takes the place of the built-in one; `/preset delete precise` brings that back." in ran.screen
    assert "precise is as it came with llmchat again." in ran.screen
    assert values(ran) == {"top_k": 5, "temperature": 0.2, "top_p": 0.9}
