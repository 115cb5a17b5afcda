"""The store: what is kept, what survives, and what happens when the file cannot be used."""

import json
import math
import os
import sqlite3
import stat
import subprocess
import sys
from base64 import b64encode
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmchat.errors import StoreError, UsageError
from llmchat.messages import ROOT, Attachment, Conversation, Message, Node, Timings, ToolCall, Usage
from llmchat.store import exports
from llmchat.store.records import Record, Request, body_of
from llmchat.store.schema import VERSION
from llmchat.store.writing import Entry, Store
from llmchat.wire.protocol import encode
from tests.scripted import Reply, ScriptedServer, answer, chunk, models, refuse, serving, sse
from tests.session import session, store_at

VERSIONS = sorted((Path(__file__).parent / "data").glob("store-*.sql"))

SKY = Attachment("text", "sky.txt", "sky.txt:\n```txt\nblue\n```")


def file_of(home: Path) -> Path:
    return home / "data" / "chats.db"


TEXTS = st.text(st.characters(exclude_categories=()), max_size=30)
ATTACHMENTS = st.one_of(
    st.builds(Attachment, st.just("text"), TEXTS, TEXTS),
    st.builds(
        Attachment,
        st.just("image"),
        TEXTS,
        st.binary(min_size=1, max_size=9).map(lambda raw: f"data:image/png;base64,{b64encode(raw).decode()}"),
    ),
)
MESSAGES = st.builds(
    Message,
    role=st.sampled_from(["user", "assistant", "tool"]),
    content=TEXTS,
    reasoning=TEXTS,
    tool_calls=st.lists(st.builds(ToolCall, TEXTS, TEXTS), max_size=2).map(tuple),
    state=st.sampled_from(["complete", "cut short", "failed"]),
    attachments=st.lists(ATTACHMENTS, max_size=2).map(tuple),
    logprobs=TEXTS,
)


@st.composite
def records(draw: st.DrawFn) -> Record:
    """Any tree of messages, some of them brought by requests."""
    messages = draw(st.lists(MESSAGES, max_size=8))
    parents = [draw(st.integers(ROOT, number)) for number in range(len(messages))]
    nodes = [Node(n, parent, m) for n, (parent, m) in enumerate(zip(parents, messages, strict=True), 1)]
    omitted = draw(st.frozensets(st.integers(1, len(nodes)))) if nodes else frozenset()
    conversation = Conversation(tuple(nodes), draw(st.integers(ROOT, len(nodes))), omitted)
    requests = []
    for node in nodes:
        if node.message.role == "assistant" and draw(st.booleans()):
            requests.append(
                Request(
                    server="http://localhost:1234/v1",
                    kind="lmstudio",
                    model=draw(TEXTS),
                    fields='{"model": "m", "messages": null}',
                    parent=node.parent,
                    system=draw(TEXTS),
                    chosen={"top_k": draw(st.integers(0, 9))},
                    time=draw(st.floats(0, 1e10)),
                    answers=(node.number,),
                    finish_reasons=("stop",),
                    usage=draw(st.none() | st.builds(Usage, st.integers(0, 99), st.integers(0, 99))),
                    timings=Timings(draw(st.none() | st.floats(0, 9))),
                    seconds=draw(st.none() | st.floats(0, 9)),
                    error=draw(TEXTS),
                )
            )
    return Record(draw(TEXTS), conversation, tuple(requests), draw(st.floats(1, 1e10)))


@given(records())
def test_a_record_comes_back_from_its_export_and_from_the_store(record: Record) -> None:
    assert exports.read(exports.lossless(record)) == record
    store = store_at()
    assert store.record(store.add(record)) == record
    store.close()


@given(records())
def test_every_form_of_export_takes_any_record(record: Record) -> None:
    for write in exports.FORMATS.values():
        assert isinstance(write(record), str)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"llmchat": 1}', '{"llmchat": 99}', "null"])
def test_what_is_no_export_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(UsageError):
        exports.read(text)


