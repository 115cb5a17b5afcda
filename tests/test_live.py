"""Servers of other makers, each in an environment of its own: `python -m pytest -n 0 -m live`.

`LLMCHAT_LIVE` names a folder with the virtual environments `llamacpp` (llama-cpp-python[server]),
`litellm` (litellm[proxy]) and `transformers` (transformers[serving], torch, gguf). What was seen with
which versions stands in docs/servers.md.
"""

import contextlib
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path

import pytest

from llmchat.config.settings import Settings
from llmchat.local import engine
from tests.session import Session, session, settings_for

pytestmark = pytest.mark.live

GREETING = "I am the practice model"
KEY = "sk-practice-0123456789abcdef0123456789abcdef"
LONGEST_START = 180.0
"""Seconds; a guard against hanging."""

# Run by the environment that has transformers: the practice weights as safetensors.
CONVERT = """
import sys
from transformers import AutoModelForCausalLM, AutoTokenizer
folder, name, to = sys.argv[1:]
AutoTokenizer.from_pretrained(folder, gguf_file=name).save_pretrained(to)
read = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype="float32")
del read.config.quantization_config
plain = AutoModelForCausalLM.from_config(read.config)
plain.load_state_dict(read.state_dict())
plain.save_pretrained(to)
"""


def program(environment: str, name: str) -> str:
    """A program of one of the environments; skips the test where that is not there."""
    path = Path(os.environ.get("LLMCHAT_LIVE", "/nowhere"), environment, "bin", name)
    if not path.exists():
        pytest.skip(f"{path} is not there; LLMCHAT_LIVE names the folder with the environments")
    return str(path)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@contextlib.contextmanager
def running(*command: str, port: int, alive: str, **environ: str) -> Iterator[str]:
    """The URL of a server that this command starts, once it answers to the path `alive`."""
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        command, env={**os.environ, **environ}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        end = time.monotonic() + LONGEST_START
        while not _answers(url + alive):
            assert process.poll() is None, f"{command[0]} has ended with {process.returncode}"
            assert time.monotonic() < end, f"{command[0]} does not answer"
            time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False


@pytest.fixture(scope="module")
def model() -> Iterator[Path]:
    """The file of the practice model."""
    with as_file(files("llmchat.practice") / "practice.gguf") as path:
        yield path


@pytest.fixture(scope="module")
def llama_cpp_python(model: Path) -> Iterator[str]:
    """llama-cpp-python's own server with the practice model."""
    python, port = program("llamacpp", "python"), free_port()
    command = (
        python,
        "-m",
        "llama_cpp.server",
        "--model",
        str(model),
        "--port",
        str(port),
        "--n_ctx",
        "2048",
    )
    with running(*command, port=port, alive="/v1/models") as url:
        yield url


@pytest.fixture(scope="module")
def litellm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A LiteLLM proxy in front of two llama.cpp servers, which wants a key."""
    command, port = program("litellm", "litellm"), free_port()
    with (
        contextlib.closing(engine.start_practice()) as one,
        contextlib.closing(engine.start_practice()) as two,
    ):
        rows = [
            f"  - model_name: {name}\n"
            f"    litellm_params: {{model: openai/{name}, api_base: {behind.url}/v1, api_key: none}}\n"
            for name, behind in (("one", one), ("two", two))
        ]
        config = tmp_path_factory.mktemp("litellm") / "config.yaml"
        config.write_text("model_list:\n" + "".join(rows))
        arguments = ("--config", str(config), "--host", "127.0.0.1", "--port", str(port))
        alive = "/health/liveliness"
        with running(command, *arguments, port=port, alive=alive, LITELLM_MASTER_KEY=KEY) as url:
            yield url


@pytest.fixture(scope="module")
def transformers(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Iterator[tuple[str, str]]:
    """`transformers serve` with the practice weights as safetensors: its URL, and the model's name."""
    command, port = program("transformers", "transformers"), free_port()
    weights = tmp_path_factory.mktemp("weights")
    python = program("transformers", "python")
    subprocess.run([python, "-c", CONVERT, str(model.parent), model.name, str(weights)], check=True)
    arguments = ("serve", str(weights), "--host", "127.0.0.1", "--port", str(port), "--device", "cpu")
    cache = str(tmp_path_factory.mktemp("cache"))
    with running(command, *arguments, port=port, alive="/health", HF_HUB_CACHE=cache) as url:
        yield url, str(weights)


