"""Defaults < settings file < environment < flags; a key goes to the server that it was given for."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llmchat.config import settings
from llmchat.config.preferences import PREFERENCES
from llmchat.config.settings import Settings
from llmchat.errors import UsageError
from llmchat.wire.address import parse


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment whose settings are in a folder of their own."""
    (tmp_path / "config").mkdir()
    return {"LLMCHAT_HOME": str(tmp_path)}


def write(home: dict[str, str], text: str | bytes) -> None:
    file = Path(home["LLMCHAT_HOME"]) / "config" / "settings.toml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)


FILE = """
url = "file.example"
model = "file-model"
system = "From the file."

[params]
temperature = 1
top_k = 40
min_p = "0,1"
"""


def values(given: Settings) -> dict[str, tuple[Any, str]]:
    return {name: (setting.value, setting.origin) for name, setting in given.sampling.effective.items()}


def test_without_anything_the_defaults_hold(home: dict[str, str]) -> None:
    given = settings.load(home)
    assert given == replace(Settings(), file=Path(home["LLMCHAT_HOME"]) / "config" / "settings.toml")
    assert (str(given.address), given.url_named, given.model) == ("http://localhost:1234", False, "")
    assert values(given) == {"temperature": (0.7, "default"), "max_tokens": (-1, "default")}


def test_the_settings_file_comes_before_the_defaults(home: dict[str, str]) -> None:
    write(home, FILE)
    given = settings.load(home)
    assert (str(given.address), given.url_named) == ("https://file.example", True)
    assert (given.model, given.system) == ("file-model", "From the file.")
    assert values(given) == {
        "temperature": (1.0, "settings file"),
        "max_tokens": (-1, "default"),
        "top_k": (40, "settings file"),
        "min_p": (0.1, "settings file"),
    }


def test_the_environment_comes_before_the_file(home: dict[str, str]) -> None:
    write(home, FILE)
    environ = {
        "LLMCHAT_URL": "env.example",
        "LLMCHAT_MODEL": "env-model",
        "LLMCHAT_SYSTEM": "From there.",
    }
    given = settings.load(home | environ)
    assert str(given.address) == "https://env.example"
    assert (given.model, given.system) == ("env-model", "From there.")


@pytest.mark.parametrize("name", ["LLMCHAT_URL", "LLMCHAT_MODEL", "LLMCHAT_SYSTEM", "LLMCHAT_API_KEY"])
def test_an_empty_variable_is_none(home: dict[str, str], name: str) -> None:
    write(home, FILE)
    assert settings.load(home | {name: ""}) == settings.load(home)


def test_flags_come_before_all_and_the_rest_stays(home: dict[str, str]) -> None:
    write(home, FILE)
    given = settings.with_url(settings.load(home | {"LLMCHAT_URL": "env.example"}), "flag.example")
    given = settings.with_params(given, {"temp": "0.3", "seed": 7}, "flag")
    assert str(given.address) == "https://flag.example"
    assert values(given)["temperature"] == (0.3, "flag")
    assert values(given)["seed"] == (7, "flag")
    assert values(given)["top_k"] == (40, "settings file")
    assert given.model == "file-model"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('colour = "red"', "unknown key 'colour'"),
        ("model = 3", "model is a text, not 3"),
        ('params = "x"', "params is a table, not 'x'"),
        ("url =", "cannot be read"),
        (b'model = "\xff"', "cannot be read"),
        ('url = "not an address"', "is no server address"),
        ("[params]\nwarmth = 1", "no parameter 'warmth'"),
        ("[params]\ntemperature = 3", "temperature is a number from 0 to 2, not 3"),
        ("[params]\ntemperature = nan", "temperature is a number from 0 to 2, not nan"),
        ('[params]\ntop_k = "many"', "top_k is a whole number from 0, not 'many'"),
        ("[params]\nseed = 1979-05-27", "seed is a whole number"),
    ],
)
def test_a_mistake_in_the_file_is_told_with_the_files_name(
    home: dict[str, str], text: str | bytes, words: str
) -> None:
    write(home, text)
    with pytest.raises(UsageError) as refused:
        settings.load(home)
    assert words in refused.value.sentence
    assert str(Path(home["LLMCHAT_HOME"]) / "config" / "settings.toml") in refused.value.sentence