def test_a_damaged_export_is_refused() -> None:
    node = Node(1, 7, Message("user", "hi"))
    with pytest.raises(UsageError, match="message 1 is not in its place"):
        exports.read(exports.lossless(Record("", Conversation((node,), 1))))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("time", value) for value in ("now", None, True, math.inf, math.nan, 10**400)),
        *(("seconds", "1"), ("timings", ["1", None]), ("usage", [1, "2", None]), ("usage", [1])),
        *(("parent", 0.5), ("answers", [1.5]), ("omissions", ["1"]), ("finish_reasons", [7])),
        *(("lane", 10**30), ("lane", math.inf)),
    ],
)
def test_a_value_that_no_export_has_is_refused(name: str, value: object) -> None:
    request = Request("http://localhost:1234/v1", "vllm", "m", "{}", time=1.0, seconds=1.0)
    node = Node(1, ROOT, Message("user", "hi"))
    data = json.loads(exports.lossless(Record("", Conversation((node,), 1), (request,), 1.0)))
    assert exports.read(json.dumps(data)).requests == (request,)
    data["requests"][0][name] = value
    with pytest.raises(UsageError, match="no conversation that llmchat has exported"):
        exports.read(json.dumps(data))


def test_a_time_that_no_clock_takes_is_refused() -> None:
    text = exports.lossless(Record("", Conversation(), (), 1.0))
    with pytest.raises(UsageError, match="no conversation that llmchat has exported"):
        exports.read(text.replace('"begun": 1.0', '"begun": 1e999'))


@pytest.mark.parametrize("script", VERSIONS, ids=lambda path: path.stem)
def test_a_store_of_each_earlier_version_opens(script: Path, tmp_path: Path) -> None:
    path = tmp_path / "chats.db"
    db = sqlite3.connect(path)
    db.executescript(script.read_text(encoding="utf-8"))
    db.close()
    store = store_at(path)
    (listed,) = store.chats("sky")
    record = store.record(listed.id)
    assert record
    assert [m.content for m in record.conversation.messages()] == [
        "Why is the sky blue?",
        "It scatters light.",
    ]
    assert record.requests[0].chosen == {"temperature": 0}
    kept = record.conversation.node(1).message.attachments
    assert kept == ((SKY,) if script.stem > "store-2" else ())
    assert record.conversation.omitted == (frozenset({1, 2}) if script.stem > "store-3" else frozenset())
    assert [hit.number for hit in store.find("scatters", 9)] == [2]
    assert store.add(record) == 2
    store.close()


def test_there_is_a_database_of_every_version() -> None:
    assert [path.stem for path in VERSIONS] == [f"store-{n}" for n in range(1, VERSION + 1)]


def test_a_store_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "chats.db"
    Store(path).close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 999")
    db.close()
    with pytest.raises(StoreError, match="newer llmchat"):
        store_at(path)


def test_only_the_user_may_read_it(server: ScriptedServer, home: Path) -> None:
    server.will(answer("yes"))
    session(server.url, "hi")
    assert stat.S_IMODE(file_of(home).stat().st_mode) == 0o600
    assert stat.S_IMODE(file_of(home).parent.stat().st_mode) == 0o700


def test_the_exact_json_of_every_request_is_made_again(server: ScriptedServer) -> None:
    server.pages["/v1/models"] = Reply(
        [b'{"data": [{"id": "m", "owned_by": "llamacpp"}]}'], type="application/json"
    )
    odd = '"quotes" \ud83d\ude00 \\ \x1b tab\t'
    server.will(
        refuse(400, {"error": "unknown field stream_options"}),
        answer("one"),
        answer("two"),
        sse(chunk("half"), chunk(finish="length")),
        answer(" more"),
        answer("four"),
    )
    ran = session(
        server.url,
        odd,
        "/system Be kind.",
        "/set top_k=5 extra.a.b=[1,2.50]",
        "again",
        "/regen temperature=0.123456789",
        "/continue",
        "/system none",
        "last",
    )
    sent = [encode(request.body) for request in server.requests[1:]]
    rebuilt = _requests(ran.chat.keeping.id)
    assert rebuilt == sent
    assert "stream_options" in server.requests[0].body
    assert len(sent) == 5


def _requests(conversation: int) -> list[bytes]:
    store = store_at(Path(os.environ["LLMCHAT_HOME"]) / "data" / "chats.db")
    record = store.record(conversation)
    store.close()
    assert record
    return [encode(body_of(request, record.conversation)) for request in record.requests]


def test_texts_that_repeat_are_stored_once(server: ScriptedServer, home: Path) -> None:
    server.will(answer("yes"))
    session(server.url, "/system A long system prompt.", "one", "two", "three")
    db = sqlite3.connect(file_of(home))
    assert db.execute("SELECT count(*) FROM texts WHERE text = 'A long system prompt.'").fetchone() == (1,)
    assert db.execute("SELECT count(*) FROM requests").fetchone() == (3,)
    assert db.execute("SELECT count(*) FROM texts").fetchone() == (3,)
    db.close()


