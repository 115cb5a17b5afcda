"""The documentation says what the program does: all that stands in it is run."""

import sys

import pytest

from docs.transcripts import TUTORIAL, filled, masked, typed

PROGRAM = (sys.executable, "-m", "llmchat", "--demo")


def test_the_tutorial_shows_what_the_program_shows() -> None:
    page = TUTORIAL.read_text(encoding="utf-8")
    assert masked(filled(page, PROGRAM)) == masked(page), "python -m docs.transcripts writes it anew"


@pytest.mark.parametrize(
    "part", ["/server", "/model", "/request", "/curl", "/temperature", "/max_tokens", "/n ", "/sweep "]
)
def test_the_tutorial_follows_the_request(part: str) -> None:
    assert any(line.startswith(part) for line in typed(TUTORIAL.read_text(encoding="utf-8")))


def test_what_varies_in_a_session_is_masked_and_nothing_else() -> None:
    shown = "7 tokens · 2,644 tokens/s · first after 9 ms\nat http://127.0.0.1:38691 there\n7 of 9"
    again = "7 tokens · 811 tokens/s · first after 1.2 s\nat http://127.0.0.1:40000 there\n7 of 9"
    assert masked(shown) == masked(again)
    assert masked(shown) != masked(again.replace("7 of 9", "7 of 8"))
    assert masked(shown) != masked(again.replace("7 tokens", "8 tokens"))
