"""Servers with a name in the settings file: their keys, headers, models and certificate authorities."""

import contextlib
import os
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmchat.chat import Chat
from llmchat.commands import registry
from llmchat.commands.server import greeting
from llmchat.config import settings as settings_of
from llmchat.config.settings import Settings
from llmchat.errors import UnreachableError, UsageError
from llmchat.input.completion import complete
from llmchat.results import Table
from llmchat.wire.address import parse
from llmchat.wire.client import Client
from tests.scripted import Reply, ScriptedServer, answer, models, refuse, serving
from tests.session import chat_with, session, settings_for
from tests.test_one_shot import run


@pytest.fixture
def other() -> Iterator[ScriptedServer]:
    with serving() as running:
        yield running.will(answer("There."))


def settings(home: Path, text: str) -> Settings:
    """The settings of a file with this text."""
    (home / "config").mkdir(parents=True, exist_ok=True)
    (home / "config" / "settings.toml").write_text(text, encoding="utf-8")
    return settings_of.load()


def keys_sent(server: ScriptedServer) -> set[str]:
    return {request.headers.get("authorization", "") for request in server.requests + server.others}


def test_a_named_server_gets_its_own_key_headers_and_model_and_no_other_does(
    home: Path, server: ScriptedServer, other: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORK_KEY", "secret-of-work")
    server.will(answer("Here."))
    server.pages["/v1/models"] = models("a", "b")
    given = settings(
        home,
        f'url = "{other.url}"\n[servers.work]\nurl = "{server.url}"\nkey_env = "WORK_KEY"\n'
        'model = "b"\nheaders = {X-Team = "tinkerers"}\n',
    )
    ran = session(other.url, "hi", "/server work", "hi", f"/server {other.url}", "hi", settings=given)
    assert keys_sent(server) == {"Bearer secret-of-work"}
    assert keys_sent(other) == {""}
    assert {request.headers.get("x-team") for request in server.requests + server.others} == {"tinkerers"}
    assert [request.body["model"] for request in server.requests] == ["b"]
    assert not any("x-team" in request.headers for request in other.requests)
    assert "secret" not in ran.screen


def test_its_address_is_enough_to_be_sent_its_key(
    home: Path, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORK_KEY", "secret-of-work")
    given = settings(home, f'[servers.work]\nurl = "{server.url}/v1"\nkey_env = "WORK_KEY"\n')
    session(server.url, f"/server {server.url}", settings=given)
    assert keys_sent(server) == {"Bearer secret-of-work"}


def test_u_takes_a_name(home: Path, server: ScriptedServer, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-a-file\n", encoding="utf-8")
    (tmp_path / "key").chmod(0o600)
    server.will(answer("Here."))
    settings(home, f'[servers.work]\nurl = "{server.url}"\nkey_file = "{tmp_path}/key"\nmodel = "mine"\n')
    done = run("-u", "work", "hi")
    assert (done.returncode, done.stdout) == (0, b"Here.\n")
    run("-u", "work", "-m", "other", "hi")
    assert keys_sent(server) == {"Bearer from-a-file"}
    assert [request.body["model"] for request in server.requests] == ["mine", "other"]
    assert b"from-a-file" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights.")
def test_a_key_file_that_others_can_read_is_told(home: Path, server: ScriptedServer, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k", encoding="utf-8")
    (tmp_path / "key").chmod(0o644)
    given = settings(home, f'[servers.work]\nurl = "{server.url}"\nkey_file = "{tmp_path}/key"\n')
    screen = session(server.url, "/server work", settings=given).screen
    assert f"The key file {tmp_path}/key can be read by others: chmod 600" in screen


# What a table lacks, and what is said when its server is taken.
LACKING = {
    'key_env = "NO_SUCH_KEY"': "NO_SUCH_KEY, which is to hold the key of work, is not set.",
    'key_file = "/no/such/file"': "The key file /no/such/file cannot be read: No such file or directory.",
    'ca_file = "/no/such/file"': "There is no CA file /no/such/file.",
}


@pytest.mark.parametrize("line", LACKING)
def test_what_is_lacking_is_told_when_the_server_is_taken(
    home: Path, server: ScriptedServer, line: str
) -> None:
    given = settings(home, f'[servers.work]\nurl = "{server.url}"\n{line}\n')
    assert session(server.url, "/server work", "/server", settings=given).screen.count(LACKING[line]) == 2


WRONG = {
    "[servers]\nwork = 3": "needs a url",
    "[servers.work]\nmodel = 'm'": "needs a url",
    "[servers.work]\nurl = ''": "is no server address",
    "[servers.work]\nurl = 'localhost:1'\nkey = 'sk-1'": "has a key in it",
    "[servers.work]\nurl = 'localhost:1'\nheaders = {Authorization = 'Bearer x'}": "has a key in its headers",
    "[servers.work]\nurl = 'localhost:1'\nheaders = {X = 3}": "is a table of texts",
    '[servers.work]\nurl = "localhost:1"\nheaders = {X = "a\\nb"}': "cannot be sent",
    "[servers.work]\nurl = 'localhost:1'\nkey_env = 'A'\nkey_file = 'b'": "both key_env and key_file",
    "[servers.work]\nurl = 'localhost:1'\ncontext = '8k'": "is a number of tokens",
    "[servers.work]\nurl = 'localhost:1'\nca_file = 3": "ca_file of [servers.work] is a text",
    "[servers.work]\nurl = 'localhost:1'\nmodle = 'm'": "unknown key 'modle'",
    "[servers.7]\nurl = 'localhost:1'": "cannot be called '7'",
    "[servers.demo]\nurl = 'localhost:1'": "cannot be called 'demo'",
    "servers = 'work'": "servers is a table",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_table_is_refused_in_a_sentence(home: Path, text: str) -> None:
    with pytest.raises(UsageError) as raised:
        settings(home, text)
    assert WRONG[text] in raised.value.sentence
    assert "sk-1" not in raised.value.sentence + raised.value.hint


def test_names_are_completed_and_listed(home: Path, server: ScriptedServer) -> None:
    given = settings(home, f'[servers.work]\nurl = "{server.url}"\nkey_env = "WORK_KEY"\nmodel = "m"\n')
    (found,) = complete(registry, chat_with(given), "/server wo")
    assert (found.text, found.meaning) == ("work", f"{server.url}, model m, key in WORK_KEY")
    assert f"work  {server.url}, model m, key in WORK_KEY" in session("", "/server", settings=given).screen


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate authority of our own, `ca.pem`, and what it signed for 127.0.0.1."""
    folder = tmp_path_factory.mktemp("tls")
    (folder / "ext").write_text("subjectAltName=IP:127.0.0.1\n", encoding="utf-8")
    new_key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
    usage = "-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign"
    sign = "x509 -req -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext"
    for line in (
        f"req -x509 {new_key} -subj /CN=ours -days 2 {usage} -keyout ca.key -out ca.pem",
        f"req {new_key} -subj /CN=127.0.0.1 -keyout server.key -out server.csr",
        f"{sign} -in server.csr -out server.pem",
    ):
        subprocess.run(["openssl", *line.split()], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def encrypted(authority: Path) -> Iterator[ScriptedServer]:
    """A server that speaks TLS with a certificate that only our own authority vouches for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "server.pem", authority / "server.key")
    with serving(tls=context) as running:
        yield running.will(answer("Safe."))


def test_a_ca_file_makes_its_certificates_trusted(
    home: Path, encrypted: ScriptedServer, authority: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What requests would take from the environment does not take its place.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority / "server.key"))
    given = settings(home, f'[servers.work]\nurl = "{encrypted.url}"\nca_file = "{authority}/ca.pem"\n')
    ran = session("", "/server work", "hi", settings=given)
    assert ran.said[-1] == ("assistant", "Safe.")


def test_without_it_they_are_not(encrypted: ScriptedServer) -> None:
    stream = Client(parse(encrypted.url)).chat({"model": "m", "messages": []})
    with pytest.raises(UnreachableError, match="no trusted TLS") as raised:
        stream.wait()
    assert "ca_file" in raised.value.hint
    assert encrypted.requests == []


def test_that_is_told_before_any_question(encrypted: ScriptedServer) -> None:
    with contextlib.closing(Chat(settings_for(encrypted.url))) as chat:
        assert chat.connection.found()
        told = greeting(chat)
        assert f"{parse(encrypted.url)} gives no trusted TLS: " in told
        assert "ca_file" in told
        assert "No server answers" not in told
        with pytest.raises(UsageError, match="no trusted TLS"):
            registry.run(chat, "/models")
        shown = registry.run(chat, "/server")
        assert isinstance(shown, Table)
        assert "no trusted TLS" in shown.rows[0][1]


def test_nor_with_a_file_that_is_no_certificate(encrypted: ScriptedServer, authority: Path) -> None:
    client = Client(parse(encrypted.url), ca_file=str(authority / "server.key"))
    assert client.get("/v1/models") is None
    with pytest.raises(UnreachableError):
        client.chat({"model": "m", "messages": []}).wait()


def test_its_preset_is_taken_with_it(home: Path, server: ScriptedServer) -> None:
    server.will(answer("Here."))
    given = settings(home, f'[servers.work]\nurl = "{server.url}"\npreset = "deterministic"\n')
    session(server.url, "/server work", "hi", settings=given)
    assert server.requests[-1].body["top_k"] == 1
    run("-u", "work", "hi")
    assert server.requests[-1].body["top_k"] == 1


def test_a_litellm_that_hides_that_it_wants_a_key_is_seen_through(server: ScriptedServer) -> None:
    """Without the database that it looks keys up in, it says 500 to whoever has none."""
    broken = refuse(500, "Internal Server Error")
    server.pages = {"/v1/models": broken, "/health/liveliness": Reply([b"I'm alive!"])}
    server.will(broken)
    with contextlib.closing(Chat(settings_for(server.url))) as chat:
        assert chat.connection.found()
        assert "LiteLLM at " in greeting(chat)
        assert "wants a key: `/key` takes one" in greeting(chat)
    assert "The server wants a key: `/key` in a chat" in session(server.url, "hi").screen
