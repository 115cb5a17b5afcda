"""A sample of the fuzzing; `python -m tests.fuzz.by_hand` is the long form."""

import pytest

from tests.fuzz.by_hand import TARGETS, draw


@pytest.mark.parametrize("name", TARGETS)
def test_a_sample(name: str) -> None:
    assert draw(name, 150) >= 100


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_many(name: str) -> None:
    assert draw(name, 100_000) >= 100_000
