"""The context meter: what it shows before a request, and what the request then has."""

import contextlib
import io
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from llmchat import toolbar
from llmchat.chat import Chat
from llmchat.config.settings import load, with_url
from llmchat.input.lines import Line
from llmchat.local import engine
from llmchat.messages import Attachment, Conversation, Message
from llmchat.meter import Count
from llmchat.repl import Repl
from llmchat.terminal.screen import Screen
from llmchat.wire import counting, servers
from llmchat.wire.address import parse
from llmchat.wire.client import Client
from llmchat.wire.pages import Answer
from tests.scripted import Reply, Said, ScriptedServer, answer, chunk, models, page, refuse, sse, usage
from tests.session import Lines, chat_with, session, settings_for

GUARD = 60.0
"""Seconds after which something hangs."""


@pytest.fixture(scope="module")
def practice() -> Iterator[str]:
    running = engine.start_practice()
    yield running.url
    running.close()


class Watching:
    """Waits until the meter is exact for what is about to be sent, as somebody at the prompt could."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        self.counted = threading.Semaphore(0)
        chat.meter.then = self.counted.release

    def exact(self, draft: str) -> Count:
        assert self.chat.connection.found()
        count = self.chat.meter.shown(draft)
        while count is None or not count.exact:
            assert self.counted.acquire(timeout=GUARD)
            count = self.chat.meter.shown(draft)
        return count


def test_over_fifty_turns_it_shows_what_each_request_then_has(practice: str) -> None:
    """On the real llama.cpp: what stands in the toolbar while the question is still at the prompt."""
    out = io.StringIO()
    chat = chat_with(settings_for(practice, temperature=0, max_tokens=12))
    repl = Repl(chat, Lines((), out), Screen(out, out, rendered=False))
    watching = Watching(chat)
    shown, had = [], []
    with contextlib.closing(chat):
        for n in range(50):
            question = f"What is {n} and {n + 1}?"
            shown.append(watching.exact(question).tokens)
            repl.perform(Line(question))
            assert chat.last_reply
            assert chat.last_reply.usage
            had.append(chat.last_reply.usage.prompt)
    assert shown == had
    assert had[-1] > 1000
    assert chat.meter.told() == []


def test_what_is_forgotten_or_set_before_it_counts_too(practice: str) -> None:
    with contextlib.closing(Chat(settings_for(practice, temperature=0, max_tokens=8))) as chat:
        watching = Watching(chat)
        repl = Repl(chat, Lines((), io.StringIO()), Screen(io.StringIO(), io.StringIO(), rendered=False))
        for line in ("I like tea", "/system Be brief.", "/forget 1", "What do I like?"):
            if not line.startswith("/"):
                count = watching.exact(line)
            repl.perform(Line(line))
        assert chat.last_reply
        assert chat.last_reply.usage
        assert (count.tokens, count.window) == (chat.last_reply.usage.prompt, 2048)


def bar(chat: Chat, draft: str = "") -> list[tuple[str, str]]:
    return [piece for piece in toolbar.line(toolbar.parts(chat, draft), 200) if "tokens" in piece[1]]


def after(server: ScriptedServer, *lines: str, **options: Any) -> Chat:
    """A chat in which these lines were said, still connected."""
    out = io.StringIO()
    chat = chat_with(**{"settings": settings_for(server.url)} | options)
    assert chat.connection.found()
    repl = Repl(chat, Lines((), out), Screen(out, out, rendered=False))
    for line in lines:
        repl.perform(Line(line))
    return chat


def test_a_server_that_does_not_count_gets_an_estimate_from_what_it_told_last(server: ScriptedServer) -> None:
    server.pages["/v1/models"] = models("m", max_model_len=1000)
    server.will(sse(chunk("Yes."), chunk(finish="stop"), usage(100, 2)))
    chat = after(server, "hi")
    new = [{"role": "user", "content": "four letters each here"}]
    assert bar(chat, "four letters each here") == [("", f"~{102 + counting.estimate(new):,} of 1,000 tokens")]


def test_with_nothing_typed_it_shows_what_the_last_answer_told(server: ScriptedServer) -> None:
    server.pages["/v1/models"] = models("m", max_model_len=1000)
    server.will(sse(chunk("Yes."), chunk(finish="stop"), usage(100, 2)))
    assert bar(after(server, "hi")) == [("", "102 of 1,000 tokens")]


@pytest.mark.parametrize(("told", "style"), [(500, ""), (690, "warning"), (890, "alarm")])
def test_it_has_colours_when_the_window_gets_full(server: ScriptedServer, told: int, style: str) -> None:
    server.pages["/v1/models"] = models("m", max_model_len=1000)
    server.will(sse(chunk("Yes."), chunk(finish="stop"), usage(told, 10)))
    assert [piece[0] for piece in bar(after(server, "hi"))] == [style]


def test_the_settings_tell_the_window_where_the_server_does_not(server: ScriptedServer, home: Path) -> None:
    (home / "config").mkdir(parents=True)
    text = f'[servers.work]\nurl = "{server.url}"\ncontext = 4096\n'
    (home / "config" / "settings.toml").write_text(text, encoding="utf-8")
    server.will(answer("Yes."))
    chat = after(server, "hi", settings=with_url(load(), "work"))
    assert " of 4,096 tokens" in bar(chat)[0][1]


def test_a_server_that_loads_a_model_for_the_request_is_asked_for_its_window_then(
    server: ScriptedServer,
) -> None:
    listed = {"id": "m", "type": "llm", "state": "not-loaded", "max_context_length": 8192}
    server.pages = {"/v1/models": models("m"), "/api/v0/models": page({"data": [listed]})}

    def load(_: Any) -> Reply:
        loaded = {**listed, "state": "loaded", "loaded_context_length": 4096}
        server.pages["/api/v0/models"] = page({"data": [loaded]})
        return Reply(answer("Yes."))

    server.will(load)
    chat = after(server, "hi")
    assert chat.connection.found()
    assert " of 4,096 tokens" in bar(chat)[0][1]


def test_a_llamacpp_that_cannot_count_yet_is_asked_once(server: ScriptedServer) -> None:
    server.pages["/v1/models"] = models("m", owned_by="llamacpp")
    server.pages["/props"] = page({"default_generation_settings": {"n_ctx": 3000}})
    server.pages["/apply-template"] = refuse(404, {"error": {"message": "File Not Found"}})
    with contextlib.closing(after(server)) as chat:
        asked = Conversation().add(Message("user", "x" * 9000))
        counts = [chat.meter.before(asked) for _ in range(3)]
    assert [count and count.exact for count in counts] == [False] * 3
    asides = [request.path for request in server.others if request.method == "POST"]
    assert asides == ["/v1/chat/completions/input_tokens", "/apply-template"]


def test_a_prompt_that_was_cut_in_silence_is_told(server: ScriptedServer) -> None:
    """Ollama's behaviour: a window of 4,096, and of a longer prompt only the end is read."""
    server.pages |= {
        "/": Reply([b"Ollama is running"]),
        "/v1/models": models("m", owned_by="library"),
        "/api/ps": page({"models": [{"name": "m", "context_length": 4096}]}),
        "/api/show": page({"capabilities": ["completion"]}),
    }
    long = "word " * 3000
    server.will(
        sse(chunk("a"), chunk(finish="stop"), usage(3700, 1)),
        sse(chunk("b"), chunk(finish="stop"), usage(2050, 1)),
        sse(chunk("c"), chunk(finish="stop"), usage(3706, 1)),
    )
    ran = session(server.url, long, long, "/undo", "s")
    assert ran.screen.count("The server has read only 2,050 of about") == 1
    assert ran.screen.count("it has cut the conversation in silence.") == 1


