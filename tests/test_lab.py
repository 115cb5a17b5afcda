"""Several answers to one question: sweeps, comparisons, choices; what is sent, kept and shown."""

import contextlib
import csv
import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from llmchat.commands.grid import grid_of
from llmchat.errors import UsageError
from llmchat.lab.lane import Lane
from llmchat.lab.run import Run, compared_before
from llmchat.messages import Message
from llmchat.sampling import Sampling
from llmchat.store.writing import Store
from tests.scripted import Reply, Request, ScriptedServer, answer, chunk, models, refuse, serving, sse, usage
from tests.session import chat_with, session, settings_for
from tests.terminal import terminal


def echo(request: Request) -> Reply:
    """An answer that says what it was asked with."""
    body = request.body
    asked = f"t={body.get('temperature')} seed={body.get('seed')} model={body['model']}"
    return Reply(sse(chunk(asked), chunk(finish="stop"), usage(7, 3)))


def bodies(server: ScriptedServer, *names: str) -> list[tuple[object, ...]]:
    """These fields of each request."""
    return [tuple(request.body.get(name) for name in names) for request in server.requests]


@pytest.mark.parametrize(
    ("line", "values", "question", "parallel"),
    [
        ("temperature 0 0.4", {"temperature": ["0", "0.4"]}, None, 1),
        ("temp 0 0.4 -- 3 wishes", {"temperature": ["0", "0.4"]}, "3 wishes", 1),
        ("temperature 0 0.4 why?\nwhy  not?", {"temperature": ["0", "0.4"]}, "why?\nwhy  not?", 1),
        ("temperature 0,0.4,0.8", {"temperature": ["0", "0.4", "0.8"]}, None, 1),
        ("temperature=0,1 top_p=0.5,1", {"temperature": ["0", "1"], "top_p": ["0.5", "1"]}, None, 1),
        ("temperature=0, 1 parallel=2 a b", {"temperature": ["0", "1"]}, "a b", 2),
        ("seed x3", {"seed": ["1", "2", "3"]}, None, 1),
        ("top_k default 20 parallel=4", {"top_k": ["default", "20"]}, None, 4),
        ("reasoning_effort low high then what", {"reasoning_effort": ["low", "high"]}, "then what", 1),
        ("logprobs on off --", {"logprobs": ["on", "off"]}, None, 1),
        ('extra.foo={"a": [1, 2]},3 go', {"extra.foo": ['{"a": [1, 2]}', "3"]}, "go", 1),
        ("temperature=0,1 x=2 is an equation", {"temperature": ["0", "1"]}, "x=2 is an equation", 1),
    ],
)
def test_a_line_is_values_and_then_a_question(
    line: str, values: dict[str, list[str]], question: str | None, parallel: int
) -> None:
    grid = grid_of(line, Sampling())
    assert (grid.values, grid.question, grid.parallel) == (values, question, parallel)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("temperature=0,1 top_p=0.5,1", "4 answers: temperature 0, 1 x top_p 0.5, 1"),
        ("seed x20", "20 answers: seed 1, 2, …, 20"),
        (f"stop x {'y' * 40}", f"2 answers: stop x, {'y' * 23}…"),
    ],
)
def test_a_grid_says_what_it_asks_for(line: str, told: str) -> None:
    assert str(grid_of(line, Sampling())) == told


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", "A sweep needs a parameter and its values."),
        ("temperature", "A sweep of temperature needs values."),
        ("temperature 0.5", "A sweep needs two values or more."),
        ("seed x999999999999", "A sweep takes at most 9,999 seeds."),
        ("temperature 0 3 reasons", "temperature is a number from 0 to 2"),
        ("temperature=0,hot", "temperature is a number from 0 to 2"),
        ("nonsense 1 2", "There is no parameter 'nonsense'."),
        ("nonsense=1,2", "There is no parameter 'nonsense'."),
        ("n 1 2", "n is how many answers there are"),
        ("temperature 0 1 parallel=0", "parallel is a whole number from 1 to 16"),
        ("temperature x3", "A sweep of temperature needs values."),
    ],
)
def test_what_is_no_sweep_is_a_sentence(line: str, told: str) -> None:
    with pytest.raises(UsageError, match="^" + told.replace(".", r"\.")):
        grid_of(line, Sampling())


