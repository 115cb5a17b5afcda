"""The documentation says what the program does: all that stands in it is run."""

import base64
import contextlib
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from docs.transcripts import TUTORIAL, filled, masked, typed
from llmchat.commands import registry
from llmchat.config import settings as settings_file
from llmchat.config.settings import Settings, config_folder
from llmchat.errors import LlmchatError
from llmchat.input.lines import split_command
from llmchat.launch.flags import parser
from tests import pages
from tests.scripted import ScriptedServer, chunk, models, serving, sse
from tests.session import perform

COMMANDS = sorted({line for page in pages.PAGES for line in pages.slash_lines(page)})
CALLS = sorted({tuple(call) for page in pages.PAGES for call in pages.shell_lines(page)})
SETTINGS = [text for page in pages.PAGES for text in pages.blocks(page, "toml")]
SCRIPTS = [text for page in pages.PAGES for text in pages.blocks(page, "python")]

ANSWER = 'Here:\n\n```python\nprint("hello")\n```\n\n```json\n{"n": 1}\n```\n'
EARLIER = ("one", "/clear", "two", "/clear", "python words", "more", "/regen", "again", "last", "/regen")
FILES = {
    "person.json": json.dumps({"type": "object"}).encode(),
    "yes.gbnf": b'root ::= "yes"',
    "src/a.py": b"print(1)",
    "cat.png": base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    ),
}
# What must have been typed before a command means something.
BEFORE = {
    "/compare": "/compare qwen llama",
    "/detach": "/file src/a.py",
    "/export lanes.csv": "/compare qwen llama",
    "/export sweep lanes.html": "/compare qwen llama",
    "/fix": "/json on",
    "/preset save mine": "/top_k 40",
    "/preset save mine For my notes.": "/top_k 40",
    "/remember": "/forget 2",
    "/stats": "a question",
    "/stats all": "a question",
}
# What the machine or the server of a test need not have, and what is said then.
MISSING = {
    "/fix": "The answer is not as was asked for",
    "/copy": "There is no clipboard here.",
    "/last_error": "There was no error.",
    "/server 1": "There is no server number 1.",
}


@pytest.fixture(scope="module")
def answering() -> Iterator[ScriptedServer]:
    """A server with two models, whose answers have two blocks of code, and log-probabilities."""
    with serving() as server:
        server.pages["/v1/models"] = models("qwen3-8b", "llama-3.2-3b-instruct", owned_by="llamacpp")
        yield server.will(sse(*map(said, re.findall(r"\s*\S+", ANSWER)), chunk(finish="stop")))


def said(word: str) -> dict[str, Any]:
    """A chunk with a word, how sure the model was of it, and what else could have stood there."""
    others = [{"token": f" {other}", "logprob": -2.0} for other in ("perhaps", "never")]
    told = {"token": word, "logprob": -0.5, "top_logprobs": [{"token": word, "logprob": -0.5}, *others]}
    made = chunk(word)
    made["choices"][0]["logprobs"] = {"content": [told]}
    return made


def settings_of(home: Path, url: str) -> Settings:
    """The settings of a file that names this server, as itself and as two of a name."""
    file = config_folder({"LLMCHAT_HOME": str(home)}) / "settings.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    named = "".join(f'[servers.{name}]\nurl = "{url}"\n' for name in ("work", "big"))
    file.write_text(f'url = "{url}"\n{named}', encoding="utf-8")
    return settings_file.load({"LLMCHAT_HOME": str(home)})


@pytest.fixture(scope="module")
def kept(answering: ScriptedServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with three conversations, the last of which has four questions, two of them asked again."""
    home = tmp_path_factory.mktemp("kept")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LLMCHAT_HOME", str(home))
        perform(settings_of(home, answering.url), *EARLIER, "/title My notes")
    return home / "data"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the documentation speaks of; it is the one to work in."""
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    monkeypatch.chdir(tmp_path)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "TMUX"):  # the user's own clipboard stays as it is
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_works(line: str, answering: ScriptedServer, kept: Path, home: Path) -> None:
    word = split_command(line)[0]
    assert registry.knows(word)
    command = registry.find(word)
    named_alone = line == f"/{word}" and command and re.search(r" [A-Z_]+", command.usage)
    if named_alone or pages.has_placeholder(line):
        return
    shutil.copytree(kept, home / "data")
    before = [BEFORE[line]] if line in BEFORE else []
    with may_say(MISSING.get(line) or MISSING.get(f"/{word}")):
        perform(settings_of(home, answering.url), "/open My notes", *before, line)


@contextlib.contextmanager
def may_say(sentence: str | None) -> Iterator[None]:
    """Lets an error pass that begins with this sentence."""
    try:
        yield
    except LlmchatError as error:
        if not sentence or not error.sentence.startswith(sentence):
            raise


@pytest.mark.parametrize("call", CALLS, ids=" ".join)
def test_every_call_is_understood(call: tuple[str, ...]) -> None:
    if len(call) == 1 and call[0].startswith("-"):
        assert re.search(rf"(?<!\S){call[0]}\b", parser().format_help())
    else:
        parser().parse_args(call)


@pytest.mark.parametrize("text", SETTINGS)
def test_every_settings_file_is_read(text: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORK_KEY", "k")
    file = config_folder({"LLMCHAT_HOME": str(home)}) / "settings.toml"
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    assert settings_file.load() != settings_file.Settings(file=file)


@pytest.mark.parametrize("text", SCRIPTS)
def test_every_script_runs(
    text: str, answering: ScriptedServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMCHAT_URL", answering.url)
    exec(text.replace("localhost:1234", answering.url.removeprefix("http://")), {})
    assert 'print("hello")' in capsys.readouterr().out


@pytest.mark.parametrize("page", sorted([*pages.ROOT.glob("*.md"), *pages.ROOT.glob("docs/*.md")]))
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (page.parent / target).exists()] == []


def test_a_newcomer_comes_from_a_fresh_clone_to_the_end_of_the_tutorial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The README's first command, with packages from where pip takes them; then without a network.

    What the tutorial shows is what the program shows, as it was committed last.
    """
    subprocess.run(["git", "clone", "-q", str(pages.ROOT), str(tmp_path / "llmchat")], check=True)
    monkeypatch.chdir(tmp_path / "llmchat")
    install, _, start = pages.blocks(Path("README.md"), "sh")[0].strip().rpartition(" && ")
    subprocess.run(install, shell=True, check=True, timeout=600)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    page = Path("docs/tutorial.md").read_text(encoding="utf-8")
    assert masked(filled(page, start.split())) == masked(page), "python -m docs.transcripts writes it anew"


@pytest.mark.parametrize(
    "part", ["/server", "/model", "/request", "/curl", "/temperature", "/max_tokens", "/n ", "/sweep "]
)
def test_the_tutorial_follows_the_request(part: str) -> None:
    assert any(line.startswith(part) for line in typed(TUTORIAL.read_text(encoding="utf-8")))


def test_what_varies_in_a_session_is_masked_and_nothing_else() -> None:
    shown = "7 tokens · 2,644 tokens/s · first after 9 ms\nat http://127.0.0.1:38691 there\n7 of 9"
    again = "7 tokens · 811 tokens/s · first after 1.2 s\nat http://127.0.0.1:40000 there\n7 of 9"
    assert masked(shown) == masked(again)
    assert masked(shown) != masked(again.replace("7 of 9", "7 of 8"))
    assert masked(shown) != masked(again.replace("7 tokens", "8 tokens"))