def with_key(url: str, key: str) -> Settings:
    """The settings for a server that wants this key."""
    given = settings_for(url)
    return Settings(address=given.address, url_named=True, program_key=key)


def answers(ran: Session) -> list[str]:
    return [content for role, content in ran.said if role == "assistant"]


def test_llama_cpp_python(llama_cpp_python: str) -> None:
    ran = session(
        llama_cpp_python,
        "/models",
        "hi",
        "/server",
        "/json on",
        "/fix",
        "/json off",
        "/set max_tokens 3",
        "hi",
    )
    assert "llama-cpp-python at" in ran.screen
    assert GREETING in answers(ran)[0]
    assert "ended the answer" in ran.screen


def test_llama_cpp_python_takes_samplers_under_its_names(llama_cpp_python: str) -> None:
    values = "temperature=0 top_k=5 min_p=0.1 repeat_penalty=1.1 seed=1 stop=zzz mirostat=2 mirostat_tau=5"
    ran = session(
        llama_cpp_python, "/models", f"/set {values}", '/grammar root ::= "yes" | "no"', "hi", "/request"
    )
    assert answers(ran)[0] in ("yes", "no")
    assert '"mirostat_mode": 2' in ran.screen
    assert "ignore" not in ran.screen


def test_litellm_in_front_of_two_llama_cpp_servers(litellm: str) -> None:
    ran = session(
        litellm, "/models", "/model one", "hi", "/model two", "hi", "/server", settings=with_key(litellm, KEY)
    )
    assert "LiteLLM at" in ran.screen
    assert [GREETING in answer for answer in answers(ran)] == [True, True]
    assert ran.chat.model == "two"


def test_litellm_with_a_wrong_model_or_key_says_so(litellm: str) -> None:
    ran = session(litellm, "/model three", "hi", settings=with_key(litellm, KEY))
    assert "The server refused (HTTP 400)" in ran.screen
    assert ran.offered[-1] == "hi"
    ran = session(litellm, "/model one", "hi", settings=with_key(litellm, "wrong"))
    assert "The server refused" in ran.screen
    assert answers(ran) == []


def test_litellm_leaves_out_what_it_would_refuse(litellm: str) -> None:
    lines = ("/models", "/model one", "/set temperature=0 dry_multiplier=0.8 seed=1", "hi")
    ran = session(litellm, *lines, settings=with_key(litellm, KEY))
    assert "LiteLLM does not know dry_multiplier: left out." in ran.screen
    assert GREETING in answers(ran)[0]


def test_transformers_serve(transformers: tuple[str, str]) -> None:
    url, name = transformers
    ran = session(url, f"/model {name}", "hi", "/set temperature=0 top_k=5 seed=1 stop=zzz", "hi", "/server")
    assert "transformers serve at" in ran.screen
    assert "transformers serve does not know top_k: left out." in ran.screen
    assert GREETING in answers(ran)[1]


def test_transformers_serve_with_another_model_says_so(transformers: tuple[str, str]) -> None:
    url, name = transformers
    ran = session(url, "/model other", "hi", f"/model {name}", "hi")
    assert f"Server is pinned to '{name}'" in ran.screen
    assert ran.offered[2] == "hi"
    assert len(answers(ran)) == 1


def test_a_conversation_goes_from_server_to_server(
    llama_cpp_python: str, transformers: tuple[str, str]
) -> None:
    ran = session(llama_cpp_python, "hi", f"/server {transformers[0]}", f"/model {transformers[1]}", "hi")
    assert [GREETING in answer for answer in answers(ran)] == [True, True]
