"""Cutting an input anywhere: what arrives in pieces must mean the same however it is cut."""

from collections.abc import Iterator
from itertools import combinations_with_replacement, pairwise
from typing import AnyStr

from hypothesis import strategies as st


def cuts(whole: AnyStr) -> Iterator[list[AnyStr]]:
    """`whole` in one piece, in every two and every three pieces (also empty ones), and one by one."""
    yield [whole]
    for cuts_made in (1, 2):
        for places in combinations_with_replacement(range(len(whole) + 1), cuts_made):
            yield cut(whole, places)
    yield cut(whole, range(1, len(whole)))


def cut(whole: AnyStr, places: tuple[int, ...] | range | list[int]) -> list[AnyStr]:
    """`whole` cut at these places, which are in order."""
    edges = [0, *places, len(whole)]
    return [whole[start:end] for start, end in pairwise(edges)]


@st.composite
def cut_at_random(draw: st.DrawFn, wholes: st.SearchStrategy[AnyStr]) -> tuple[AnyStr, list[AnyStr]]:
    """One of `wholes`, and the same in up to nine pieces."""
    whole = draw(wholes)
    places = draw(st.lists(st.integers(0, len(whole)), max_size=8).map(sorted))
    return whole, cut(whole, places)