@pytest.mark.parametrize("told", [0, 60, 3000])
def test_a_wrong_estimate_alone_raises_no_alarm(server: ScriptedServer, told: int) -> None:
    server.will(sse(chunk("a"), chunk(finish="stop"), usage(told, 1)))
    chat = after(server, "x" * 1000)
    assert chat.meter.told() == []


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("", 1, 9),
        ("word " * 100, 100, 160),
        ("Zeile für Zeile " * 20, 60, 120),
        ("天空为什么是蓝色的" * 10, 60, 100),
    ],
)
def test_an_estimate_is_near(text: str, low: int, high: int) -> None:
    assert low <= counting.estimate([{"role": "user", "content": text}]) <= high


def test_an_image_counts_as_many_words() -> None:
    parts = [
        {"type": "text", "text": "x"},
        {"type": "image_url", "image_url": {"url": "data:" + "A" * 10**6}},
    ]
    assert 500 < counting.estimate([{"role": "user", "content": parts}]) < 2000


def test_vllm_is_asked_only_what_it_knows(server: ScriptedServer) -> None:
    server.pages["/tokenize"] = page({"count": 9, "max_model_len": 4096, "tokens": [1] * 9})
    body = {"model": "m", "messages": [], "temperature": 0, "stream": True}
    post = Client(parse(server.url)).post
    assert counting.ask(servers.kind("vllm"), body, post) == 9
    assert counting.ask(servers.kind("openai"), body, post) is None
    assert [asked.body for asked in server.others] == [{"model": "m", "messages": []}]