def test_a_refused_question_is_a_failed_leaf_and_is_found(server: ScriptedServer) -> None:
    server.will(answer("one"), refuse(400, {"error": "too long"}), answer("two"))
    ran = session(server.url, "hello", "zebra", "/find zebra", "/tree", "again")
    assert "(failed)  «zebra»" in ran.screen
    assert ran.conversation.node(3).message == Message("user", "zebra", state="failed")
    assert ran.said == [("user", "hello"), ("assistant", "one"), ("user", "again"), ("assistant", "two")]


def test_an_answer_cut_short_is_marked_in_the_store(server: ScriptedServer) -> None:
    server.will(Reply(sse(chunk("half an "), chunk("answer"), done=False)))
    ran = session(server.url, "hello")
    store = store_at(Path(os.environ["LLMCHAT_HOME"]) / "data" / "chats.db")
    assert store.conversation(ran.chat.keeping.id) == ran.conversation
    assert store.nodes(1, 2)[0].message.state == "cut short"
    store.close()


def test_without_a_store_nothing_is_written_and_all_commands_work(server: ScriptedServer, home: Path) -> None:
    server.will(answer("yes"))
    ran = session(server.url, "hi", "/find yes", "/request", "/chats", store=False)
    assert "«yes»" in ran.screen
    assert not file_of(home).exists()


def test_a_damaged_store_is_put_aside_and_the_chat_goes_on(server: ScriptedServer, home: Path) -> None:
    server.will(answer("yes"))
    file_of(home).parent.mkdir(parents=True)
    file_of(home).write_bytes(b"this is no database" * 1000)
    ran = session(server.url, "hi", "again", "/find yes")
    assert ran.screen.count("goes on in memory") == 1
    (aside,) = file_of(home).parent.glob("chats-damaged-*.db")
    assert aside.read_bytes().startswith(b"this is no database")
    assert len(ran.said) == 4
    session(server.url, "hi")
    assert store_at(file_of(home)).chats()


def test_a_store_that_breaks_in_between_is_left_for_memory(server: ScriptedServer, home: Path) -> None:
    def break_it(_: object) -> Reply:
        db = sqlite3.connect(file_of(home), isolation_level=None)
        db.execute("DROP TABLE requests")
        db.close()
        return Reply(answer("two"))

    server.will(answer("one"), break_it, answer("three"))
    ran = session(server.url, "a", "b", "c", "/find three", "/info")
    assert ran.screen.count("goes on in memory") == 1
    assert [content for _, content in ran.said] == ["a", "one", "b", "two", "c", "three"]
    assert "«three»" in ran.screen


def test_a_folder_that_cannot_be_written_is_one_warning(server: ScriptedServer, home: Path) -> None:
    server.will(answer("yes"))
    home.mkdir()
    (home / "data").write_text("in the way")
    ran = session(server.url, "hi", "again")
    assert ran.screen.count("goes on in memory") == 1
    assert len(ran.said) == 4


def test_a_full_disk_is_one_warning_and_the_chat_goes_on(server: ScriptedServer, home: Path) -> None:
    server.will(answer("yes"))

    def fill(_: object) -> Reply:
        db = chat_store[0].database
        with db.writing() as connection:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {pages}").fetchone()
        return Reply(answer("word " * 20_000))

    chat_store: list[Store] = []
    server.will(fill, answer("fine"))
    ran = session(
        server.url, "hi", "fill", "more", on_chat=lambda chat: chat_store.append(chat.keeping.store)
    )
    assert "the disk is full" in ran.screen
    assert ran.screen.count("goes on in memory") == 1
    assert [role for role, _ in ran.said] == ["user", "assistant"] * 3


def test_what_is_deleted_is_gone_from_the_file_and_its_log(server: ScriptedServer, home: Path) -> None:
    server.will(answer("xylophone"))
    session(server.url, "/system quagmire", "hi zebra", "/new", "other")
    ran = session(server.url, "/delete hi zebra", "y", "/find zebra", "/find xylophone", "/chats")
    assert "No message has 'zebra'." in ran.screen
    data = b"".join(file.read_bytes() for file in file_of(home).parent.iterdir())
    assert b"zebra" not in data
    assert b"xylophone" in data


def test_nothing_is_deleted_without_a_yes(server: ScriptedServer) -> None:
    server.will(answer("yes"))
    ran = session(server.url, "hi", "/delete", "", "/chats")
    assert "Nothing was deleted." in ran.screen
    assert ran.chat.keeping.id == 1