def test_a_sweep_asks_once_for_each_value_and_all_else_is_the_same(server: ScriptedServer) -> None:
    server.will(echo)
    ran = session(server.url, "/set top_k 5", "/sweep temperature 0 0.5 1 -- a question")
    sent = bodies(server, "temperature", "top_k")
    assert sent == [(0, 5), (0.5, 5), (1, 5)]
    seeds = {seed for (seed,) in bodies(server, "seed")}
    assert len(seeds) == 1
    assert f"3 answers: temperature 0, 0.5, 1 · seed {seeds.pop()} for all" in ran.screen
    assert "2 · temperature 0.5\n\nt=0.5" in ran.screen
    assert ran.chat.sampling == Sampling().with_value("top_k", 5, "command")


def test_all_lanes_are_siblings_and_the_head_is_the_first(server: ScriptedServer) -> None:
    server.will(echo)
    ran = session(server.url, "/sweep top_p=0.5,1 temperature=0,1 -- a question", "next")
    assert "2 \N{MIDDLE DOT} top_p 0.5 \N{MIDDLE DOT} temperature 1\n\n" in ran.screen
    question, *lanes = ran.conversation.nodes[:5]
    assert (question.message.content, question.message.state) == ("a question", "complete")
    assert {lane.parent for lane in lanes} == {question.number}
    assert [node.number for node in ran.conversation.path()] == [1, 2, 6, 7]
    assert server.requests[-1].body["messages"][1]["content"] == lanes[0].message.content


def test_the_last_question_is_asked_again_beside_its_answer(server: ScriptedServer) -> None:
    server.will(echo)
    ran = session(server.url, "a question", "/sweep seed x2")
    assert [node.parent for node in ran.conversation.nodes] == [0, 1, 1, 1]
    assert ran.conversation.head == 3
    assert bodies(server, "seed")[1:] == [(1,), (2,)]


def test_a_lane_that_fails_does_not_end_the_others(server: ScriptedServer) -> None:
    server.will(answer("one"), refuse(500, {"error": "broken"}), answer("three"))
    ran = session(server.url, "/sweep temperature 0 0.5 1 -- go", rendered=True)
    assert "broken" in ran.screen
    assert [node.message.content for node in ran.conversation.children(1)] == ["one", "three"]


def test_when_no_lane_is_answered_the_question_comes_back(server: ScriptedServer) -> None:
    server.will(refuse(500, {"error": "broken"}))
    ran = session(server.url, "/sweep temperature 0 0.5 -- go")
    assert ran.screen.count("broken") == 1
    assert ran.offered[-1] == "go"
    assert ran.conversation.nodes[0].message.state == "failed"
    assert ran.said == []


def test_more_than_twelve_answers_are_asked_for_after_a_question(server: ScriptedServer) -> None:
    server.will(echo)
    ran = session(server.url, "/sweep seed x13 -- go", "n")
    assert "This makes 13 answers." in ran.screen
    assert server.requests == []
    session(server.url, "/sweep seed x13 -- go", "y")
    assert len(server.requests) == 13


def test_choices_of_one_request_are_lanes(server: ScriptedServer) -> None:
    parts = [chunk("red", index=1), chunk("blue"), chunk(finish="stop", index=1), chunk(finish="stop")]
    server.will(sse(*parts))
    ran = session(server.url, "/set n 2", "a colour?", rendered=True)
    assert len(server.requests) == 1
    rows = ran.screen.splitlines()
    assert any("blue" in row and "red" in row for row in rows)
    assert [node.message.content for node in ran.conversation.children(1)] == ["blue", "red"]


def test_a_server_that_refuses_n_is_asked_once_for_each(server: ScriptedServer) -> None:
    server.will(refuse(400, {"error": {"message": "n_cmpl cannot be more than the slots"}}), echo)
    ran = session(server.url, "a colour?", settings=settings_for(server.url, n=3, seed=5))
    assert bodies(server, "n", "seed") == [(3, 5), (None, 5), (None, 6), (None, 7)]
    assert "The server refuses n = 3: the answers are asked for one by one." in ran.screen
    assert len(ran.conversation.children(1)) == 3


