"""Lines under a name of the user's own, and numbers changed by a key."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmchat.commands import registry
from llmchat.config.macros import expanded
from llmchat.config.settings import load
from llmchat.input.completion import complete
from llmchat.input.nudging import nudge
from tests.scripted import ScriptedServer, answer, serving
from tests.session import Session, chat_with, session, settings_for
from tests.terminal import terminal

ALT_UP, ALT_DOWN = "\x1b\x1b[A", "\x1b\x1b[B"


@pytest.fixture
def here() -> Iterator[ScriptedServer]:
    """A server that always answers `yes`."""
    with serving() as running:
        yield running.will(answer("yes"))


def with_file(server: ScriptedServer, *lines: str) -> Session:
    """A session with the settings file of the test's home, which there need not be."""
    return session(server.url, *lines, settings=load({**os.environ, "LLMCHAT_URL": server.url}))


def sent(server: ScriptedServer) -> list[str]:
    return [request.body["messages"][-1]["content"] for request in server.requests]


def test_names_are_kept_in_the_settings_file_and_go_again(here: ScriptedServer, home: Path) -> None:
    file = home / "config" / "settings.toml"
    file.parent.mkdir(parents=True)
    file.write_text('# mine\nmodel = "m"\n')
    with_file(here, "/alias brief /system Be brief.", "/macro calm /set temperature=0 ;; /brief")
    assert '[aliases]\nbrief = "/system Be brief."' in file.read_text()
    ran = with_file(here, "/calm", "hi")
    body = here.requests[-1].body
    assert (body["temperature"], body["messages"][0]["content"]) == (0, "Be brief.")
    assert "> /set temperature=0\ntemperature is 0.\n> /system Be brief." in ran.screen
    assert "No line has the name 'brief'." in with_file(here, "/unalias brief", "/alias brief").screen
    assert (
        file.read_text()
        == '# mine\nmodel = "m"\n\n[aliases]\n\n[macros]\ncalm = ["/set temperature=0", "/brief"]\n'
    )


@pytest.mark.parametrize(
    ("lines", "typed", "meant"),
    [
        (("Translate into $1: $*",), "/m German Good  morning", ("Translate into German: Good  morning",)),
        (("/system You are $2.", "$1?"), "/m who a cat", ("/system You are a.", "who?")),
        (("Explain:",), "/m this and that", ("Explain: this and that",)),
        (("It costs $$5, $*.",), "/m really", ("It costs $5, really.",)),
        (("/set seed=7", "$*"), "/m $1 `x` $(y)", ("/set seed=7", "$1 `x` $(y)")),
        (("/m more",), "/m", ("/m more",)),
    ],
)
def test_what_is_typed_after_a_name_has_its_place(
    lines: tuple[str, ...], typed: str, meant: tuple[str, ...]
) -> None:
    assert expanded({"m": lines}, typed) == meant


def test_a_macro_may_call_another_and_none_calls_itself_for_ever(here: ScriptedServer) -> None:
    macros = {"a": ("/b $*", "one"), "b": ("/a $*", "two")}
    assert expanded(macros, "/a x") == ("/a x", "two", "one")
    ran = with_file(
        here, "/macro zig /zag ;; one", "/alias zag /zig", "/alias help /help keys", "/zig", "/help"
    )
    assert "There is no command /zig; nothing was sent." in ran.screen
    assert "Alt-Up, Alt-Down" in ran.screen
    assert not here.requests


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("/alias 7up hi", "'7up' is no name for a command."),
        ("/alias boom !rm -rf x", "A macro runs nothing in the shell, such as '!rm -rf x'."),
        ("/alias nothing", "No line has the name 'nothing'."),
        ("/unalias nothing", "No line has the name 'nothing'."),
        ("/macro empty ;;", "/empty has no line."),
    ],
)
def test_what_can_be_no_macro_is_said(here: ScriptedServer, line: str, told: str) -> None:
    assert told in with_file(here, line).screen


def test_too_few_words_and_the_first_failure_end_a_macro(here: ScriptedServer) -> None:
    ran = with_file(here, "/alias tr Translate into $1: $*", "/tr", "/macro m /set top_p=9 ;; hi", "/m")
    assert "/tr needs a word after it." in ran.screen
    assert not here.requests


def test_messages_of_a_macro_are_sent_in_order(here: ScriptedServer) -> None:
    with_file(here, "/macro ask Tell me of $1.\nAnd now of $2.", "/ask cats dogs", "!!x")
    assert sent(here) == ["Tell me of cats.", "And now of dogs.", "!x"]


def test_a_name_is_completed(here: ScriptedServer) -> None:
    chat = chat_with(settings_for(here.url))
    chat.macros = {"zebra": ("/system Be $1.",)}
    (found,) = complete(registry, chat, "/zeb")
    assert (found.text, found.meaning) == ("zebra", "/system Be $1.")


@pytest.mark.parametrize(
    ("lines", "directions", "name", "value"),
    [
        ((), (1,), "temperature", 0.8),
        (("/temp 2",), (1, -1), "temperature", 1.9),
        (("/temp 0", "/top_p 0.5"), (-1, -1), "top_p", 0.4),
        (("/top_k 40",), (1,), "top_k", 41),
        (("/max 4096", "/stop x"), (1,), "max_tokens", 4196),
    ],
)
def test_a_number_is_changed_by_a_sensible_step(
    here: ScriptedServer, lines: tuple[str, ...], directions: tuple[int, ...], name: str, value: float
) -> None:
    chat = session(here.url, *lines).chat
    assert {nudge(chat, direction) for direction in directions} == {name}
    setting = chat.sampling.get(name)
    assert setting
    assert setting.value == value


def test_alt_up_and_alt_down_change_what_the_toolbar_shows(here: ScriptedServer, home: Path) -> None:
    with terminal("-u", here.url, "-p", "top_p=0.5", home=home) as screen:
        screen.wait_for("top_p 0.5")
        screen.type("hi" + ALT_UP)
        screen.wait_for("top_p 0.55")
        screen.type(ALT_DOWN * 2)
        screen.wait_for("top_p 0.45")
        screen.type("\r")
        screen.wait_until(lambda _: bool(here.requests), "the request")
    assert here.requests[0].body["top_p"] == 0.45
