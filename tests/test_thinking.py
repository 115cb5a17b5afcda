"""Reasoning is found in an answer however it is cut, and text that only speaks of tags stays text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmchat.wire.deltas import Delta, Draft, Reasoning, Text
from llmchat.wire.thinking import Splitter
from tests.cutting import cut_at_random, cuts

FENCE = "```\n</think>\n```\n"

# What came, what of it is reasoning, and what is the answer.
CASES: dict[str, tuple[str, str, str]] = {
    "no tags": ("Hello\n\nworld.", "", "Hello\n\nworld."),
    "nothing": ("", "", ""),
    "white space alone": (" \n", "", " \n"),
    "an answer keeps the space that it begins with": ("  x < y", "", "  x < y"),
    "tags at the start": ("<think>why</think>so", "why", "so"),
    "with white space around": ("\n <think>\nwhy\n</think>\n\nso\n", "\nwhy\n", "so\n"),
    "Kimi's tags": ("◁think▷why◁/think▷so", "why", "so"),
    "Kimi's tags do not end the others": ("<think>a◁/think▷b</think>c", "a◁/think▷b", "c"),
    "no reasoning between the tags": ("<think>\n\n</think>\n\nso", "\n\n", "so"),
    "a line of two closing tags": ("◁/think▷</think>\n", "", "</think>\n"),
    "reasoning that never ends": ("<think>why\n", "why\n", ""),
    "reasoning that ends inside a tag": ("<think>why</thi", "why</thi", ""),
    "an answer that ends inside a tag": ("<thi", "", "<thi"),
    "another tag": ("<thinking>x</thinking>", "", "<thinking>x</thinking>"),
    "an opening tag inside a line": ("use <think>x", "", "use <think>x"),
    "only the first closing tag ends it": ("<think>a</think>b\n</think>\nc", "a", "b\n</think>\nc"),
    "a second opening tag is text": ("<think>a</think><think>b</think>", "a", "<think>b</think>"),
    "a lone tag on a line": ("why\n</think>\n\nso", "why\n", "so"),
    "at the start of a line": ("why\n</think>so `x`", "why\n", "so `x`"),
    "at the start of the answer": ("</think>so", "", "so"),
    "at the end of a line": ("why</think>\nso", "why", "so"),
    "before blanks and CRLF": ("why</think> \r\n\r\nso", "why", "so"),
    "at the very end": ("why</think>", "why", ""),
    "Kimi's lone tag": ("why\n◁/think▷so", "why\n", "so"),
    "at the end of a line with code in it": ("it is `x`.</think>\nso", "it is `x`.", "so"),
    "after a code block": ("```\nx\n```\nwhy</think>\nso", "```\nx\n```\nwhy", "so"),
    "a lone tag inside a line": ("say </think> to end it\n", "", "say </think> to end it\n"),
    "in code": ("`</think>`\n`</think>\n", "", "`</think>`\n`</think>\n"),
    "in a code block": (FENCE, "", FENCE),
    "in another": ("~~~\n</think>\n~~~", "", "~~~\n</think>\n~~~"),
    "first inside a line, then at its end": ("a</think> b</think>\nc", "a</think> b", "c"),
    "after code in three backticks": ("```x``` y\n</think>\nz", "```x``` y\n", "z"),
    "in a code block with the other fence in it": ("```\n~~~\n</think>", "", "```\n~~~\n</think>"),
    "in an open code block": ("```py\nx</think>\n", "", "```py\nx</think>\n"),
}


def split(pieces: list[str]) -> tuple[str, str]:
    """The reasoning and the answer that these deltas make."""
    splitter = Splitter()
    return _grown([d for piece in pieces for d in splitter.feed(piece)] + splitter.feed("", final=True))


def _grown(deltas: list[Delta]) -> tuple[str, str]:
    draft = Draft()
    for delta in deltas:
        draft.add(delta)
    choices = draft.reply().choices
    return (choices[0].reasoning, choices[0].content) if choices else ("", "")


@pytest.mark.parametrize("case", CASES)
def test_reasoning_is_found_however_the_answer_is_cut(case: str) -> None:
    text, reasoning, answer = CASES[case]
    for pieces in cuts(text):
        assert split(pieces) == (reasoning, answer), pieces


TAGGED = st.lists(
    st.sampled_from(
        ["<think>", "</think>", "◁think▷", "◁/think▷", "`", "```", "~~~", "\n", " ", "a", "<", "◁"]
    )
).map("".join)


@given(cut_at_random(TAGGED))
def test_any_mixture_of_tags_means_the_same_however_it_is_cut(text: tuple[str, list[str]]) -> None:
    whole, pieces = text
    assert split(pieces) == split([whole])


@given(TAGGED | st.text())
def test_nothing_is_lost_but_a_pair_of_tags_and_the_white_space_around_them(text: str) -> None:
    reasoning, answer = split([text])
    rest = text
    if (reasoning, answer) != ("", text):
        rest = rest.lstrip()
        tag = next((tag for tag in ("<think>", "◁think▷") if rest.startswith(tag)), "")
        rest = rest.removeprefix(tag) if tag else text
    assert rest.startswith(reasoning)
    between = rest.removeprefix(reasoning).removesuffix(answer).strip()
    assert rest.endswith(answer)
    assert between in ("", "</think>", "◁/think▷")


@given(st.text())
def test_all_is_the_answer_when_the_server_keeps_reasoning_apart(text: str) -> None:
    splitter = Splitter()
    splitter.expect_answer()
    assert _grown(splitter.feed("<think>" + text)) == ("", "<think>" + text)


def test_a_word_is_shown_as_soon_as_it_can_be_no_tag() -> None:
    splitter = Splitter(choice=2)
    assert splitter.feed("Hel") == [Text("Hel", 2)]
    assert splitter.feed("lo <") == [Text("lo ", 2)]
    assert splitter.feed("b>") == [Text("<b>", 2)]


def test_a_thought_is_shown_as_soon_as_it_can_be_no_tag() -> None:
    splitter = Splitter(choice=1)
    assert splitter.feed("<think>Hm") == [Reasoning("Hm", 1)]
    assert splitter.feed(", 1 </") == [Reasoning(", 1 ", 1)]
    assert splitter.feed(" 2") == [Reasoning("</ 2", 1)]