def test_a_server_that_ignores_n_is_asked_for_those_that_are_missing(server: ScriptedServer) -> None:
    server.will(echo)
    ran = session(server.url, "a colour?", settings=settings_for(server.url, n=3))
    assert bodies(server, "n") == [(3,), (None,), (None,)]
    assert "takes no notice of n = 3" in ran.screen
    assert len(ran.conversation.children(1)) == 3


def test_other_refusals_of_choices_are_told_once(server: ScriptedServer) -> None:
    server.will(refuse(404, {"error": "no such model"}))
    ran = session(server.url, "a colour?", settings=settings_for(server.url, n=3))
    assert len(server.requests) == 1
    assert ran.screen.count("no such model") == 1


def test_plain_numbers_are_the_lanes_of_the_last_sweep(server: ScriptedServer) -> None:
    server.will(answer("earlier"), echo)
    ran = session(server.url, "go", "/sweep temperature 0 0.5", "/pick 2", "n", "/pick", "/pick 3", "/pick 9")
    assert "2  #4  t=0.5" in ran.screen
    assert "3  #2  earlier" in ran.screen
    assert "There is no answer 9." in ran.screen
    assert ran.conversation.head == 2
    assert ran.chat.sampling == Sampling()


def test_pick_offers_to_keep_what_an_answer_was_asked_with(server: ScriptedServer) -> None:
    server.will(echo)
    ran = session(
        server.url, "/sweep temperature=0,0.5 top_k=1,2 -- go", "/pick 4", "y", "next", "/params undo"
    )
    assert "Keep temperature 0.5, top_k 2 for what follows?" in ran.screen
    assert bodies(server, "temperature", "top_k", "seed")[-1] == (0.5, 2, None)
    assert ran.chat.sampling == Sampling()
    kept = session(server.url, "/sweep top_k default 2 -- go", "/pick 2 keep", "/pick 1 keep")
    assert "Kept: top_k 2." in kept.screen
    assert "Kept: top_k not sent." in kept.screen


def test_a_lane_that_failed_keeps_its_number(server: ScriptedServer) -> None:
    server.will(answer("one"), refuse(500, {"error": "broken"}), answer("three"))
    ran = session(server.url, "/sweep temperature 0 0.5 1 -- go", "/pick 2", "/pick 3", "n", "/compare")
    assert "There is no answer 2." in ran.screen
    assert ran.said[-1] == ("assistant", "three")
    assert ran.screen.count("2 \N{MIDDLE DOT} temperature 0.5\n\nThe server refused (HTTP 500): broken") == 2
    assert ran.screen.count("identical to") == 2  # the table, again


def test_the_difference_of_two_answers_is_by_words_with_what_they_were_asked_with(
    server: ScriptedServer,
) -> None:
    server.will(answer("the cat ", "sat."), answer("the dog ", "sat!"), answer("same"))
    ran = session(server.url, "/sweep top_k default 2 -- go", "/diff 1 2", "x", "/diff #1 #4", "/diff 1 1")
    assert "top_k  not sent  2" in ran.screen
    assert "the [-cat -]{+dog +}sat[-.-]{+!+}" in ran.screen
    assert "[-go-]{+x+}" in ran.screen
    assert "The answers are the same." in ran.screen


def test_models_are_compared_and_one_is_kept(server: ScriptedServer) -> None:
    server.pages["/v1/models"] = models("qwen-small", "llama-large")
    server.will(echo)
    ran = session(server.url, "/compare qwen llama -- go", "/pick 2", "y", "/compare gemma llama -- go")
    assert bodies(server, "model") == [("qwen-small",), ("llama-large",)]
    assert "2 \N{MIDDLE DOT} model llama-large" in ran.screen
    assert ran.chat.model == "llama-large"
    assert "There is no model 'gemma' here." in ran.screen


def test_a_single_model_is_compared_with_the_present_one(server: ScriptedServer) -> None:
    server.pages["/v1/models"] = models("qwen-small", "llama-large")
    server.will(echo)
    ran = session(server.url, "go", "/model qwen", "/compare llama parallel=2", "/compare qwen")
    assert "qwen-small is the present model: another one is wanted." in ran.screen
    assert sorted(bodies(server, "model")[1:]) == [("llama-large",), ("qwen-small",)]


