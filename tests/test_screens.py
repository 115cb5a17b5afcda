"""The pictures in the documentation show what the program shows."""

import pytest

from docs.pictures.make import BACKGROUNDS, HERE, SESSION, WIDTHS, rendered, rows, screens

STALE = "python -m docs.pictures.make makes the pictures anew"


@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize("columns", WIDTHS)
def test_the_screens_are_what_the_program_shows(columns: int, background: str) -> None:
    now = screens(columns, background)
    assert list(now) == list(SESSION)
    for name, picture in now.items():
        kept = (HERE / f"{name}-{columns}-{background}.svg").read_text(encoding="utf-8")
        assert rows(picture) == rows(kept), STALE


def test_the_picture_of_markdown_is_what_the_program_shows() -> None:
    kept = (HERE / "markdown-end.svg").read_text(encoding="utf-8")
    assert rows(rendered()) == rows(kept), STALE


def test_the_moving_picture_ends_with_what_stays() -> None:
    *_, last = (HERE / "markdown.svg").read_text(encoding="utf-8").split("<g visibility")
    end = rows(last)
    assert len(end) > 20
    assert end == rows((HERE / "markdown-end.svg").read_text(encoding="utf-8"))[-len(end) :]


@pytest.mark.parametrize(
    ("old", "new"), [("colour", "c0lour"), ("#c5c8c6", "#c5c8c7"), ('x="0"', 'x="12.2"'), ("bold", "thin")]
)
def test_another_letter_colour_or_place_is_noticed(old: str, new: str) -> None:
    kept = (HERE / "sweep-80-dark.svg").read_text(encoding="utf-8")
    assert old in kept
    assert rows(kept) != rows(kept.replace(old, new))
    assert len(rows(kept)) > 8
