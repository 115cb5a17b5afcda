"""Nothing that a model or a server says can drive the terminal, and all else is shown as it is."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmchat.terminal.sanitize import safe, safe_line

EVERY_CHARACTER = [chr(code) for code in range(sys.maxunicode + 1)]
CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"]
BIDI = [
    char
    for char in EVERY_CHARACTER
    if unicodedata.bidirectional(char) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
] + ["\u200e", "\u200f", "\u061c"]
TAGS = [chr(code) for code in range(0xE0000, 0xE0080)]
SURROGATES = [chr(code) for code in range(0xD800, 0xE000)]
UNSAFE = {*CONTROLS, *BIDI, *TAGS, *SURROGATES}


def test_every_control_character_becomes_one_visible_sign() -> None:
    assert [char for char in CONTROLS if len(safe(char)) != 1] == ["\r"]
    assert [char for char in CONTROLS if not safe(char).isprintable()] == []
    assert not set(safe("".join(CONTROLS))) & UNSAFE


def test_a_return_without_a_line_feed_is_dropped() -> None:
    assert safe("good\revil\r\n") == "goodevil\n"


def test_what_turns_the_direction_of_writing_is_named() -> None:
    assert [safe(f"a{char}b") for char in BIDI] == [f"a<U+{ord(char):04X}>b" for char in BIDI]


def test_invisible_tags_are_dropped() -> None:
    assert safe("a" + "".join(TAGS) + "b") == "ab"


def test_lone_surrogates_are_replaced_so_that_the_text_can_be_written() -> None:
    assert safe("".join(SURROGATES)) == "\N{REPLACEMENT CHARACTER}" * len(SURROGATES)


def test_every_other_character_stays() -> None:
    kept = "".join(char for char in EVERY_CHARACTER if char not in UNSAFE)
    assert safe(kept + "\x1b") == kept + "␛"


def test_every_unsafe_character_is_found_when_it_comes_alone() -> None:
    assert [char for char in UNSAFE if safe(char) == char] == []


SEQUENCES = {
    "colour": "\x1b[31mred\x1b[0m",
    "a title": "\x1b]0;title\x07",
    "the clipboard": "\x1b]52;c;aGk=\x1b\\",
    "a link": "\x1b]8;;https://evil.example\x1b\\text\x1b]8;;\x1b\\",
    "8-bit CSI and OSC": "\x9b31m\x9d0;x\x9c",
    "DCS": "\x1bP+q544e\x1b\\",
    "a reset": "\x1bc",
    "an overwritten line": "safe\r\x1b[2Kevil\x08\x7f",
    "an emoji with a joiner": "👩\u200d💻 ❤\ufe0f",
}


@pytest.mark.parametrize("name", SEQUENCES)
def test_a_sequence_is_disarmed_and_its_text_stays(name: str) -> None:
    sequence = SEQUENCES[name]
    shown = safe(sequence)
    assert not UNSAFE & set(shown)
    assert [char for char in shown if char in sequence] == [char for char in sequence if char not in UNSAFE]


@given(st.text(st.characters() | st.sampled_from(sorted(UNSAFE))), st.text(st.characters(codec=None)))
def test_each_character_is_judged_alone_so_that_no_cut_matters(before: str, after: str) -> None:
    assert safe(before + after) == safe(before) + safe(after)
    assert safe(before).encode().decode() == safe(before)


@given(st.text(st.characters() | st.sampled_from(sorted(UNSAFE))))
def test_safe_text_stays_as_it_is(text: str) -> None:
    assert safe(safe(text)) == safe(text)


@given(st.text(st.characters() | st.sampled_from(sorted(UNSAFE))))
def test_a_line_is_one_line(text: str) -> None:
    line = safe_line(text)
    assert line == " ".join(line.split())
    assert len(line.splitlines()) <= 1
    assert not UNSAFE & set(line)


def test_a_line_keeps_its_words() -> None:
    assert safe_line("  My\n\ttitle \x1b[1m ") == "My title ␛[1m"
