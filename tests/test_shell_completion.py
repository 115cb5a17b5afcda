"""The completion scripts in real shells, and the names that they ask the program for."""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmchat.config.settings import data_folder
from llmchat.launch.flags import SHELLS, parser
from llmchat.launch.names import names
from llmchat.launch.opening import STORE
from llmchat.launch.shell_completion import script
from llmchat.messages import Conversation
from llmchat.store.records import Record
from llmchat.store.writing import Store
from tests.scripted import Reply, ScriptedServer, models, serving
from tests.terminal import Terminal

TAB, LEFT = "\t", "\x1b[D"
BARE = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
READY = {
    "bash": "",
    "zsh": "autoload -Uz compinit; compinit -D;",
    "fish": "function fish_prompt; echo '$ '; end;",
}
# Names are the program's own; a whole line only tells what the shell has made of it.
PROGRAM = f"""#!/bin/sh
[ "$1" = --names ] && exec {sys.executable} -m llmchat "$@"
for word; do shown="$shown<$word>"; done
printf '%s\\n' "$shown"
"""

TITLE = 'it\'s "one" $(touch x) `touch x` a\\b'
MODEL = "a$(touch x)'b\\c d"
WORDS = {
    f"--temper{TAB}1 -p repeat_p{TAB}1 --sweep repeat_p{TAB}1 --local mod{TAB}": (
        "<--temperature><1><-p><repeat_penalty=1><--sweep><repeat_penalty=1><--local><model.gguf>"
    ),
    f"-u localhost:114{TAB} -x /temper{TAB}--completion f{TAB}": (
        "<-u><localhost:11434><-x></temperature><--completion><fish>"
    ),
    f"-u wo{TAB}-m qwen3:8{TAB}--open it{TAB}": f"<-u><work><-m><qwen3:8b><--open><{TITLE}>",
    f"-u work -m 'a{TAB}": f"<-u><work><-m><{MODEL}>",
    f'--open "it\'s \\"o{TAB}': f"<--open><{TITLE}>",
    f'--open "Wow{TAB}': "<--open><Wow!now: a=b; *>",
}
"""What is typed, and the words that the program is given."""

BEFORE_ITS_SERVER = f"-m qwen3:8 -u 'work'{LEFT * 10}{TAB}"


@pytest.fixture
def there() -> Iterator[ScriptedServer]:
    """A server with names that a shell could misunderstand."""
    with serving() as running:
        running.pages["/v1/models"] = models("qwen3:8b", MODEL)
        yield running


@pytest.fixture
def kept(home: Path) -> Iterator[Store]:
    """A store with titles of that kind, the newest last."""
    path = data_folder(os.environ) / STORE
    with contextlib.closing(Store(path)) as store:
        for title in (TITLE, "Wow!now: a=b; *", "12", "-x", "an\x1b[2J escape", ""):
            store.add(Record(title, Conversation()))
        yield store


@contextlib.contextmanager
def completing(shell: str, folder: Path) -> Iterator[Terminal]:
    """This shell in a pty, with our completion, in a folder with `model.gguf`."""
    assert shutil.which(shell), f"This test needs {shell}: install it (apt-get install {shell})."
    (folder / "bin").mkdir()
    (folder / "bin" / "llmchat").write_text(PROGRAM)
    (folder / "bin" / "llmchat").chmod(0o755)
    (folder / "script").write_text(script(shell, parser()))
    (folder / "here").mkdir()
    (folder / "here" / "model.gguf").touch()
    path = f"{folder}/bin:{os.environ['PATH']}"
    environ = {"PS1": "$ ", "HISTFILE": "", "PATH": path, "PYTHONPATH": os.getcwd()}
    screen = Terminal(BARE[shell], 160, 50, environ)
    try:
        screen.line(f"cd {folder}/here; {READY[shell]} source ../script; echo re''ady")
        screen.wait_for("ready")
        yield screen
    finally:
        screen.child.close(force=True)


@pytest.mark.parametrize("shell", SHELLS)
def test_flags_values_and_names_are_completed(
    shell: str, tmp_path: Path, home: Path, kept: Store, there: ScriptedServer
) -> None:
    kept.close()
    (home / "config").mkdir()
    (home / "config" / "settings.toml").write_text(f'[servers.work]\nurl = "{there.url}"\n')
    before = sorted(home.rglob("*"))
    with completing(shell, tmp_path) as screen:
        for typed, words in WORDS.items():
            screen.line(f"llmchat {typed}")
            screen.wait_for(words)
        if shell != "fish":
            screen.line(f"llmchat {BEFORE_ITS_SERVER}")
            screen.wait_for("<-m><qwen3:8b><-u><work>")
    assert sorted(home.rglob("*")) == before
    assert [file.name for file in (tmp_path / "here").iterdir()] == ["model.gguf"]


def test_fish_shows_meanings(tmp_path: Path) -> None:
    with completing("fish", tmp_path) as screen:
        screen.type(f"llmchat -u localhost:11{TAB}")
        screen.line("; complete -C 'llmchat --temp'; complete -C 'llmchat -u localhost:1'")
        screen.wait_for("0 is deterministic")
        screen.wait_for("LM Studio")


def test_titles_that_cannot_be_typed_are_told_by_their_number(kept: Store) -> None:
    """The store is in use, and what was written last stands in its log."""
    by_number = ["6", "5\tan␛[2J escape", "4\t-x", "3\t12"]
    assert list(names("chats", [])) == [*by_number, "Wow!now: a=b; *", TITLE]


@pytest.mark.parametrize("kind", ["servers", "models", "chats", "commands", "nonsense"])
def test_nothing_is_made_and_no_error_is_shown(kind: str, home: Path) -> None:
    (home / "config").mkdir(parents=True)
    (home / "config" / "settings.toml").write_text("broken")
    before = sorted(home.rglob("*"))
    command = [sys.executable, "-m", "llmchat", "--names", kind, "-h", "-u", "", "--url"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("", "")
    assert sorted(home.rglob("*")) == before


def test_a_server_has_a_second_to_list_its_models(there: ScriptedServer) -> None:
    there.pages["/v1/models"] = Reply([b"{", 0.3] * 60)
    begun = time.monotonic()
    assert list(names("models", ["-u", there.url, "-m", ""])) == []
    assert time.monotonic() - begun < 9
    assert list(names("models", ["--demo", "-m", ""])) == []