def test_servers_are_compared_each_with_a_model_that_it_has(server: ScriptedServer) -> None:
    with serving() as other:
        other.pages["/v1/models"] = models("another")
        server.will(answer("here"))
        other.will(answer("there"))
        ran = session(server.url, f"/compare @{server.url} @{other.url} -- go", "/pick 2", "y", "next")
    assert bodies(other, "model") == [("another",), ("another",)]
    assert len({*bodies(server, "seed"), bodies(other, "seed")[0]}) == 1
    assert f"server {other.url}/v1" in ran.screen
    assert [said for _, said in ran.said] == ["go", "there", "next", "there"]


def test_parallel_lanes_are_asked_at_once(server: ScriptedServer) -> None:
    together = threading.Barrier(3, timeout=20)

    def meet(request: Request) -> Reply:
        together.wait()
        return echo(request)

    server.will(meet)
    ran = session(server.url, "/sweep temperature 0 0.5 1 parallel=3 -- go")
    assert len(ran.conversation.children(1)) == 3
    assert [t for (t,) in sorted(bodies(server, "temperature"))] == [0, 0.5, 1]


def test_the_numbers_stay_when_the_second_server_was_asked_first(server: ScriptedServer) -> None:
    with serving() as other:
        there = threading.Event()

        def second(_: Request) -> Reply:
            there.set()
            return Reply(answer("second"))

        def listed(_: Request) -> Reply:
            there.wait(20)
            return models("here")

        server.pages["/v1/models"] = listed
        server.will(answer("first"))
        other.will(second)
        line = f"/compare @{server.url} @{other.url} parallel=2 -- go"
        ran = session(other.url, line, "/pick 2 keep", "/compare", "/pick 1 keep")
    assert [node.message.content for node in ran.conversation.children(1)] == ["second", "first"]
    assert (
        ran.screen.count(f"1 \N{MIDDLE DOT} server {server.url}/v1 \N{MIDDLE DOT} model here\n\nfirst") == 1
    )
    assert ran.said[-1] == ("assistant", "first")


def test_a_lane_that_was_never_asked_leaves_its_number_free(server: ScriptedServer) -> None:
    with serving() as gone:
        nobody = gone.url
    server.will(answer("there"))
    ran = session(server.url, f"/compare @{nobody} @{server.url} -- go", "/pick 1", "/pick 2 keep")
    assert "There is no answer 1." in ran.screen
    assert ran.said[-1] == ("assistant", "there")


def test_choices_keep_their_numbers_whichever_comes_first(server: ScriptedServer) -> None:
    # What comes first is kept at once, before the pause ends.
    rest = sse(chunk("blue"), chunk(finish="stop", index=1), chunk(finish="stop"))
    server.will(Reply([*sse(chunk("red", index=1), done=False), 0.2, *rest]))
    ran = session(server.url, "/set n 2", "a colour?", "/pick 1", "/compare")
    assert ran.said[-1] == ("assistant", "blue")
    assert ran.screen.count("1\n\nblue") == 2


def test_an_empty_first_choice_does_not_lose_the_others(server: ScriptedServer) -> None:
    server.will(sse(chunk("red", index=1), chunk(finish="stop"), chunk(finish="stop", index=1)))
    ran = session(server.url, "/set n 2", "a colour?", "/pick 2")
    assert ran.said == [("user", "a colour?"), ("assistant", "red")]
    assert "\N{MIDDLE DOT} no answer\n\n2\n\nred" in ran.screen
    assert ran.offered[-1] == ""


def test_what_goes_on_from_one_answer_asks_for_one(server: ScriptedServer) -> None:
    server.pages["/v1/models"] = models("m", owned_by="llamacpp")
    server.will(answer("one"), echo)
    ran = session(server.url, "hi", "/set n 2", "/continue", "/replay", "/set n")
    assert bodies(server, "n") == [(None,)] * 3
    assert "n is 2." in ran.screen


def test_the_last_reply_is_that_of_the_answer_that_is_gone_on_from(server: ScriptedServer) -> None:
    server.will(answer("one"), answer("t", "w", "o"))
    ran = session(server.url, "/sweep seed 1 2 -- go", "/stats")
    assert ran.chat.last_reply
    assert [m.content for m in ran.chat.last_reply.choices] == ["one"]
    assert ran.chat.conversation.node(ran.conversation.head).message.content == "one"
    assert len(ran.chat.replies) == 2


