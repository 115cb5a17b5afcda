"""Files that go with a message: which are meant, what is sent of them, and what is kept and shown."""

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from llmchat.commands import registry
from llmchat.errors import UsageError
from llmchat.input import completion
from llmchat.input.attachments import dropped, found, mentioned, output_of
from llmchat.input.lines import Line
from llmchat.messages import Attachment
from llmchat.store import exports
from llmchat.store.scripts import json_text
from tests.scripted import ScriptedServer, answer, refuse
from tests.session import session
from tests.terminal import terminal


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with files, the current one."""
    here = tmp_path / "here"
    (here / "src").mkdir(parents=True)
    (here / "src" / "main.py").write_text("print('hi')\n")
    (here / "src" / "other.py").write_text("x = 1")
    (here / "src" / ".hidden").write_text("no")
    (here / "src" / "blob.bin").write_bytes(b"\x00\x01\x02")
    (here / "my notes.txt").write_text("Fences: ```` inside.\n")
    (here / "latin.txt").write_bytes("Grüße".encode("cp1252"))
    (here / "wide.txt").write_text("Grüße", encoding="utf-16")
    monkeypatch.chdir(here)
    return here


def names(attachments: tuple[Attachment, ...]) -> list[str]:
    return [one.name for one in attachments]


def sent(server: ScriptedServer, number: int = -1) -> str:
    """The text of the last message of a request."""
    return str(server.requests[number].body["messages"][-1]["content"])


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("src/main.py", ["src/main.py"]),
        ("src", ["src/main.py", "src/other.py"]),
        ("src/*.py", ["src/main.py", "src/other.py"]),
        ("my notes.txt", ["my notes.txt"]),
        ("'my notes.txt'", ["my notes.txt"]),
        (r"my\ notes.txt", ["my notes.txt"]),
        ("latin.txt 'my notes.txt'", ["latin.txt", "my notes.txt"]),
        ("./src/../src/main.py", ["src/../src/main.py"]),
    ],
)
def test_a_path_a_pattern_and_a_folder_mean_files(words: str, meant: list[str]) -> None:
    assert names(found(words)) == meant


def test_a_text_stands_in_a_fence_longer_than_any_inside() -> None:
    (notes,) = found("my notes.txt")
    assert notes.data == "my notes.txt:\n`````txt\nFences: ```` inside.\n`````"
    (other,) = found("src/other.py")
    assert other.data == "src/other.py:\n```py\nx = 1\n```"


@pytest.mark.parametrize("name", ["latin.txt", "wide.txt"])
def test_other_encodings_are_read(name: str) -> None:
    (one,) = found(name)
    assert one.data == f"{name}:\n```txt\nGrüße\n```"


def test_what_cannot_be_attached_is_refused_in_a_sentence(folder: Path) -> None:
    (folder / "large.txt").write_text("x" * 1_000_001)
    os.mkfifo(folder / "pipe")
    (folder / "many").mkdir()
    for number in range(101):
        (folder / "many" / f"{number}.txt").touch()
    (folder / "empty").mkdir()
    refused = {
        "nothing.txt": "There is no file 'nothing.txt'.",
        "src/main.py nothing.txt": "There is no file 'nothing.txt'.",
        "x" * 5000: "There is no file",
        "a\0b": "There is no file",
        "src/blob.bin": "src/blob.bin is neither a text nor an image.",
        "large.txt": "large.txt has 1 MB; 1 MB is the most.",
        "pipe": "pipe is no file that can be read.",
        "many": "'many' is more than 100 files.",
        "empty": "There is no file in the folder 'empty'.",
        "'": "There is no file",
    }
    for words, sentence in refused.items():
        with pytest.raises(UsageError) as caught:
            found(words)
        assert sentence in caught.value.sentence
        assert caught.value.hint


def test_the_name_of_the_home_folder_is_not_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.chdir("/")
    assert names(found(str(folder / "latin.txt"))) == ["~/latin.txt"]
    assert names(found("~/latin.txt")) == ["~/latin.txt"]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("what is @src/main.py?", ["src/main.py"]),
        ("@latin.txt, @latin.txt and @src/*.py.", ["latin.txt", "src/main.py", "src/other.py"]),
        ('see @"my notes.txt" (@my\\ notes.txt)', ["my notes.txt"]),
        ("mail me@latin.txt or @someone", []),
    ],
)
def test_a_message_names_files(text: str, meant: list[str]) -> None:
    assert names(mentioned(text)[0]) == meant


def test_what_looks_like_a_file_and_is_none_is_told() -> None:
    assert mentioned("@src/man.py, @types/node @override @me")[1] == ("src/man.py",)


def test_a_dropped_path_is_a_line_of_its_own(folder: Path) -> None:
    path = folder / "my notes.txt"
    for line in (str(path), f"'{path}' ", str(path).replace(" ", "\\ "), path.as_uri()):
        assert dropped(line) == str(path)
    for line in ("my notes.txt", f"what is {path}", str(folder), "/no/such file", "hello", f"{path}\n{path}"):
        assert dropped(line) == ""


def test_a_file_goes_with_the_next_message_and_no_other(server: ScriptedServer) -> None:
    server.will(answer("yes"))
    ran = session(server.url, "/file src/main.py", "/file", "explain", "thanks", "/file", "/history", "/tree")
    assert sent(server, 0) == "src/main.py:\n```py\nprint('hi')\n```\n\nexplain"
    assert sent(server, 1) == "thanks"
    assert "Attached to the next message: src/main.py (12 bytes, ~8 tokens)." in ran.screen
    assert "Nothing is attached." in ran.screen
    assert ran.screen.count("explain [src/main.py]") == 2
    assert ran.said[0] == ("user", "explain")


def test_a_refused_question_comes_back_and_its_files_stay(server: ScriptedServer) -> None:
    server.will(refuse(400, "no"), answer("yes"))
    ran = session(server.url, "/file latin.txt", "what?", "/file", "again", "/file")
    assert ran.offered[2] == "what?"
    assert "Grüße" in sent(server, 0)
    assert "Grüße" in sent(server, 1)
    assert ran.screen.rstrip().endswith("and so does `@path` in it.")


def test_a_mention_attaches_and_says_so(server: ScriptedServer) -> None:
    server.will(answer("yes"))
    ran = session(server.url, "is @latin.txt German?", "and @latin.doc?", "@src/blob.bin", "bye")
    assert sent(server, 0) == "latin.txt:\n```txt\nGrüße\n```\n\nis @latin.txt German?"
    assert "With latin.txt (" in ran.screen
    assert "There is no file latin.doc: @latin.doc is sent as it is." in ran.screen
    assert "src/blob.bin is neither a text nor an image." in ran.screen
    assert ran.offered[3] == "@src/blob.bin"
    assert len(server.requests) == 3


def test_a_paste_of_several_lines_attaches_nothing(server: ScriptedServer) -> None:
    server.will(answer("yes"))
    session(server.url, Line("@latin.txt\nis this safe?", pasted=True))
    assert sent(server) == "@latin.txt\nis this safe?"


def test_a_one_shot_question_names_files_and_what_is_piped_in_does_not(
    server: ScriptedServer, home: Path, folder: Path
) -> None:
    server.will(answer("yes"))
    command = [sys.executable, "-m", "llmchat", "-u", server.url]
    subprocess.run(
        [*command, "what is @latin.txt"], check=True, stdin=subprocess.DEVNULL, capture_output=True
    )
    assert sent(server).startswith("latin.txt:\n")
    for piped in ("@latin.txt", str(folder / "latin.txt")):
        subprocess.run(command, check=True, input=piped, text=True, capture_output=True)
        assert sent(server) == piped


def test_a_dropped_file_is_attached(server: ScriptedServer, folder: Path) -> None:
    server.will(answer("yes"))
    session(server.url, Line(f"'{folder / 'my notes.txt'}' ", pasted=True), "what is it?")
    assert sent(server).startswith("my notes.txt:\n")


def test_files_are_taken_away(server: ScriptedServer) -> None:
    ran = session(
        server.url, "/detach", "/file src", "/file latin.txt", "/detach 1", "/detach nothing", "/detach"
    )
    assert "Nothing is attached." in ran.screen
    assert "Taken away: src/main.py." in ran.screen
    assert "There is no 'nothing' attached." in ran.screen
    assert "Taken away: src/other.py, latin.txt." in ran.screen


def test_a_file_attached_twice_goes_once(server: ScriptedServer) -> None:
    server.will(answer("yes"))
    session(server.url, "/file latin.txt", "/file src", "/file latin.txt", "see @latin.txt")
    assert sent(server).count("latin.txt:") == 1


def test_what_was_sent_is_kept_when_the_file_changes(server: ScriptedServer, folder: Path) -> None:
    server.will(answer("yes"))
    first = session(server.url, "/file latin.txt", "what?", "more", "/export chat.json")
    (folder / "latin.txt").write_text("changed")
    ran = session(
        server.url, "/open what?", "/request", "/import chat.json", "/request", "/regen", "/fork", "/regen"
    )
    assert ran.screen.count(json_text(server.requests[1].body)) == 2
    assert all("Grüße" in json.dumps(r.body, ensure_ascii=False) for r in server.requests)
    record = exports.read((folder / "chat.json").read_text(encoding="utf-8"))
    assert record.conversation == first.conversation


def test_a_file_is_stored_once_and_goes_with_its_last_conversation(
    server: ScriptedServer, home: Path
) -> None:
    server.will(answer("yes"))
    path = home / "data" / "chats.db"

    def count() -> int:
        with contextlib.closing(sqlite3.connect(path)) as db:
            return int(db.execute("SELECT count(*) FROM files").fetchone()[0])

    session(
        server.url, "/file latin.txt", "one", "/file latin.txt", "two", "/clear", "/file latin.txt", "three"
    )
    assert count() == 1
    session(server.url, "/delete one", "y")
    assert count() == 1
    session(server.url, "/delete three", "y")
    assert count() == 0
    assert "Grüße".encode() not in path.read_bytes()


def test_exports_show_the_file_and_replay_sends_it(server: ScriptedServer, folder: Path) -> None:
    server.will(answer("yes"))
    forms = ("md", "html", "jsonl", "py", "sh")
    session(
        server.url,
        "/file src/other.py",
        "what?",
        *(f"/export chat.{form}" for form in forms),
        "/replay",
        "/edit 1",
        "why?",
    )
    texts = {form: (folder / f"chat.{form}").read_text(encoding="utf-8") for form in forms}
    assert "```py\nx = 1\n```\n\nwhat?" in texts["md"]
    assert "<summary>src/other.py (" in texts["html"]
    assert all("x = 1" in text for text in texts.values())
    assert sent(server, 1) == sent(server, 0)
    assert sent(server, 2) == sent(server, 0).replace("what?", "why?")


def test_a_long_request_is_a_curl_command_that_still_runs(server: ScriptedServer, folder: Path) -> None:
    (folder / "long.txt").write_text("it's\n" * 30_000)
    server.will(answer("yes"))
    ran = session(server.url, "/file long.txt", "what?", "/export chat.sh")
    done = os.system(f"sh {folder / 'chat.sh'} >/dev/null")
    assert done == 0
    assert server.requests[1].body["messages"] == server.requests[0].body["messages"]
    assert "Written" in ran.screen


def test_paths_are_completed(server: ScriptedServer, folder: Path) -> None:
    chat = session(server.url).chat

    def offered(line: str) -> list[tuple[str, int]]:
        return [(found.text, found.length) for found in completion.complete(registry, chat, line)]

    assert offered("see @src/m") == [("main.py", 1)]
    assert offered("see @my") == [("my\\ notes.txt", 2)]
    assert offered("see @my\\ n") == [("my\\ notes.txt", 5)]
    assert offered("/file my n") == [("my notes.txt", 4)]
    assert ("src/", 0) in offered("/file ")
    assert offered("/file src/.h") == [(".hidden", 2)]
    assert offered("mail@src/m") == []
    assert offered("@nowhere/x") == []


def test_a_path_is_completed_in_a_terminal(home: Path, server: ScriptedServer) -> None:
    server.will(answer("yes"))
    with terminal("-u", server.url, home=home, columns=60) as screen:
        screen.wait_for_prompt()
        screen.type("explain @src/ma")
        screen.wait_for("main.py")
        screen.type("\t\r")
        screen.wait_for("yes")
    assert sent(server).endswith("explain @src/main.py")


@pytest.mark.parametrize("text", ["", "one line\n", "```\na fence\n```\n"])
def test_a_size_is_that_of_the_file(folder: Path, text: str) -> None:
    (folder / "x.txt").write_text(text, encoding="utf-8")
    (one,) = found("x.txt")
    assert one.size == len(text)
    assert output_of("echo a\necho b", text).size == len(text)
