"""Models from a hub, which is on this machine here: choosing, fetching, going on, and what goes wrong."""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from llmchat.errors import HubError, UsageError
from llmchat.launch.fetching import local_model
from llmchat.local import hub
from llmchat.local.hub import ModelFile
from llmchat.local.memory import free_memory
from tests.loopback_hub import REPOSITORY, Hub, loopback_hub
from tests.terminal import terminal

MODEL = (files("llmchat.practice") / "practice.gguf").read_bytes()
HALF = len(MODEL) // 2
NAME = "practice-q8_0.gguf"
G = 10**9


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with the practice model."""
    with loopback_hub({NAME: MODEL, "mmproj-f16.gguf": b"x", "README.md": b"x"}) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running


def fetched(folder: Path, told: list[int] | None = None) -> Path:
    (model,) = hub.listed(REPOSITORY)
    return hub.fetch(model, folder, (told if told is not None else []).append)


def test_a_model_is_fetched_whole(there: Hub, tmp_path: Path) -> None:
    told: list[int] = []
    path = fetched(tmp_path, told)
    assert path == tmp_path / "someone" / "practice-GGUF" / NAME
    assert path.read_bytes() == MODEL
    assert told == sorted(told)
    assert told[-1] == len(MODEL)
    assert hub.kept(REPOSITORY, "", tmp_path) == path
    assert hub.kept(REPOSITORY, "q4", tmp_path) is None


def test_a_broken_download_is_gone_on_with(there: Hub, tmp_path: Path) -> None:
    there.ends_after = HALF
    with pytest.raises(HubError, match="does not answer as it should") as caught:
        fetched(tmp_path)
    assert "goes on from there" in caught.value.hint
    (model,) = hub.listed(REPOSITORY)
    there_already = hub.begun(model, tmp_path)
    assert 0 < there_already <= HALF
    there.ends_after = None
    assert fetched(tmp_path).read_bytes() == MODEL
    assert there.asked == ["bytes=0-", f"bytes={there_already}-"]


def test_a_damaged_file_is_thrown_away(there: Hub, tmp_path: Path) -> None:
    there.sums[NAME] = "0" * 64
    with pytest.raises(HubError, match="its checksum is wrong"):
        fetched(tmp_path)
    assert list(tmp_path.rglob("*.gguf*")) == []


def test_what_is_not_there_is_told_in_a_sentence(there: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(HubError, match=r"The hub has no repository no/body\."):
        hub.listed("no/body")
    del there.files[NAME]
    with pytest.raises(HubError, match="has no model in one GGUF file"):
        hub.listed(REPOSITORY)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(HubError, match=r"http://127\.0\.0\.1:9 does not answer") as caught:
        hub.listed(REPOSITORY)
    assert "goes on" in caught.value.hint


QUANTISATIONS = {"q2_k": 1.4, "q4_k_m": 2.1, "q5_k_m": 2.4, "q8_0": 3.6, "fp16": 6.8}
MODELS = [ModelFile("a/b", f"qwen-{name}.gguf", round(size * G)) for name, size in QUANTISATIONS.items()]


@pytest.mark.parametrize(
    ("free", "wanted", "name"),
    [
        (None, "", "q4_k_m"),
        (1 * G, "", "q2_k"),
        (4 * G, "", "q5_k_m"),
        (8 * G, "", "q8_0"),
        (64 * G, "", "q8_0"),
        (64 * G, "Q4_K_M", "q4_k_m"),
        (1 * G, "fp16", "fp16"),
        (None, "qwen-q8_0.gguf", "q8_0"),
    ],
)
def test_the_quantisation_fits_the_free_memory(free: int | None, wanted: str, name: str) -> None:
    assert hub.chosen(MODELS, wanted, free).name == f"qwen-{name}.gguf"


def test_a_file_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(UsageError) as caught:
        hub.chosen(MODELS, "q3", None)
    assert "qwen-q4_k_m.gguf" in caught.value.hint


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("owner/repo-GGUF", ("owner/repo-GGUF", "")),
        ("owner/repo:q4_k_m", ("owner/repo", "q4_k_m")),
        ("owner/repo:model.gguf", ("owner/repo", "model.gguf")),
        ("models/mine.gguf", None),
        ("mine.gguf", None),
        ("./models/mine", None),
        ("/models/mine", None),
    ],
)
def test_a_reference_is_told_from_a_path(words: str, meant: tuple[str, str] | None) -> None:
    assert hub.reference(words) == meant


def test_nobody_is_asked_without_a_terminal(
    there: Hub, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError, match="Nobody can be asked"):
        local_model(REPOSITORY)
    assert f"{REPOSITORY}: {NAME}, 4.08 MB." in capsys.readouterr().err
    assert there.asked == []


def test_some_memory_is_free() -> None:
    free = free_memory()
    assert free is None or free > 1_000_000


def test_a_killed_download_is_gone_on_with_and_the_model_answers(there: Hub, home: Path) -> None:
    there.ends_after, there.holds = HALF, True
    with terminal("--local", REPOSITORY, home=home, HF_ENDPOINT=there.url) as screen:
        screen.wait_for("Fetch it? [Y/n]")
        screen.line("y")
        screen.wait_for(" %")
        assert there.stuck.wait(30)
        screen.child.kill(9)
        screen.child.wait()
    there.ends_after = None
    with terminal("--local", REPOSITORY, home=home, HF_ENDPOINT=there.url) as screen:
        screen.wait_for("of it are there already.")
        screen.wait_for("Fetch it? [Y/n]")
        screen.line("")
        screen.wait_for("100 %")
        screen.wait_for_prompt()
        screen.line("hi")
        screen.wait_for("tokens/s")
    with terminal("--local", REPOSITORY, "hi", home=home, HF_ENDPOINT=there.url) as screen:
        assert screen.wait_for_end() == 0
    begin = int(there.asked[1].removeprefix("bytes=").rstrip("-"))
    assert 0 < begin <= HALF
    assert len(there.asked) == 2


def test_a_download_that_is_not_wanted_is_none(there: Hub, home: Path) -> None:
    with terminal("--local", REPOSITORY, home=home, HF_ENDPOINT=there.url) as screen:
        screen.wait_for("Fetch it? [Y/n]")
        screen.line("n")
        assert screen.wait_for_end() == 2
        assert "Nothing was fetched." in screen.text
    assert there.asked == []
