"""Images that go with a message: what is sent of them, with Pillow and without, and what models say."""

import base64
import contextlib
import io
import re
import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from llmchat.errors import UsageError
from llmchat.input.attachments import found
from llmchat.input.lines import Line
from llmchat.local import engine
from llmchat.store import exports, scripts
from tests.scripted import Said, ScriptedServer, answer, models, page, serving
from tests.session import session


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with images, the current one."""
    here = tmp_path / "here"
    here.mkdir()
    Image.new("RGB", (8, 4), "red").save(here / "small.png")
    Image.new("RGB", (3000, 1500), "red").save(here / "large.jpg")
    Image.new("RGBA", (3000, 30), (255, 0, 0, 10)).save(here / "clear.png")
    Image.new("RGB", (8, 4), "red").save(here / "other.bmp")
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("RGB", (8, 4), "red").save(here / "turned.jpg", exif=turned)
    (here / "broken.png").write_bytes((here / "small.png").read_bytes()[:50])
    (here / "bomb.png").write_bytes(_png_that_claims(60_000, 60_000))
    (here / "words.txt").write_text("words")
    monkeypatch.chdir(here)
    return here


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A scripted server; how its body ends is of no concern here."""
    with serving() as running:
        yield running.will(answer("yes"))


def _png_that_claims(width: int, height: int) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + head
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + chunk
        + struct.pack(">I", zlib.crc32(chunk))
        + struct.pack(">I", 9)
        + b"IDAT"
    )


def opened(url: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))


@pytest.mark.parametrize(
    ("name", "type", "size"),
    [
        ("small.png", "png", (8, 4)),
        ("large.jpg", "jpeg", (1568, 784)),
        ("clear.png", "png", (1568, 16)),
        ("other.bmp", "jpeg", (8, 4)),
        ("turned.jpg", "jpeg", (4, 8)),
    ],
)
def test_an_image_is_sent_upright_and_no_larger_than_models_see(
    name: str, type: str, size: tuple[int, int]
) -> None:
    (one,) = found(name)
    assert one.kind == "image"
    assert one.data.startswith(f"data:image/{type};base64,")
    assert opened(one.data).size == size


def test_a_small_image_is_sent_as_it_is(folder: Path) -> None:
    (one,) = found("small.png")
    assert base64.b64decode(one.data.partition(",")[2]) == (folder / "small.png").read_bytes()


def test_what_is_no_sound_image_is_refused_in_a_sentence() -> None:
    with pytest.raises(UsageError, match=r"broken\.png is no image that can be read"):
        found("broken.png")
    with pytest.raises(UsageError, match=r"bomb\.png has 60,000 × 60,000 pixels"):
        found("bomb.png")


def test_without_pillow_an_image_is_sent_as_it_is_or_the_extra_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    (one,) = found("large.jpg")
    assert base64.b64decode(one.data.partition(",")[2]) == (folder / "large.jpg").read_bytes()
    (folder / "huge.png").write_bytes((folder / "small.png").read_bytes() + bytes(5_000_000))
    for name in ("huge.png", "other.bmp"):
        with pytest.raises(UsageError, match=r"needs? Pillow|by Pillow") as caught:
            found(name)
        assert "'.[images]'" in caught.value.hint


def test_an_image_goes_as_a_part_of_its_message_alone(server: ScriptedServer, folder: Path) -> None:
    path = str(folder / "other.bmp")
    ran = session(
        server.url, "/image small.png", "what is it?", "and @words.txt?", Line(path, pasted=True), "this?"
    )
    first, second, third = (request.body["messages"] for request in server.requests)
    url = first[0]["content"][1]["image_url"]["url"]
    assert first[0]["content"] == [
        {"type": "text", "text": "what is it?"},
        {"type": "image_url", "image_url": {"url": url}},
    ]
    assert second[0] == first[0]
    assert isinstance(second[2]["content"], str)
    assert third[4]["content"][1]["image_url"]["url"].startswith("data:image/jpeg;")
    size = (folder / "small.png").stat().st_size
    assert f"Attached to the next message: small.png ({size} bytes)" in ran.screen


UNSEEING = {"type": "llm", "key": "qwen", "loaded_instances": [], "capabilities": {"vision": False}}
BLIND: dict[str, Said] = {"/v1/models": models("qwen"), "/api/v1/models": page({"models": [UNSEEING]})}
"""The pages of an LM Studio whose model sees nothing."""


def test_a_model_that_is_known_to_see_nothing_is_named(server: ScriptedServer) -> None:
    server.pages |= BLIND
    ran = session(server.url, "@small.png what?", "and now?")
    assert ran.screen.count("qwen sees no images, says LM Studio.") == 1
    swept = session(server.url, "/sweep seed 1 2 -- @small.png what?")
    assert swept.screen.count("qwen sees no images, says LM Studio.") == 1


def test_an_image_command_takes_images_alone(server: ScriptedServer) -> None:
    ran = session(server.url, "/image words.txt", "/image nothing.png", "hi")
    assert "'words.txt' is no image." in ran.screen
    assert "There is no file 'nothing.png'." in ran.screen
    assert server.requests[0].body["messages"] == [{"role": "user", "content": "hi"}]


def test_it_is_named_too_when_the_image_came_before_it(server: ScriptedServer) -> None:
    server.will(answer("A cat."))
    with serving() as blind:
        blind.pages |= BLIND
        blind.will(answer("Sorry."))
        ran = session(server.url, "what is it? @small.png", f"/server {blind.url}", "and now?", "sure?")
    assert ran.screen.count("qwen sees no images, says LM Studio.") == 1


def test_an_image_is_kept_and_exported(server: ScriptedServer, folder: Path) -> None:
    forms = ("json", "md", "html", "jsonl", "py", "sh")
    files = [f"/export chat.{form}" for form in forms]
    ran = session(server.url, "@large.jpg what?", *files, "/request", "/history")
    texts = {form: (folder / f"chat.{form}").read_text(encoding="utf-8") for form in forms}
    url = server.requests[0].body["messages"][0]["content"][1]["image_url"]["url"]
    assert exports.read(texts["json"]).conversation == ran.conversation
    assert f'<img src="{url}"' in texts["html"]
    assert "[large.jpg (" in texts["md"]
    assert url not in texts["md"]
    assert all(url in texts[form] for form in ("jsonl", "sh"))
    assert scripts.json_text(server.requests[0].body) in ran.screen
    assert "@large.jpg what? [large.jpg]" in ran.screen
    compile(texts["py"], "chat.py", "exec")


def test_an_import_takes_no_image_from_elsewhere(server: ScriptedServer, folder: Path) -> None:
    session(server.url, "@small.png what?", "/export chat.json")
    text = (folder / "chat.json").read_text(encoding="utf-8")
    (folder / "evil.json").write_text(
        re.sub(r"data:image/png;base64,[^\"]+", "http://example.com/x.png", text)
    )
    assert "no conversation that llmchat has exported" in session(server.url, "/import evil.json").screen


def test_llama_cpp_says_that_its_model_sees_nothing_and_the_question_comes_back() -> None:
    with contextlib.closing(engine.start_practice()) as running:
        ran = session(running.url, "what is @small.png?", "/clear", "hi")
    assert "The model sees no images (HTTP 500): image input is not supported" in ran.screen
    assert ran.offered[1] == "what is @small.png?"
    assert ran.said[0] == ("user", "hi")
