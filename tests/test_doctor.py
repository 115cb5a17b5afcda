"""`llmchat --doctor`: a line for each thing, and what can be done about it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import llmchat
from tests.scripted import ScriptedServer, models, page, refuse, serving
from tests.terminal import terminal


def doctor(*flags: str, code: int) -> list[str]:
    """The lines that it prints."""
    command = [sys.executable, "-m", "llmchat", "--doctor", *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stderr) == (code, "")
    return done.stdout.splitlines()


def about(lines: list[str], word: str) -> str:
    return next(line for line in lines if word in line)


@pytest.fixture
def lm_studio() -> Iterator[ScriptedServer]:
    """A server that says it is LM Studio, with one model loaded."""
    listed = [{"key": "qwen", "type": "llm", "loaded_instances": [{"id": "qwen", "config": {}}]}]
    with serving() as server:
        server.pages["/api/v1/models"] = page({"models": listed})
        server.pages["/v1/models"] = models("qwen", "b", "c", "d")
        yield server


def test_what_is_installed_and_what_answers_is_told(lm_studio: ScriptedServer, home: Path) -> None:
    lines = doctor("-u", lm_studio.url, code=0)
    assert lines[0].startswith("ok     llmchat   ")
    assert lines[0].endswith(f", at {Path(llmchat.__file__).parent}")
    assert about(lines, "requests").startswith("ok     package   requests 2.")
    assert about(lines, "xllamacpp").startswith("ok ")
    assert about(lines, "settings.toml").startswith("none   settings  ")
    assert about(lines, "chats.db").startswith("none   chats     ")
    assert f"ok     server    {lm_studio.url} is LM Studio: qwen (loaded), b, c and 1 more" in lines


def test_each_server_of_the_settings_is_asked(lm_studio: ScriptedServer, home: Path) -> None:
    with serving() as locked, serving() as silent:
        locked.pages["/v1/models"] = refuse(401, {"error": "no key"})
        silent.close()
        (home / "config").mkdir(parents=True)
        (home / "config" / "settings.toml").write_text(
            f'url = "{lm_studio.url}"\n'
            f'[servers.locked]\nurl = "{locked.url}"\n'
            f'[servers.off]\nurl = "{silent.url}"\n'
        )
        lines = doctor(code=1)
    assert about(lines, "settings.toml").startswith("ok     settings  ")
    assert about(lines, "locked, ").startswith("wrong  server ")
    assert "wants a key: LLMCHAT_API_KEY" in about(lines, "locked, ")
    assert about(lines, "off, ").startswith(f"none   server    off, {silent.url} does not answer; ")


def test_what_is_wrong_is_told_and_the_rest_too(home: Path) -> None:
    home.mkdir()
    (home / "data").write_text("a file, where the folder should be")
    (home / "config").mkdir()
    (home / "config" / "settings.toml").write_text("colour = 1")
    lines = doctor("-u", "http://127.0.0.1:9", code=1)
    assert "unknown key 'colour'" in about(lines, "wrong  settings")
    assert "LLMCHAT_HOME may name another folder" in about(lines, "wrong  chats")
    assert about(lines, " server ")


def test_it_is_shown_in_a_narrow_terminal(lm_studio: ScriptedServer, home: Path) -> None:
    with terminal("--doctor", "-u", lm_studio.url, home=home, columns=60) as screen:
        assert screen.wait_for_end() == 0
        assert "is LM Studio" in screen.text.replace("\n", "")
