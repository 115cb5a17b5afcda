"""Every command and every parameter, called with nothing, with nonsense, at its ends and beyond.

Parametrised over the declarations, so that a new command or parameter is tested by being there.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs import generate
from llmchat import toolbar
from llmchat.chat import Chat
from llmchat.commands import registry
from llmchat.config.preferences import AT_START, PREFERENCES
from llmchat.config.settings import load
from llmchat.input.completion import complete
from llmchat.parameter import Param, show
from llmchat.params import PARAMS
from llmchat.registry import Command, Rest, arguments
from tests.scripted import Reply, ScriptedServer, answer, chunk, models, page, serving, sse
from tests.session import Session, chat_with, session, settings_for

COMMANDS = list(registry.commands.values())
EACH_COMMAND = pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
EACH_PARAM = pytest.mark.parametrize("param", PARAMS, ids=lambda param: param.name)
NONSENSE = "zzz-nonsense"
# Python makes no number of so many digits, no file has such a name, and no text can be sent so.
_DIGITS = "9" * 5000
ODD = [begin + _DIGITS for begin in ("", "1 ", "#", "-", "seed x", "localhost:")] + [f"{_DIGITS}k"]
ODD += [
    "~nosuchuser/x.json",
    "@~nosuchuser/x",
    "sweep ~nosuchuser/x.csv",
    "grammar=@~nosuchuser/x",
    "a\0b",
    "\ud800",
    "\ud800 1",
    '["a',
    "'",
    "\\",
    "*nan",
    "http://[",
    "= =",
]
# The others take any text.
PICKY = [param for param in PARAMS if param.choices or param.type not in ("list", "text")]
NUMBERS = [param for param in PARAMS if param.type in ("int", "float")]


@pytest.fixture(scope="module")
def here() -> Iterator[ScriptedServer]:
    """A server that answers every chat."""
    with serving() as running:
        running.pages["/v1/models"] = models("one", "two", owned_by="vllm")
        yield running.will(answer("yes"))


def state(ran: Session) -> tuple[object, ...]:
    chat = ran.chat
    return (
        chat.sampling,
        chat.conversation,
        chat.system,
        chat.preferences,
        chat.connection.address,
        chat.named_model,
    )


@EACH_COMMAND
def test_a_command_with_nothing_says_something(here: ScriptedServer, command: Command) -> None:
    ran = session(here.url, f"/{command.name}")
    said = ran.screen.removeprefix(f"> /{command.name}\n").strip()
    assert said or command.name == "exit"
    assert "Traceback" not in said


@EACH_COMMAND
def test_a_command_refuses_or_takes_nonsense_in_a_sentence(here: ScriptedServer, command: Command) -> None:
    ran = session(here.url, f"/{command.name} {NONSENSE}")
    said = ran.screen.partition("\n")[2].strip()
    assert said
    takes_any_text = [a for a in arguments(command) if a.annotation is Rest]
    if not takes_any_text and command.name != "server":
        assert NONSENSE in said
        assert state(ran) == state(session(here.url))


@EACH_COMMAND
def test_a_command_is_safe_from_words_that_nobody_types(
    here: ScriptedServer, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [f"/{command.name} {word}" for word in ODD]
    screen = session(here.url, "hi", *lines).screen
    assert [line for line in lines if f"> {line}\n" not in screen] == []


@EACH_COMMAND
def test_every_example_of_a_command_runs(
    here: ScriptedServer, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    examples = [example for example in command.examples if "demo" not in example]
    settings = settings_for(here.url)
    for example in examples:
        ran = session(here.url, "hi", example.replace(" --save", ""), settings=settings)
        assert "There is no command" not in ran.screen
        assert "No server answers" not in ran.screen or example.startswith("/server ")


@EACH_PARAM
def test_a_parameter_is_a_command(here: ScriptedServer, param: Param) -> None:
    ran = session(here.url, f"/{param.name}", f"/{param.name} {param.example}", f"/{param.name} default")
    assert param.meaning in ran.screen
    assert f"For example: /{param.name} {param.example}" in ran.screen
    value = show(param.parse(param.example))
    assert f"{param.name} is {value}" in ran.screen


@pytest.mark.parametrize("param", PICKY, ids=lambda param: param.name)
def test_a_parameter_refuses_nonsense_and_stays(here: ScriptedServer, param: Param) -> None:
    ran = session(here.url, f"/{param.name} {NONSENSE}")
    assert f"{param.name} is {param.range}, not '{NONSENSE}'" in ran.screen
    assert state(ran) == state(session(here.url))


@pytest.mark.parametrize("param", NUMBERS, ids=lambda param: param.name)
def test_the_ends_of_a_range_are_taken_and_what_is_beyond_is_refused(
    here: ScriptedServer, param: Param
) -> None:
    for end, beyond in ((param.low, -1), (param.high, 1)):
        if end is None:
            continue
        ran = session(here.url, f"/set {param.name}={end}", f"/set {param.name}={end + beyond}")
        assert f"{param.name} is {show(param.check(end))}" in ran.screen
        assert f"{param.name} is {param.range}, not" in ran.screen
        assert ran.chat.sampling.chosen[param.name].value == end


def test_all_values_of_a_line_are_checked_before_one_is_set(here: ScriptedServer) -> None:
    ran = session(here.url, "/set top_k=5 temperature=9")
    assert "temperature is a number from 0 to 2" in ran.screen
    assert not ran.chat.sampling.chosen


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("/set temperature 0.2", "temperature", 0.2),
        ("/set parameter temperature 0.2", "temperature", 0.2),
        ("/set temperature=0,2", "temperature", 0.2),
        ("/TEMP 0.2", "temperature", 0.2),
        ("/topp 0.9", "top_p", 0.9),
        ("/top-p 0.9", "top_p", 0.9),
        ("/tempe 0.2", "temperature", 0.2),
        ("/temp +0.1", "temperature", 0.8),
        ("/max 8k", "max_tokens", 8192),
        ("/num_predict 5", "max_tokens", 5),
        ("/repetition_penalty 1.1", "repeat_penalty", 1.1),
        ("/stop ###", "stop", ["###"]),
        ('/stop ["a", "b"]', "stop", ["a", "b"]),
        ("/set stop=a=b", "stop", ["a=b"]),
        ("/set extra.foo=[1, 2]", "extra.foo", [1, 2]),
        ("/set think", "reasoning_effort", "medium"),
        ("/set nothink", "reasoning_effort", "none"),
        ("/set think high", "reasoning_effort", "high"),
        ("/set format json", "response_format", {"type": "json_object"}),
    ],
)
def test_the_names_and_forms_that_fingers_know(
    server: ScriptedServer, line: str, name: str, value: object
) -> None:
    server.pages["/api/v0/models"] = page({"data": [{"id": "m", "state": "loaded"}]})
    ran = session(server.url, "/models", line)
    assert ran.chat.sampling.chosen[name].value == value


def test_a_step_doubles(here: ScriptedServer) -> None:
    ran = session(here.url, "/max 100", "/max x2")
    assert ran.chat.sampling.chosen["max_tokens"].value == 200


def test_a_text_value_comes_from_a_file(here: ScriptedServer, tmp_path: Path) -> None:
    (tmp_path / "yes.gbnf").write_text('root ::= "yes"\n')
    ran = session(here.url, f"/grammar @{tmp_path}/yes.gbnf", f"/grammar @{tmp_path}/missing")
    assert ran.chat.sampling.chosen["grammar"].value == 'root ::= "yes"'
    assert "cannot be read: No such file" in ran.screen


def test_extra_fields_are_sent_nested(here: ScriptedServer) -> None:
    session(here.url, "/set extra.a.b=1", "hi")
    assert here.requests[-1].body["a"] == {"b": 1}


def test_params_undo_and_diff(here: ScriptedServer) -> None:
    ran = session(
        here.url, "/params undo", "/temp 0.2", "/top_k 5", "/params diff", "/params undo", "/params undo"
    )
    assert "No parameter has been changed yet." in ran.screen
    assert "not sent" in ran.screen
    assert not ran.chat.sampling.chosen


def test_unset_all(here: ScriptedServer) -> None:
    ran = session(here.url, "/temp 0.2", "/top_k 5", "/unset top_k", "/unset all")
    assert "top_k is not sent" in ran.screen
    assert not ran.chat.sampling.chosen


def test_what_is_saved_is_loaded_and_the_comments_stay(here: ScriptedServer, home: Path) -> None:
    file = home / "config" / "settings.toml"
    file.parent.mkdir(parents=True)
    file.write_text('# mine\nsystem = "Be kind."  # always\n\n[params]\ntop_k = 3 # few\n')
    ran = session(
        here.url, "/set top_k=5 temperature=0.2 --save", "/settings theme light --save", settings=load()
    )
    assert "Saved in" in ran.screen
    kept = file.read_text()
    assert kept == (
        '# mine\nsystem = "Be kind."  # always\ntheme = "light"\n\n'
        "[params]\ntop_k = 5 # few\ntemperature = 0.2\n"
    )
    again = load()
    assert {k: s.value for k, s in again.sampling.chosen.items()} == {"top_k": 5, "temperature": 0.2}
    assert again.preferences.theme == "light"


def test_what_a_server_ignores_is_said_where_it_is_set(server: ScriptedServer) -> None:
    server.pages["/"] = Reply([b"Ollama is running"])
    ran = session(server.url, "/models", "/top_k 5", "/temp 0.2")
    assert "top_k is 5 (but Ollama is known to ignore it)." in ran.screen
    assert "temperature is 0.2." in ran.screen


def test_settings_show_and_change(here: ScriptedServer) -> None:
    at_once = [p for p in PREFERENCES if p.name not in AT_START]
    ran = session(here.url, *(f"/settings {p.name} {p.example}" for p in at_once), "/settings theme pink")
    assert all(f"{p.name} is {p.example}." in ran.screen for p in at_once)
    assert "theme is one of auto, dark, light, not 'pink'" in ran.screen


def test_continue_goes_on_where_the_server_does(server: ScriptedServer) -> None:
    server.pages["/v1/models"] = models("m", owned_by="llamacpp")
    server.will(sse(chunk("One, two"), chunk(finish="length")), sse(chunk(", three"), chunk(finish="stop")))
    ran = session(server.url, "count", "/continue")
    assert ran.said == [("user", "count"), ("assistant", "One, two, three")]
    assert [n.message.content for n in ran.conversation.nodes] == ["count", "One, two", "One, two, three"]
    assert server.requests[1].body["messages"][-1] == {"role": "assistant", "content": "One, two"}


@pytest.mark.parametrize(("answered", "sent"), [("", True), ("n", False)])
def test_continue_asks_in_words_where_it_does_not(server: ScriptedServer, answered: str, sent: bool) -> None:
    server.will(answer("One"), answer("two"))
    ran = session(server.url, "count", "/continue", answered)
    assert "Ask in words for the rest?" in ran.screen
    assert (len(server.requests) == 2) is sent


@pytest.mark.parametrize("word", ["exit", "quit", " Quit "])
def test_a_bare_exit_leaves_with_a_hint(here: ScriptedServer, word: str) -> None:
    asked = len(here.requests)
    ran = session(here.url, word.strip(), "never read")
    assert "/exit leaves too" in ran.screen
    assert "never read" not in ran.screen
    assert len(here.requests) == asked


@pytest.mark.parametrize(
    ("line", "sent"),
    [
        ("//set x", "/set x"),
        (" /set x", " /set x"),
        ("/usr/bin/env is a path", "/usr/bin/env is a path"),
        ("/tmp is an existing one", "/tmp is an existing one"),
        ('"""\ntwo\nlines\n"""', "two\nlines"),
        ("/ alone", "/ alone"),
    ],
)
def test_what_is_a_message(here: ScriptedServer, line: str, sent: str) -> None:
    session(here.url, line)
    assert here.requests[-1].body["messages"][-1]["content"] == sent


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("/se", "/se may be /set, /server, /settings"),
        ("/helo", "Did you mean /help?"),
        ("/tempratur 1", "Did you mean /temperature?"),
        ("/theme light", "Did you mean /settings theme?"),
        ("/compres", "Did you mean /compress?"),
        ("/", "`/help` lists the commands"),
        ("/xyzzy", "nothing was sent"),
        ("/num_ctx 8192", "OLLAMA_CONTEXT_LENGTH"),
        ("/set num_ctx 8192", "OLLAMA_CONTEXT_LENGTH"),
    ],
)
def test_an_unknown_command_is_not_sent(here: ScriptedServer, line: str, told: str) -> None:
    asked = len(here.requests)
    ran = session(here.url, line)
    assert told in ran.screen
    assert len(here.requests) == asked


@EACH_COMMAND
def test_a_command_has_help_and_is_completed(here: ScriptedServer, command: Command) -> None:
    chat = chat_with(settings_for(here.url))
    assert command.summary.endswith(".")
    assert len(command.summary) < 60
    found = {
        completion.text: completion.meaning for completion in complete(registry, chat, f"/{command.name}")
    }
    assert found[command.name] == command.summary
    ran = session(here.url, f"/help {command.name}")
    assert all(example in ran.screen for example in command.examples)


@EACH_PARAM
def test_a_parameter_has_help_and_is_completed(here: ScriptedServer, param: Param) -> None:
    chat = chat_with(settings_for(here.url))
    assert param.meaning.endswith(".")
    assert param.name in [c.text for c in complete(registry, chat, f"/{param.name}")]
    assert param.name in [c.text for c in complete(registry, chat, f"/set {param.name}")]
    values = [c.text for c in complete(registry, chat, f"/set {param.name} ")]
    assert values == [c.text for c in complete(registry, chat, f"/{param.name} ")]
    assert len(values) > 1
    assert param.meaning in session(here.url, f"/help {param.name}").screen


def test_models_are_completed_with_their_state(here: ScriptedServer) -> None:
    chat = chat_with(settings_for(here.url))
    chat.connection.found()
    assert [c.text for c in complete(registry, chat, "/model t")] == ["two"]


@pytest.mark.parametrize("line", ["hello /te", "//te", "/set top_k 5\n/te", " /te", "/nonsense x", "/se x"])
def test_nothing_is_completed_where_no_command_is_typed(here: ScriptedServer, line: str) -> None:
    assert list(complete(registry, chat_with(settings_for(here.url)), line)) == []


def test_the_reference_is_fresh() -> None:
    written = generate.REFERENCE.read_text(encoding="utf-8")
    assert written == generate.reference(), "run: python docs/generate.py"


ADDED_PARAM = '    Param("wobble", "float", "0.5", "How much it wobbles.", 0, 1),\n'
ADDED_COMMAND = '''

@command("boing", examples=("/bounce",))
def bounce(chat: Chat) -> Result:
    """Bounce once."""
    return "Boing."
'''
FIND_THEM = """
import json, sys
from docs.generate import reference
from llmchat import toolbar
from llmchat.commands import registry
from llmchat.input.completion import complete
from llmchat.config.settings import load
from tests.session import session
lines = ("/bounce", "/wobble 0.5", "/help bounce", "/help wobble", "hi")
kept = ("/preset save wobbly", "/unset all", "/preset wobbly")
asked = ("/sweep wobble 0.1 0.2 -- hi", "/probe wobble")
ran = session(sys.argv[1], f"/server {sys.argv[1]}", *lines, *kept, *asked, settings=load())
print(json.dumps({
    "screen": ran.screen,
    "completed": [c.text for start in ("/bou", "/wob") for c in complete(registry, ran.chat, start)],
    "reference": reference(),
    "toolbar": "".join(text for _, text in toolbar.line(toolbar.parts(ran.chat), 80)),
}))
"""


def test_one_line_adds_a_parameter_and_one_function_a_command(server: ScriptedServer, tmp_path: Path) -> None:
    """In dispatch, completion, help, docs, toolbar, request, presets, sweeps, probe; nothing else is done."""
    root = Path(__file__).parent.parent
    for folder in ("llmchat", "tests", "docs"):
        shutil.copytree(
            root / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "*.gguf")
        )
    table = tmp_path / "llmchat" / "params.py"
    start = "PARAMS: tuple[Param, ...] = (\n"
    table.write_text(table.read_text().replace(start, start + ADDED_PARAM))
    with (tmp_path / "llmchat" / "commands" / "program.py").open("a") as file:
        file.write(ADDED_COMMAND)
    server.will(answer("yes"))
    done = subprocess.run(
        [sys.executable, "-c", FIND_THEM, server.url],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert "Boing." in found["screen"]
    assert found["screen"].count("wobble is 0.5.") == 3
    assert "Saved as wobbly in" in found["screen"]
    assert "wobble: no effect; the answers are the same at 0 and 1." in found["screen"]
    assert "Bounce once." in found["screen"]
    assert "How much it wobbles." in found["screen"]
    assert found["completed"] == ["bounce", "wobble"]
    assert "#### `/bounce`" in found["reference"]
    assert "| `wobble` | `0.5` |" in found["reference"]
    assert "wobble 0.5" in found["toolbar"]
    assert [request.body["wobble"] for request in server.requests[:3]] == [0.5, 0.1, 0.2]


def test_an_extra_field_is_saved_and_loaded_as_it_is(here: ScriptedServer) -> None:
    session(here.url, '/set extra.foo="hello" --save', "/set extra.bar=[1, 2] --save", settings=load())
    chosen = load().sampling.chosen
    assert {name: setting.value for name, setting in chosen.items()} == {
        "extra.foo": "hello",
        "extra.bar": [1, 2],
    }


@pytest.mark.parametrize("content", [b"not toml", b"\xff\xfe", b"params = 5"])
def test_saving_into_a_broken_file_is_a_sentence_and_leaves_it(
    here: ScriptedServer, home: Path, content: bytes
) -> None:
    settings = load()
    file = home / "config" / "settings.toml"
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    ran = session(here.url, "/set top_k=5 --save", settings=settings)
    assert "Mend it first." in ran.screen
    assert file.read_bytes() == content
    assert not ran.chat.sampling.chosen


def test_saving_keeps_a_comment_whatever_stands_in_it(here: ScriptedServer, home: Path) -> None:
    file = home / "config" / "settings.toml"
    file.parent.mkdir(parents=True)
    file.write_text('system = "a # b"  # it\'s "mine"\n\n# the knobs\n[params]\nstop = ["#"] # don\'t\n')
    session(here.url, '/stop ["x"] --save', "/settings theme dark --save", settings=load())
    assert file.read_text() == (
        'system = "a # b"  # it\'s "mine"\ntheme = "dark"\n\n# the knobs\n[params]\nstop = ["x"] # don\'t\n'
    )


@pytest.mark.parametrize("line", ["/set extra.foo default", "/unset extra.foo"])
def test_an_extra_field_is_taken_back(here: ScriptedServer, line: str) -> None:
    assert not session(here.url, "/set extra.foo=1", line).chat.sampling.chosen


@pytest.mark.parametrize("line", ["/server ://", "/server 55", "/server http:/x"])
def test_a_server_that_is_none_keeps_the_model(here: ScriptedServer, line: str) -> None:
    assert session(here.url, "/model two", line).chat.named_model == "two"


def test_a_name_and_a_value_with_an_equals_sign_is_a_setting(here: ScriptedServer) -> None:
    assert session(here.url, "/temp=0.5").chat.sampling.chosen["temperature"].value == 0.5


def test_quoted_stop_texts_are_several(here: ScriptedServer) -> None:
    assert session(here.url, '/stop "a b" "c"').chat.sampling.chosen["stop"].value == ["a b", "c"]


def test_a_word_with_a_space_before_it_is_sent(here: ScriptedServer) -> None:
    session(here.url, " exit")
    assert here.requests[-1].body["messages"][-1]["content"] == " exit"


def test_a_key_in_the_line_is_not_taken(here: ScriptedServer) -> None:
    ran = session(here.url, "/key sk-secret")
    assert "does not belong into a line" in ran.screen


def test_continuing_a_finished_answer_says_so(server: ScriptedServer) -> None:
    server.pages["/v1/models"] = models("m", owned_by="llamacpp")
    server.will(answer("All."), sse(chunk(finish="stop")))
    ran = session(server.url, "hi", "/continue")
    assert "The model has nothing to add to its answer." in ran.screen
    assert ran.said == [("user", "hi"), ("assistant", "All.")]


def test_the_toolbar_forgets_the_tokens_of_a_conversation_that_was_left(here: ScriptedServer) -> None:
    chat = chat_with(settings_for(here.url))
    with chat.turn("hi") as turn:
        while not turn.ended:
            turn.wait()
    assert "tokens" in bar(chat)
    chat.clear()
    assert "tokens" not in bar(chat)


def bar(chat: Chat) -> str:
    return "".join(text for _, text in toolbar.line(toolbar.parts(chat), 80))


def test_a_format_that_is_none_is_refused(here: ScriptedServer) -> None:
    ran = session(here.url, "/set format xml")
    assert "The format is json, not 'xml'." in ran.screen
    assert not ran.chat.sampling.chosen


def test_quotes_around_a_whole_path_are_no_part_of_it(
    server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    server.will(answer("```\ncode\n```"))
    lines = ('/export "a b.json"', "/import 'a b.json'", '/write "c d.py" 1', '/write "e f.py"', "/write ''")
    ran = session(server.url, "hi", *lines)
    assert sorted(path.name for path in tmp_path.glob("*.*")) == ["a b.json", "c d.py", "e f.py"]
    assert "/write needs file." in ran.screen


def test_a_name_that_no_file_has_is_told(server: ScriptedServer) -> None:
    server.will(answer("```\ncode\n```"))
    screen = session(server.url, "hi", "/write a\0b 1", "/import a\0b").screen
    assert "cannot be written: embedded null byte." in screen
    assert "cannot be read: embedded null byte." in screen


def test_a_default_is_completed_once(here: ScriptedServer) -> None:
    found = [(one.text, one.meaning) for one in complete(registry, session(here.url).chat, "/settings keys ")]
    assert found[:2] == [("emacs", "the default"), ("vi", "")]
    assert [text for text, _ in found].count("emacs") == 1


def test_a_folder_is_not_offered_to_be_overwritten(server: ScriptedServer, tmp_path: Path) -> None:
    ran = session(server.will(answer("```\ncode\n```")).url, "hi", f"/write {tmp_path}")
    assert f"{tmp_path} is a folder." in ran.screen.replace("\n", " ")


@pytest.mark.parametrize("word", ["none", "OFF", "clear", "reset", '""'])
def test_words_that_take_the_system_prompt_away(server: ScriptedServer, word: str) -> None:
    ran = session(server.url, '/system "Be brief."', f"/system {word}")
    assert "System prompt: Be brief.\n" in ran.screen
    assert "There is no system prompt." in ran.screen
    assert ran.chat.system == ""


def test_what_is_decided_at_the_start_is_not_said_to_have_changed(server: ScriptedServer) -> None:
    ran = session(server.url, "/settings store off", "/settings store off --save", settings=load())
    assert "store is decided when llmchat starts; nothing has changed." in ran.screen
    assert "store is off from the next start on." in ran.screen
    assert ran.chat.preferences.store
    assert not load().preferences.store


def test_help_has_whole_paragraphs_and_each_example_on_a_line_of_its_own(here: ScriptedServer) -> None:
    shown = session(here.url, "/help sweep").screen
    assert "With several parameters (`k=v,v k=v,v`) it asks for every combination" in shown
    assert "\n  /sweep seed x5\n" in shown


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("/help theme", "theme is auto.\nThe colours"),
        ("/help num_ctx", "OLLAMA_CONTEXT_LENGTH"),
        ("/help open", "/open WHICH\n"),
        ("/help tr", "/tr is: Translate into $1: $*"),
        ("/tr", "/tr needs a word after it."),
        ("/copy everything", "It copies `code`, `all`, or a message by its number."),
        ("/stats foo", "/stats takes all, on or off, not 'foo'."),
        ("/diff", "There is only one so far; `/regen` asks for another."),
        ("/reset", "A new conversation."),
        ("/drop", "Nothing is attached."),
        ("/config theme", "theme is auto."),
        ("/settings theme --save", "theme is auto. Saved in"),
    ],
)
def test_what_is_meant_is_found(here: ScriptedServer, line: str, told: str) -> None:
    lines = (f"/server {here.url}", "/alias tr Translate into $1: $*", "hi", line)
    ran = session(here.url, *lines, settings=load())
    assert told in ran.screen
