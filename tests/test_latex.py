r"""Formulas stay as they were written: no markup, no backslash, is taken out of them."""

import random

import pytest

from tests.predicates import PREDICATES
from tests.streaming import cut, one_shot, streamed

INLINE = [
    r"\(x^2\)",
    r"\(a_1 * b_2 * c\)",
    r"\[ \int_0^1 f(x)\,dx \]",
    r"$$\sum_{i=1}^n x_i * y_i * z_i$$",
    r"$\frac{a}{b}$",
    r"$a_{1}*b_{2}*c$",
    r"\\(no formula\\)",
    r"\] and \) alone",
]
MONEY = ["It costs $5 to $10.", "between $5 and US$ 7", "$", "$$", "5$_a_"]
DISPLAYED = [
    "\\[\nx = \\frac{-b \\pm \\sqrt{b^2 - 4ac}}{2a}\n\\]",
    "$$\n\\begin{aligned}\n= a \\\\\n- b_1 * c_1 \\\\\n+ d\n\\end{aligned}\n$$",
    "$$\n# 1 > 0\n> 1\n$$",
]


def drawn(source: str) -> list[str]:
    """The rows of a text, streamed and drawn at once, which look the same."""
    streaming = streamed(cut(source, 7, random.Random(1)), 80, 24).terminal
    assert streaming.history == one_shot(source, 80)
    return [row.strip() for row in streaming.text if row.strip()]


@pytest.mark.parametrize("formula", INLINE)
def test_a_formula_in_a_text_is_shown_as_it_was_written(formula: str) -> None:
    shown = formula.replace(r"\\", "\\")
    assert drawn(f"An *old* {formula}, so *new*.\n") == [f"An old {shown}, so new."]
    assert drawn(f"- {formula}\n- two\n")[0] == f"• {shown}"


@pytest.mark.parametrize("amount", MONEY)
def test_amounts_of_money_leave_the_markup_between_them(amount: str) -> None:
    assert drawn(f"{amount} **or** *not*\n")[0].endswith("or not")


@pytest.mark.parametrize("formula", DISPLAYED)
@pytest.mark.parametrize("before", ["", "So:\n", "- So:\n  ", "> "])
def test_a_formula_of_its_own_is_shown_line_by_line(formula: str, before: str) -> None:
    begin = {"- ": "  ", "> ": "> "}.get(before[:2], "")
    source = before + formula.replace("\n", f"\n{begin}") + f"\n{begin}and *more*\n"
    rows = [row.lstrip("▌• ").strip() for row in drawn(source)]
    assert [row for row in rows if row not in ("", "So:")] == [*formula.split("\n"), "and more"]


def test_what_is_not_closed_ends_with_its_paragraph() -> None:
    assert drawn("\\[\nx\n\n- *a*\n\n\\]\n") == ["\\[", "x", "• a", "\\]"]


PIECES = [
    *INLINE,
    *MONEY,
    *DISPLAYED,
    "*em*",
    "**",
    "`$`",
    "\n",
    "\n\n",
    "\n- ",
    "\\[",
    "\\(",
    "words " * 20,
    "$$\n",
]


@pytest.mark.parametrize("seed", range(12))
def test_formulas_among_other_things_look_the_same_streamed_and_at_once(seed: int) -> None:
    chance = random.Random(seed)
    source = " ".join(chance.choices(PIECES, k=40))
    assert any(predicate(source) for predicate in PREDICATES) or (
        streamed(cut(source, 9, chance), 60, 16).terminal.history == one_shot(source, 60)
    )
