"""A key is nowhere but in the request that it belongs to."""

import os
import socket
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scripted import ScriptedServer, answer, models, refuse, serving
from tests.terminal import terminal

KEY = "sk-very-secret"


@pytest.fixture
def here() -> Iterator[ScriptedServer]:
    """A server on this machine."""
    with serving() as running:
        yield running


def test_a_key_is_in_no_file_and_in_nothing_that_is_shown(
    here: ScriptedServer, home: Path, tmp_path: Path
) -> None:
    quoting = refuse(401, {"error": {"message": f"Incorrect API key provided: {KEY}."}})
    here.will(answer("fine"), quoting, answer("fine"))
    log = tmp_path / "log.txt"
    with terminal("-u", here.url, "--log", str(log), home=home, columns=250, LLMCHAT_API_KEY=KEY) as screen:
        screen.wait_for_prompt()
        screen.line("hi")
        screen.wait_for("first after")
        screen.wait_for_prompt()
        screen.line("hi again")
        screen.wait_for("Incorrect API key provided: [key].")
        screen.wait_until(lambda _: screen.cursor_line == "> hi again", "the question that came back")
        screen.type("\x03")
        for line in ("/last-error", "/curl", "/python", "/request", "/info", "/settings pager off"):
            screen.wait_for_prompt()
            screen.line(line)
            screen.settle()
        for ending in ("json", "jsonl", "md", "html", "py", "sh"):
            screen.wait_for_prompt()
            screen.line(f"/export {tmp_path}/chat.{ending}")
            screen.wait_for(f"chat.{ending}.")
        screen.wait_for_prompt()
        assert KEY not in screen.raw
        arguments = Path(f"/proc/{screen.child.pid}/cmdline")
        assert not arguments.exists() or KEY not in arguments.read_text()
    assert here.requests[0].headers["authorization"] == f"Bearer {KEY}"
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"chats.db", "history", "chat.sh", "log.txt"}
    assert [path.name for path in files if KEY.encode() in path.read_bytes()] == []


@pytest.mark.skipif(sys.platform == "win32", reason="other rights there")
def test_what_is_kept_is_for_the_user_alone(here: ScriptedServer, home: Path) -> None:
    here.will(answer("fine"))
    before = os.umask(0)
    try:
        with terminal("-u", here.url, home=home) as screen:
            screen.wait_for_prompt()
            screen.line("hi")
            screen.wait_for("first after")
            screen.wait_for_prompt()
            screen.line("/settings theme light --save")
            screen.wait_for("Saved in")
            rights = {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.rglob("*")}
    finally:
        os.umask(before)
    assert rights.pop("data") == rights.pop("config") == 0o700
    assert {"chats.db", "chats.db-wal", "history", "settings.toml"} <= set(rights)
    assert set(rights.values()) == {0o600}


@pytest.mark.parametrize(
    ("url", "environ", "warned"),
    [
        ("http://{here}:9", {"LLMCHAT_API_KEY": KEY}, True),
        ("https://{here}:9", {"LLMCHAT_API_KEY": KEY}, False),
        ("http://127.0.0.1:9", {"LLMCHAT_API_KEY": KEY}, False),
        ("http://{here}:9", {"OPENAI_API_KEY": KEY}, False),
    ],
)
def test_a_key_that_would_go_in_the_clear_is_warned_of(
    home: Path, url: str, environ: dict[str, str], warned: bool
) -> None:
    url = url.format(here=socket.gethostname().lower())
    with terminal("-u", url, home=home, columns=120, **environ) as screen:  # type: ignore[arg-type]
        shown = screen.wait_for("No server answers at")
        assert shown.count(f"The key goes to {url} in the clear; https would hide it on its way.") == warned


def test_a_title_names_no_path(here: ScriptedServer, home: Path, tmp_path: Path) -> None:
    here.pages["/v1/models"] = models("../../model")
    here.will(answer("fine"))
    with terminal("-u", here.url, home=home) as screen:
        screen.wait_for_prompt()
        screen.line("../../../etc/passwd")
        screen.wait_for("first after")
        screen.wait_for_prompt()
        screen.line(f"/title {tmp_path}/evil.md")
        screen.settle()
        screen.wait_for_prompt()
        screen.line("/export")
        screen.wait_for("/export needs file.")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home"]