def test_an_answer_without_usage_says_about_how_long_it_is(server: ScriptedServer) -> None:
    server.will(sse(chunk("a"), chunk(" b"), chunk(" c"), chunk(finish="stop")))
    ran = session(server.url, "/sweep seed 1 2 -- go")
    assert ran.screen.count("~3 tokens") == 2


def test_a_spreadsheet_gets_no_formula(server: ScriptedServer, tmp_path: Path) -> None:
    server.will(answer("=HYPERLINK(1)"), answer("- a list"), answer("2 = 2"))
    session(server.url, "/sweep presence_penalty -1 1 2 -- @all", f"/export sweep {tmp_path / 'x.csv'}")
    rows = list(csv.DictReader((tmp_path / "x.csv").read_text().splitlines(keepends=True)))
    assert [row["text"] for row in rows] == ["'=HYPERLINK(1)", "'- a list", "2 = 2"]
    assert [row["presence_penalty"] for row in rows] == ["-1.0", "1.0", "2.0"]
    assert rows[0]["question"] == "'@all"


def broken_table(store: Store) -> None:
    with store.database.writing() as db:
        db.execute("DROP TABLE messages")


def full_disk(store: Store) -> None:
    with store.database.writing() as db:
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count = {pages}").fetchone()


@pytest.mark.parametrize(("fails", "requests_kept"), [(broken_table, 2), (full_disk, 3)])
def test_a_store_that_fails_while_lanes_run_loses_none(
    server: ScriptedServer, home: Path, fails: Callable[[Store], None], requests_kept: int
) -> None:
    broken = threading.Event()
    rest = ", all of it" + " word" * 20_000

    def in_two_halves(request: Request) -> Reply:
        seed = request.body["seed"]

        def pieces() -> Iterator[bytes]:
            yield from sse(chunk(f"lane {seed}"), done=False)
            if seed > 1:
                broken.wait(20)
            yield from sse(chunk(rest), chunk(finish="stop"))

        return Reply(pieces())

    server.will(in_two_halves)
    chat = chat_with(settings_for(server.url), home / "data" / "chats.db")
    chat.connection.connect(chat.settings.address)
    lanes = [Lane(chat.sampling.with_value("seed", seed, "command")) for seed in (1, 2, 3)]
    with contextlib.closing(chat):
        with Run(chat, Message("user", "go"), lanes, parallel=3) as run:
            while run.lanes[0].state != "ended" or not all(lane.tokens for lane in run.lanes):
                run.wait(0.05)
            fails(chat.keeping.store)
            broken.set()
            while not run.ended:
                run.wait(0.05)
        assert "This chat goes on in memory" in "".join(chat.told())
        expected = [f"lane {seed}{rest}" for seed in (1, 2, 3)]
        assert [answer.message.content for answer in run.answers] == expected
        kept = [chat.conversation.node(answer.place).message for answer in run.answers]
        assert [(m.content, m.state) for m in kept] == [(text, "complete") for text in expected]
        assert len(chat.conversation.children(1)) == 3
        assert chat.conversation.head == run.answers[0].place
        before = compared_before(chat)
        assert [a.message.content for a in before] == expected[-requests_kept:]
        assert [a.number for a in before] == [1, 2, 3][-requests_kept:]
        assert chat.keeping.do(lambda store: store.nodes(chat.keeping.id)) == chat.conversation.nodes


def exported(server: ScriptedServer, folder: Path, ending: str) -> str:
    """What `/export sweep` writes of a sweep with an error in it."""
    server.will(answer("**bold**, ", '"quoted"\n<b>'), refuse(500, {"error": "<broken>"}), answer("three"))
    file = folder / f"lanes{ending}"
    ran = session(
        server.url, "/sweep temperature 0 0.5 1 -- a & b", f"/export sweep {file}", "/export sweep x.md"
    )
    assert f"Written to {file}." in ran.screen
    assert "It ends in one of .csv, .json, .html." in ran.screen
    return file.read_text()


