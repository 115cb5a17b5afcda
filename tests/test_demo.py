"""The practice model in the real llama.cpp server, from the child process to the screen."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

import llmchat
from llmchat import complete
from llmchat.errors import EngineError
from llmchat.local import engine
from tests.session import session, settings_for
from tests.terminal import terminal


@pytest.fixture(scope="module")
def practice() -> Iterator[str]:
    """The URL of a llama.cpp server with the practice model."""
    with contextlib.closing(engine.start_practice()) as running:
        yield running.url


def test_hello_world_is_answered_with_a_highlighted_code_block(home: Path) -> None:
    with terminal("--demo", home=home) as screen:
        screen.wait_for_prompt()
        screen.line("write hello world in python")
        shown = screen.wait_for("tokens/s")
        assert 'print("Hello, world!")' in shown
        assert "```" not in shown
        assert "\x1b[" in screen.raw.partition("print")[0].rpartition("\n")[2]
        screen.wait_for_prompt()


def test_it_is_recognised_and_its_model_taken(practice: str) -> None:
    ran = session(practice, "/server", "/models", "/model")
    assert re.search(rf"llama.cpp (b\d+-\S+ )?at {practice}", ran.screen)
    assert "unknown" not in ran.screen
    assert "loaded" in ran.screen
    assert "The model is practice (chosen for you)." in ran.screen


def test_a_whole_conversation_with_the_real_server(practice: str) -> None:
    settings = settings_for(practice, temperature=0)
    ran = session(practice, "I like tea", "what do I like?", "/regen", "/undo", settings=settings)
    nodes = ran.conversation.nodes
    assert "tea" in nodes[3].message.content  # it cannot know without the first turn
    assert nodes[3].message.content == nodes[4].message.content
    assert ran.said[0] == ("user", "I like tea")
    assert len(ran.conversation.path()) == 2


def test_it_tells_its_usage_and_its_speed(practice: str) -> None:
    assert "tokens/s" in session(practice, "hi", rendered=True).screen


def test_it_says_what_it_is(practice: str) -> None:
    reply = complete([{"role": "user", "content": "what are you?"}], url=practice, temperature=0)
    assert "practice model" in reply[0]["content"]


def test_several_choices_come_from_one_request(practice: str) -> None:
    replies = complete([{"role": "user", "content": "tell me a joke"}], url=practice, n=3, seed=1)
    assert len(replies) == 3
    assert all(reply["role"] == "assistant" and reply["content"] for reply in replies)


def test_four_slots_of_the_trained_length_are_there(practice: str) -> None:
    props = requests.get(practice + "/props", timeout=10).json()
    assert props["total_slots"] == engine.SLOTS
    assert props["default_generation_settings"]["n_ctx"] == 2048


def test_a_file_of_ones_own_is_served_too(home: Path) -> None:
    model = Path(llmchat.__file__).parent / "practice" / "practice.gguf"
    with terminal("--local", str(model), home=home) as screen:
        screen.wait_for_prompt()
        screen.line("hello")
        screen.wait_for("tokens")


def test_no_model_file_is_one_sentence(home: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"no model")
    with pytest.raises(EngineError, match="There is no model file"):
        engine.start(tmp_path / "missing.gguf")
    with pytest.raises(EngineError, match=r"llama.cpp could not load broken.gguf"):
        engine.start(broken)
    with terminal("--local", str(broken), home=home) as screen:
        screen.wait_for_prompt()
        screen.line("hello")
        screen.wait_for("could not load broken.gguf")
        screen.wait_until(lambda _: screen.cursor_line == "> hello", "the question")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_child_ends_when_the_program_is_killed(how: signal.Signals) -> None:
    program = (
        "from llmchat.local import engine; e = engine.start_practice(); print(e.url, flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout
        url = parent.stdout.readline().strip()
        assert requests.get(url + "/health", timeout=10).ok
        os.kill(parent.pid, how)
    assert _ends(url)


def _ends(url: str, within: float = 10.0) -> bool:
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            requests.get(url + "/health", timeout=1)
        except requests.ConnectionError:
            return True
        time.sleep(0.02)
    return False


def test_the_child_ends_with_the_program(home: Path) -> None:
    with terminal("--demo", home=home) as screen:
        screen.wait_for_prompt()
        shown = screen.wait_for("model practice")
        url = shown.split(" at ")[1].split(" ")[0]
        screen.type("\x04")
        assert screen.wait_for_end() == 0
        assert _ends(url)


def test_an_engine_that_does_not_start_is_told_at_once(home: Path, tmp_path: Path) -> None:
    with terminal("--local", str(tmp_path / "missing.gguf"), home=home) as screen:
        screen.wait_for("There is no model file")
        screen.wait_for_prompt()
        screen.line("/server demo")
        screen.wait_for("model practice")
        screen.line("hello")
        screen.wait_for("tokens")


def test_an_engine_that_was_left_ends(home: Path) -> None:
    with terminal("--demo", home=home) as screen:
        shown = screen.wait_for("model practice")
        first = shown.split(" at ")[1].split(" ")[0]
        screen.wait_for_prompt()
        screen.line("/server demo")
        screen.wait_until(lambda text: text.count("model practice") == 2, "the second")
        assert _ends(first)
