"""The log has each request and each answer, and no key."""

import json
import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from llmchat.config.settings import Settings, with_url
from llmchat.errors import UsageError
from llmchat.wire.log import REMOVED, Log, Redactor
from tests.cutting import cut, cuts
from tests.scripted import Reply, Request, ScriptedServer, answer, refuse, serving
from tests.session import Session, session

pytestmark = pytest.mark.each_flavour

KEY = 'sk-ab/cd"\\ef'


def logged(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def chat_lines(path: Path) -> list[dict[str, Any]]:
    """The lines of the last chat request."""
    lines = logged(path)
    last = max(line["exchange"] for line in lines if line.get("method") == "POST")
    return [line for line in lines if line["exchange"] == last]


def run(server: ScriptedServer, path: Path, *lines: str, key: str = "", url: str = "") -> Session:
    settings = replace(with_url(Settings(program_key=key), url or server.url), log=path)
    return session(server.url, *lines, settings=settings)


def test_each_request_and_answer_is_in_it(server: ScriptedServer, tmp_path: Path) -> None:
    server.will(answer("fine"))
    path = tmp_path / "log"
    ran = run(server, path, "hi")
    assert f"Requests and answers are written to {path}, without keys." in ran.screen
    request, head, *pieces, end = chat_lines(path)
    assert (request["what"], request["url"]) == ("request", f"{server.url}/v1/chat/completions")
    assert json.loads(request["body"]) == server.requests[0].body
    assert (head["what"], head["status"], head["headers"]["Content-Type"]) == (
        "answer",
        200,
        "text/event-stream",
    )
    sent = b"".join(piece for piece in answer("fine")).decode()
    assert "".join(piece["text"] for piece in pieces) == sent
    assert (end["what"], end["error"]) == ("end", "")
    assert {line["url"] for line in logged(path) if line.get("method") == "GET"} >= {
        f"{server.url}/v1/models"
    }


def test_what_broke_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with serving() as server:
        server.will(Reply([b"data: {", b"\xff"], cut=True))
        run(server, path, "hi")
    *_, piece, end = chat_lines(path)
    assert piece["text"].endswith("\N{REPLACEMENT CHARACTER}")
    assert end["error"]


def echoing(request: Request) -> Reply:
    """A server that shows the key in every place that it has."""
    told = request.headers["authorization"]
    body = json.dumps({"error": {"message": f"{told} is no key"}}).replace("/", "\\/").encode()
    return Reply([body[:30], 0.05, body[30:]], 401, "application/json", {"X-Echo": told, "Set-Cookie": "a=b"})


def test_no_key_is_in_it(server: ScriptedServer, tmp_path: Path) -> None:
    server.pages["/v1/models"] = Reply([KEY.encode()], 401)
    server.will(echoing)
    path = tmp_path / "log"
    ran = run(server, path, f"my key is {KEY}", key=KEY)
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    text = path.read_text(encoding="utf-8")
    told = json.dumps(logged(path), ensure_ascii=False)
    for part in ("sk-ab", "cd\\", "a=b", "ef is no key"):
        assert part not in text, part
        assert part not in told, part
    request, head, *_ = chat_lines(path)
    assert request["headers"]["Authorization"] == REMOVED
    assert head["headers"]["X-Echo"] == f"Bearer {REMOVED}"
    assert f"my key is {REMOVED}" in request["body"]
    assert ran.conversation.nodes[0].message.content == f"my key is {KEY}"


def test_a_key_that_is_typed_is_not_in_it_either(server: ScriptedServer, tmp_path: Path) -> None:
    server.will(answer("fine"))
    path = tmp_path / "log"
    settings = replace(with_url(Settings(), server.url), log=path)
    session(server.url, "hi", settings=settings, on_chat=lambda chat: chat.connection.use_key("sk-typed"))
    assert server.requests[0].headers["authorization"] == "Bearer sk-typed"
    assert "sk-typed" not in path.read_text(encoding="utf-8")


TEXTS = st.text("sk-ab/c", max_size=30)


@given(st.lists(TEXTS.filter(bool), min_size=1, max_size=3), st.lists(TEXTS | st.just("sk-abc"), max_size=6))
@example(["abc", "abcdef"], ["xabc", "def"])
@example(["xab", "abq"], ["xab", "z"])
def test_no_secret_is_left_however_a_text_is_cut(secrets: list[str], pieces: list[str]) -> None:
    redactor = Redactor(secrets)
    shown = [redactor.feed(piece) for piece in pieces] + [redactor.feed("", final=True)]
    rest = "".join(shown).split(REMOVED)
    assert [part for part in rest for secret in secrets if secret in part] == []


def test_a_text_without_secrets_is_as_it_was() -> None:
    for pieces in cuts("sk-a sk-ab sk- b"):
        redactor = Redactor(["sk-abc"])
        assert "".join([*map(redactor.feed, pieces), redactor.feed("", final=True)]) == "".join(pieces)
    redactor = Redactor([""])
    assert redactor.feed("x") == "x"


def test_what_cannot_become_a_secret_comes_at_once() -> None:
    redactor = Redactor(["sk-abc"])
    assert [redactor.feed(piece) for piece in cut("x sk-x y", [4, 5])] == ["x ", "", "sk-x y"]


def test_it_is_for_its_owner_alone_and_added_to(server: ScriptedServer, tmp_path: Path) -> None:
    server.will(answer("fine"))
    path = tmp_path / "log"
    path.write_text('{"exchange": 0, "what": "earlier"}\n', encoding="utf-8")
    path.chmod(0o644)
    run(server, path, "hi")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert logged(path)[0] == {"exchange": 0, "what": "earlier"}
    assert len(logged(path)) > 4


def test_a_log_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written: Is a directory"):
        Log(tmp_path)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has a device that is full")
def test_a_full_disk_ends_the_log_and_not_the_chat(server: ScriptedServer) -> None:
    server.will(answer("fine"))
    ran = run(server, Path("/dev/full"), "hi", "again")
    assert ran.screen.count("/dev/full can no longer be written: No space left on device.") == 1
    assert len(ran.said) == 4


def test_the_flag(server: ScriptedServer, tmp_path: Path) -> None:
    server.will(answer("fine"))
    path = tmp_path / "log"
    command = [sys.executable, "-m", "llmchat", "-u", server.url, "--log", str(path), "hi"]
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, b"fine\n")
    assert f"written to {path}, without keys".encode() in done.stderr
    assert chat_lines(path)[0]["what"] == "request"


def test_refusals_are_in_it_whole(server: ScriptedServer, tmp_path: Path) -> None:
    server.will(refuse(500, "x" * 5000))
    path = tmp_path / "log"
    run(server, path, "hi")
    assert "".join(line.get("text", "") for line in chat_lines(path)) == "x" * 5000