def test_a_sweep_is_exported_as_a_table(server: ScriptedServer, tmp_path: Path) -> None:
    rows = list(csv.DictReader(exported(server, tmp_path, ".csv").splitlines(keepends=True)))
    assert [row["temperature"] for row in rows] == ["0.0", "0.5", "1.0"]
    assert [row["text"] for row in rows] == ['**bold**, "quoted"\n<b>', "", "three"]
    assert rows[1]["error"] == "The server refused (HTTP 500): <broken>"
    assert {row["question"] for row in rows} == {"a & b"}


def test_a_sweep_is_exported_as_json_records(server: ScriptedServer, tmp_path: Path) -> None:
    data = json.loads(exported(server, tmp_path, ".json"))
    assert data["question"] == "a & b"
    assert [record["differs"] for record in data["answers"]] == [{"temperature": t} for t in (0, 0.5, 1)]


def test_a_sweep_is_exported_as_a_page_that_loads_nothing(server: ScriptedServer, tmp_path: Path) -> None:
    text = exported(server, tmp_path, ".html")
    assert text.count("<section>") == 3
    assert "<strong>bold</strong>" in text
    assert "&lt;broken&gt;" in text
    assert "<b>" not in text
    assert "1 \N{MIDDLE DOT} temperature 0</h2>" in text
    assert text.count("<rect") == 9
    assert not re.search(r"(src|href|url)\s*[=(]", text)


def test_nothing_compared_is_nothing_to_export(server: ScriptedServer) -> None:
    ran = session(server.url, "/export x.csv", "/compare")
    assert ran.screen.count("Nothing was compared in this conversation.") == 2


def held(word: str) -> Reply:
    """The beginning of an answer that does not end by itself."""
    return Reply(sse(chunk(word), done=False), hold=True)


def test_ctrl_c_stops_the_lane_that_runs_and_the_others_go_on(home: Path) -> None:
    with serving() as server, terminal("-u", server.url, home=home, columns=120) as screen:
        server.will(held("Once upon"), answer("two"), answer("three"))
        screen.wait_for_prompt()
        screen.line("/sweep temperature 0 0.5 1 -- go")
        screen.wait_for("Once upon")
        screen.type("\x03")
        shown = screen.wait_for("goes on from the first answer")
        assert re.search(r"~1 token .*│ 1 token .*│ 1 token", shown)
        assert "cut short" in shown
        assert re.search(r"Once upon +│ two +│ three", shown)
        assert server.requests[0].hung_up.wait(5)
        screen.wait_for_prompt()


def test_ctrl_c_again_within_a_second_stops_all(home: Path) -> None:
    with serving() as server, terminal("-u", server.url, home=home, columns=120, rows=60) as screen:

        def ended(shown: str) -> bool:
            if "goes on from the first answer" in shown:
                return True
            screen.type("\x03")
            return False

        server.will(held("Once upon"))
        screen.wait_for_prompt()
        screen.line("/sweep seed x12 -- go")
        screen.wait_for("Once upon")
        shown = screen.wait_until(ended, "the summary")
        assert len(server.requests) < 12
        assert "1 · seed 1" in shown
        screen.wait_for_prompt()
        assert all(request.hung_up.wait(5) for request in server.requests)


def test_ctrl_c_twice_stops_all_and_what_has_come_is_kept(server: ScriptedServer) -> None:
    server.will(answer("whole"), held("Once upon"))
    chat = chat_with(settings_for(server.url))
    lanes = [Lane(chat.sampling.with_value("seed", seed, "command")) for seed in (1, 2, 3)]
    with contextlib.closing(chat), Run(chat, Message("user", "go"), lanes) as run:
        run.seen = True
        while not run.lanes[1].tokens:
            run.wait(0.05)
        run.stop()
        run.stop()
        while not run.ended:
            run.wait(0.05)
        assert [lane.state for lane in run.lanes] == ["ended", "ended", "waiting"]
    assert run.stopped
    assert [(a.message.content, a.message.state) for a in run.answers] == [
        ("whole", "complete"),
        ("Once upon", "cut short"),
    ]
    assert [a.differs for a in run.answers] == [{"seed": 1}, {"seed": 2}]
    assert [node.message.content for node in chat.conversation.children(1)] == ["whole", "Once upon"]
    assert chat.conversation.head == 2