def test_an_unknown_key_is_refused_with_the_known_ones(home: dict[str, str]) -> None:
    write(home, 'colour = "red"')
    with pytest.raises(UsageError) as refused:
        settings.load(home)
    assert (
        refused.value.hint
        == "Known keys: "
        + ", ".join(
            [
                "url",
                "model",
                "system",
                "params",
                "servers",
                "aliases",
                "macros",
                "styles",
                *(p.name for p in PREFERENCES),
            ]
        )
        + "."
    )


def test_a_folder_in_the_files_place_is_told(home: dict[str, str]) -> None:
    (Path(home["LLMCHAT_HOME"]) / "config" / "settings.toml").mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        settings.load(home)


def test_a_file_that_begins_with_a_byte_order_mark_is_read(home: dict[str, str]) -> None:
    write(home, b"\xef\xbb\xbf" + FILE.encode())
    assert settings.load(home).model == "file-model"


def test_one_variable_moves_both_folders(tmp_path: Path) -> None:
    environ = {"LLMCHAT_HOME": str(tmp_path), "XDG_CONFIG_HOME": "/x", "XDG_DATA_HOME": "/x", "APPDATA": "/x"}
    assert settings.config_folder(environ) == tmp_path / "config"
    assert settings.data_folder(environ) == tmp_path / "data"


@pytest.mark.parametrize(
    ("platform", "environ", "config", "data"),
    [
        ("linux", {}, ".config/llmchat", ".local/share/llmchat"),
        ("linux", {"XDG_CONFIG_HOME": "c", "XDG_DATA_HOME": "d"}, "c/llmchat", "d/llmchat"),
        ("darwin", {}, "Library/Application Support/llmchat", "Library/Application Support/llmchat"),
        ("win32", {"APPDATA": "r", "LOCALAPPDATA": "l"}, "r/llmchat", "l/llmchat"),
    ],
)
def test_each_platform_has_its_folders(
    platform: str, environ: dict[str, str], config: str, data: str
) -> None:
    base = Path() if environ else Path.home()
    assert settings.config_folder(environ, platform) == base / config
    assert settings.data_folder(environ, platform) == base / data


KEYS = {"LLMCHAT_API_KEY": " program-key\n", "OPENAI_API_KEY": "openai-key\n"}

# Where the program was started for, the server, and the key that may go there.
SENT: list[tuple[str, str, str]] = [
    ("box:1234", "box:1234", "program-key"),
    ("box:1234", "http://box:1234/other/path", "program-key"),
    ("box:1234", "https://box:1234", ""),
    ("box:1234", "box:1235", ""),
    ("box:1234", "xbox:1234", ""),
    ("box:1234", "box.example.com:1234", ""),
    ("box:1234", "https://api.openai.com/v1", "openai-key"),
    ("box:1234", "https://api.openai.com:443", "openai-key"),
    ("box:1234", "http://api.openai.com/v1", ""),
    ("box:1234", "https://api.openai.com:8443", ""),
    ("box:1234", "https://api.openai.com.evil.example", ""),
    ("box:1234", "https://evil-api.openai.com", ""),
    ("https://api.openai.com", "https://api.openai.com", "program-key"),
    ("https://api.openai.com", "box:1234", ""),
]


@pytest.mark.parametrize(("start", "server", "key"), SENT)
def test_a_key_goes_to_the_server_that_it_was_given_for(
    home: dict[str, str], start: str, server: str, key: str
) -> None:
    given = settings.with_url(settings.load(home | KEYS), start)
    assert given.key_for(parse(server)) == key


def test_without_keys_none_is_sent(home: dict[str, str]) -> None:
    given = settings.load(home)
    assert given.key_for(given.address) == given.key_for(parse("https://api.openai.com")) == ""


def test_a_key_is_in_no_traceback(home: dict[str, str]) -> None:
    assert "-key" not in repr(settings.load(home | KEYS))