@pytest.mark.parametrize("turns", [150, pytest.param(1000, marks=pytest.mark.slow)])
def test_two_sessions_write_many_turns_each_at_once(home: Path, turns: int) -> None:
    with serving() as server:
        server.will(answer("yes"))
        command = [sys.executable, "-c", MANY_TURNS, server.url, str(turns)]
        root = Path(__file__).parent.parent
        running = [subprocess.Popen(command, cwd=root) for _ in range(2)]
        assert [program.wait(timeout=300) for program in running] == [0, 0]
    store = store_at(file_of(home))
    assert sorted(listed.turns for listed in store.chats()) == [turns, turns]
    assert all(len(store.nodes(listed.id)) == 2 * turns for listed in store.chats())
    store.close()


MANY_TURNS = """
import sys
from tests.session import session
turns = int(sys.argv[2])
ran = session(sys.argv[1], *(f"question {n}" for n in range(turns)))
assert len(ran.said) == 2 * turns
"""


def test_two_sessions_in_one_conversation_keep_their_heads_and_numbers(
    server: ScriptedServer, home: Path
) -> None:
    def other(_: object) -> Reply:
        store = store_at(file_of(home))
        entry = Entry(1, 2, Message("user", "from the other"), answers={0: Message("assistant", "theirs")})
        store.write(entry, ended=True)
        store.close()
        return Reply(answer("mine"))

    server.will(answer("one"), other, answer("last"))
    ran = session(server.url, "hi", "from me", "and on")
    assert [content for _, content in ran.said] == ["hi", "one", "from me", "mine", "and on", "last"]
    assert [node.number for node in ran.conversation.nodes] == list(range(1, 9))
    assert {node.message.content for node in ran.conversation.nodes} >= {"from the other", "theirs"}
    store = store_at(file_of(home))
    assert store.conversation(1) == ran.conversation
    store.close()


def test_a_store_that_was_killed_in_a_turn_is_settled(tmp_path: Path) -> None:
    path = tmp_path / "chats.db"
    store = store_at(path)
    entry = _begun(store, "a question with an answer")
    entry.answers = {0: Message("assistant", "half", state="in progress")}
    store.write(entry)
    _begun(store, "a question without one")
    store.close()
    again = store_at(path)
    assert [node.message.state for node in again.nodes(1)] == ["complete", "cut short"]
    assert again.nodes(2)[0].message.state == "failed"
    assert len(again.find("question", 9)) == 2
    assert again.conversation(1) == replace(Conversation(again.nodes(1)), head=2)
    again.close()


def test_a_program_that_lives_puts_right_what_another_has_settled(tmp_path: Path) -> None:
    store = store_at(tmp_path / "chats.db")
    entry = _begun(store, "a question")
    entry.answers = {0: Message("assistant", "half", state="in progress")}
    store.write(entry)
    Store(tmp_path / "chats.db").close()
    entry.question = Message("user", "a question")
    entry.answers = {0: Message("assistant", "whole")}
    store.write(entry, ended=True)
    assert [node.message.state for node in store.nodes(1)] == ["complete", "complete"]
    assert not store.find("half", 9)
    assert store.find("whole", 9)
    with store.database.writing() as db:
        db.execute("INSERT INTO search (search) VALUES ('integrity-check')")
    store.close()


def test_a_failed_continuation_adds_nothing(server: ScriptedServer) -> None:
    server.pages["/v1/models"] = models("m", owned_by="llamacpp")
    server.will(answer("one"), refuse(400, "no"), sse(chunk(finish="stop")), answer("two"))
    ran = session(server.url, "a", "/continue", "/continue", "/open 1", "b")
    assert [content for _, content in ran.said] == ["a", "one", "b", "two"]
    assert len(ran.conversation.nodes) == 4


def _begun(store: Store, question: str) -> Entry:
    entry = Entry(0, ROOT, Message("user", question, state="in progress"))
    store.write(entry)
    entry.request = Request("http://x/v1", "lmstudio", "m", '{"messages": null}', parent=entry.asked)
    store.write(entry)
    return entry


def test_words_of_any_kind_can_be_searched(server: ScriptedServer) -> None:
    server.will(answer("naïve café"))
    ran = session(
        server.url, "hi", '/find "', "/find cafe", "/find -x (", "/find NEAR(", "/find a* OR", "/chats %"
    )
    assert "«café»" in ran.screen
    assert ran.screen.count("No message has") == 4
