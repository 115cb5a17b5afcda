"""What people type as a server's address is made one, or refused with a sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmchat.errors import UsageError
from llmchat.wire.address import DEFAULT_URL, Address, parse

# What is typed, and the base of the API that it means.
MEANT: list[tuple[str, str]] = [
    (DEFAULT_URL, "http://localhost:1234/v1"),
    ("localhost:1234", "http://localhost:1234/v1"),
    ("127.0.0.1:8080", "http://127.0.0.1:8080/v1"),
    ("  localhost:1234\n", "http://localhost:1234/v1"),
    ("http://localhost:1234", "http://localhost:1234/v1"),
    ("http://localhost:1234/", "http://localhost:1234/v1"),
    ("http://localhost:1234//", "http://localhost:1234/v1"),
    ("http://localhost:1234/v1", "http://localhost:1234/v1"),
    ("http://localhost:1234/v1/", "http://localhost:1234/v1"),
    ("http://localhost:1234//v1//", "http://localhost:1234/v1"),
    ("localhost:1234/v1", "http://localhost:1234/v1"),
    ("localhost:1234/v1/chat/completions", "http://localhost:1234/v1"),
    ("localhost:1234/v1/chat/completions/", "http://localhost:1234/v1"),
    ("localhost:1234/v1/completions", "http://localhost:1234/v1"),
    ("localhost:1234/v1/models", "http://localhost:1234/v1"),
    ("localhost:1234/chat/completions", "http://localhost:1234/v1"),
    ("http://localhost:1234/v1?x=1#y", "http://localhost:1234/v1"),
    ("HTTP://LocalHost:1234", "http://localhost:1234/v1"),
    ("localhost.:1234", "http://localhost:1234/v1"),
    ("http://localhost", "http://localhost/v1"),
    ("http://localhost:80", "http://localhost/v1"),
    ("box", "http://box/v1"),
    ("box.local", "http://box.local/v1"),
    ("192.168.1.5", "http://192.168.1.5/v1"),
    ("api.openai.com", "https://api.openai.com/v1"),
    ("https://api.openai.com/v1", "https://api.openai.com/v1"),
    ("https://api.openai.com:443", "https://api.openai.com/v1"),
    ("api.openai.com:443", "https://api.openai.com/v1"),
    ("example.com:8000", "http://example.com:8000/v1"),
    ("box:443", "https://box/v1"),
    ("8.8.8.8", "https://8.8.8.8/v1"),
    ("https://openrouter.ai/api/v1", "https://openrouter.ai/api/v1"),
    ("openrouter.ai/api/v1/chat/completions", "https://openrouter.ai/api/v1"),
    ("https://example.com/proxy/openai", "https://example.com/proxy/openai"),
    ("[::1]:8080", "http://[::1]:8080/v1"),
    ("http://[::1]", "http://[::1]/v1"),
    ("https://[2001:db8::1]:8443/v1", "https://[2001:db8::1]:8443/v1"),
]


@pytest.mark.parametrize(("text", "api"), MEANT)
def test_an_address_is_what_is_meant(text: str, api: str) -> None:
    assert parse(text).api == api


@pytest.mark.parametrize(("text", "api"), MEANT)
def test_an_address_that_is_shown_can_be_typed(text: str, api: str) -> None:
    address = parse(text)
    assert parse(address.api) == address
    if address.api.removeprefix(address.origin) == "/v1":
        assert parse(str(address)) == address


JUNK = [
    "",
    "  ",
    "/",
    "/v1",
    "http://",
    "://localhost",
    ".",
    ":1234",
    "::1",
    "hello world",
    "local\x1b[0mhost",
    "http://local\u202ehost",
    "localhost:abc",
    "localhost:99999",
    "localhost:-1",
    "localhost:0",
    "localhost:12:34",
    "http://[::1",
    "http://[nonsense]:1234",
    "ftp://localhost",
    "file:///etc/passwd",
    "javascript://x",
    "http:/localhost:1234",
    "http:localhost:1234",
    "https:/api.openai.com",
]


@pytest.mark.parametrize("text", JUNK)
def test_junk_is_refused_with_a_sentence_and_an_example(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse(text)
    assert refused.value.sentence.endswith(".")
    assert "localhost:8080" in refused.value.hint
    assert refused.value.sentence.isprintable()


@pytest.mark.parametrize(
    "text",
    [
        "http://me:secret@localhost:1234",
        "me:secret@localhost",
        "http://secret@h",
        "http://:secret@h",
        "http://@h",
    ],
)
def test_a_key_in_an_address_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse(text)
    assert "secret" not in refused.value.sentence + refused.value.hint
    assert "LLMCHAT_API_KEY" in refused.value.hint


@pytest.mark.parametrize("text", ["http://me:secret@localhost:99999", "ftp://me:secret@h", "me:secret@h h"])
def test_nor_is_it_repeated_when_the_address_is_junk(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse(text)
    assert "secret" not in refused.value.sentence


@given(st.text() | st.text("htps:/@[].%?#019a \t"))
def test_whatever_is_typed_is_an_address_or_refused(text: str) -> None:
    try:
        address = parse(text)
    except UsageError:
        return
    assert parse(address.api) == address


# An address, whether it is on this machine, and whether no proxy belongs between.
PLACES: list[tuple[str, bool, bool]] = [
    ("localhost:1", True, True),
    ("my.localhost:1", True, True),
    ("127.0.0.1:1", True, True),
    ("127.9.9.9:1", True, True),
    ("[::1]:1", True, True),
    ("0.0.0.0:1", True, True),
    ("[::]:1", True, True),
    ("10.1.2.3:1", False, True),
    ("172.16.0.1:1", False, True),
    ("192.168.1.5:1", False, True),
    ("169.254.1.1:1", False, True),
    ("[fe80::1%25eth0]:1", False, True),
    ("[fd00::1]:1", False, True),
    ("box:1", False, True),
    ("box.local:1", False, True),
    ("localhost.example.com:1", False, False),
    ("8.8.8.8:1", False, False),
    ("172.32.0.1:1", False, False),
    ("api.openai.com:1", False, False),
    ("[2606:4700::1]:1", False, False),
]


@pytest.mark.parametrize(("text", "local", "near"), PLACES)
def test_what_is_on_this_machine_and_what_is_near(text: str, local: bool, near: bool) -> None:
    address = parse(text)
    assert (address.local, address.near) == (local, near)


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("http://localhost:1234/v1", "http://localhost:1234"),
        ("https://api.openai.com:443/v1", "https://api.openai.com"),
        ("http://api.openai.com/v1", "http://api.openai.com"),
        ("https://api.openai.com:80/v1", "https://api.openai.com:80"),
        ("http://[::1]:80/", "http://[::1]"),
    ],
)
def test_the_origin_is_scheme_host_and_port(text: str, origin: str) -> None:
    assert parse(text).origin == origin


@pytest.mark.parametrize(
    ("text", "path", "url"),
    [
        ("localhost:1234", "/v1/models", "http://localhost:1234/v1/models"),
        ("localhost:1234", "/api/v0/models", "http://localhost:1234/api/v0/models"),
        ("localhost:1234", "/", "http://localhost:1234/"),
        ("openrouter.ai/api/v1", "/v1/chat/completions", "https://openrouter.ai/api/v1/chat/completions"),
        ("h/openai", "/v1/models", "http://h/openai/models"),
        ("h/openai", "/props", "http://h/openai/props"),
    ],
)
def test_a_path_is_below_the_api_or_below_the_root(text: str, path: str, url: str) -> None:
    assert parse(text).url(path) == url


def test_the_port_is_always_known() -> None:
    assert parse("http://h") == Address("http", "h", 80, "/v1")
    assert parse("https://h") == Address("https", "h", 443, "/v1")