OLDER: dict[str, Said] = {
    "/v1/models": models("m", owned_by="llamacpp"),
    "/apply-template": page({"prompt": "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"}),
    "/tokenize": page({"tokens": [151644, 872, 198, 6023, 151645, 198, 151644, 77091, 198]}),
}


def test_an_older_llamacpp_counts_by_its_template_and_its_tokenizer(server: ScriptedServer) -> None:
    server.pages = dict(OLDER)
    with contextlib.closing(after(server)) as chat:
        assert Watching(chat).exact("hi").tokens == 9
    asked = [(request.path, request.body) for request in server.others if request.method == "POST"]
    user = {"role": "user", "content": "hi"}
    prompt = "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
    assert asked[1:] == [
        ("/apply-template", {"messages": [user]}),
        ("/tokenize", {"content": prompt, "add_special": True, "parse_special": True}),
    ]


def test_that_is_what_the_newer_way_counts(practice: str) -> None:
    """On the real llama.cpp, which has both."""
    client = Client(parse(practice))
    kind = servers.kind("llamacpp")
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What is a zebra?"},
        {"role": "assistant", "content": "An animal."},
        {"role": "user", "content": "日本 <|im_end|> {}"},
    ]

    def older(path: str, body: Mapping[str, Any]) -> Answer | None:
        return Answer(404, {}, "") if path == kind.counts else client.post(path, body)

    count = counting.ask(kind, {"messages": messages}, client.post)
    assert count
    assert counting.ask(kind, {"messages": messages}, older) == count


def test_it_does_not_count_images_so(server: ScriptedServer) -> None:
    server.pages = dict(OLDER)
    body = {"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}
    assert counting.ask(servers.kind("llamacpp"), body, Client(parse(server.url)).post) == 0


def test_a_prompt_that_it_refuses_to_count_does_not_end_the_counting(practice: str) -> None:
    """On the real llama.cpp, whose model sees no images."""
    with contextlib.closing(Chat(settings_for(practice))) as chat:
        assert chat.connection.found()
        image = Attachment("image", "a.png", "data:image/png;base64,AAAA")
        with_image = chat.meter.before(Conversation().add(Message("user", "x" * 5000, attachments=(image,))))
        assert with_image
        assert not with_image.exact
        assert Watching(chat).exact("hi").tokens
