"""Which pieces of a growing text are finished when."""

import pytest

from llmchat.terminal.cut import LONG, REACH, cut
from llmchat.terminal.markdown import WIDTH_ROWS, Blocks, Piece
from llmchat.terminal.tokens import code_blocks

LONG_TEXT = "several words that say nothing much, " * (LONG // 30)


def types(pieces: list[Piece]) -> list[str]:
    return [piece.type for piece in pieces]


def content(piece: Piece) -> str:
    """The text of a piece, as its tokens have it."""
    children = [child for token in piece.tokens for child in (token.children or [token])]
    return "".join(child.content or ("\n" if child.type == "hardbreak" else "") for child in children)


@pytest.mark.parametrize(
    ("text", "finished"),
    [
        ("# title\n", ["heading_open"]),
        ("one\n", []),
        ("one\n\n", ["paragraph_open"]),
        ("one\n# two\n", ["paragraph_open", "heading_open"]),
        ("one\n***\n", ["paragraph_open", "hr"]),
        ("one\n---\n", ["heading_open"]),
        ("> quote\n", []),
        ("> quote\n\n", ["blockquote_open"]),
        ("- a\n", []),
        ("- a\n- b\n", ["bullet_list_open"]),
        ("- a\n- b", []),
        ("```\nx\n", ["fence"]),
        ("```\n", []),
        ("    code\n", []),
        ("    code\n    more\n", ["code_block"]),
        ("| a |\n|---|\n" + "| 1 |\n" * (WIDTH_ROWS - 1), []),
        ("| a |\n|---|\n" + "| 1 |\n" * WIDTH_ROWS, ["table_open"]),
        ("<div>\n", []),
        ("<div>\n\n", ["paragraph_open"]),
        (LONG_TEXT, ["paragraph_open"]),
    ],
)
def test_what_is_finished_is_given_out_at_once(text: str, finished: list[str]) -> None:
    assert types(Blocks().feed(text)) == finished


def test_parts_of_a_list_go_on_counting() -> None:
    blocks = Blocks()
    pieces = blocks.feed("7. a\n1. b\n1. c\n") + blocks.feed("1. d\n") + blocks.finish()
    assert [(piece.first, piece.last) for piece in pieces] == [(True, False), (False, False), (False, True)]
    assert [piece.tokens[0].attrs["start"] for piece in pieces] == [7, 9, 10]


def test_blank_lines_at_the_end_of_code_wait_for_what_follows() -> None:
    blocks = Blocks()
    first = blocks.feed("```py\na\n\n\n")
    assert [token.content for piece in first for token in piece.tokens] == ["a\n"]
    (second,) = blocks.feed("b\n")
    assert (second.tokens[0].content, second.first, second.last) == ("\n\nb\n", False, False)


def test_code_is_numbered_as_code_blocks_lists_it() -> None:
    source = "```\na\n```\n\n- x\n  ```\n  b\n  ```\n- y\n\n```\nc\nd\n```\n\n    e\n"
    blocks = Blocks()
    pieces = [piece for character in source for piece in blocks.feed(character)] + blocks.finish()
    tokens = [token for piece in pieces for token in piece.tokens if token.type in ("fence", "code_block")]
    shown = dict.fromkeys(range(1, 5), "")
    for token in tokens:
        shown[token.meta["number"]] += token.content
    assert list(shown.values()) == code_blocks(source) == ["a\n", "b\n", "c\nd\n", "e\n"]


def test_an_incomplete_line_that_is_only_a_marker_is_held_back() -> None:
    blocks = Blocks()
    blocks.feed("one\n--")
    assert [content(piece) for piece in blocks.tail()] == ["one"]


def test_markup_that_is_open_is_closed_in_the_tail() -> None:
    blocks = Blocks()
    blocks.feed("a **bold")
    (piece,) = blocks.tail()
    assert "strong_open" in [child.type for token in piece.tokens for child in token.children or []]
    assert "*" not in content(piece)


def test_the_tail_of_a_growing_line_is_what_parsing_it_gives() -> None:
    source = "- one *two* three `four` five  six"
    grown, blocks = [], Blocks()
    for character in source:
        blocks.feed(character)
        grown.append([content(piece) for piece in blocks.tail()])
    fresh = []
    for end in range(1, len(source) + 1):
        blocks = Blocks()
        blocks.feed(source[:end])
        fresh.append([content(piece) for piece in blocks.tail()])
    assert grown == fresh


@pytest.mark.parametrize("opened", ["*", "**", "_", "`", "[", "~~", "<a "])
def test_a_paragraph_is_not_cut_while_markup_is_open(opened: str) -> None:
    assert 0 < cut(LONG_TEXT) < len(LONG_TEXT)
    assert cut(opened + LONG_TEXT) == 0
    assert cut(opened + LONG_TEXT * (REACH // len(LONG_TEXT) + 1)) > 0


@pytest.mark.parametrize("harmless", ["2 * 3 ", "snake_case ", "a[0] ", "a < b ", "*closed* "])
def test_a_paragraph_is_cut_after_what_opens_nothing(harmless: str) -> None:
    assert cut(harmless + LONG_TEXT) > 0


def test_html_images_and_addresses_are_visible() -> None:
    (piece,) = Blocks().feed("vector<int> ![alt](i.png) [text](http://x) <http://y> a<br>b &#27;\n\n")
    assert content(piece) == "vector<int> [image: alt] (i.png) text (http://x) http://y a\nb �"
