"""Markdown to test with: the CommonMark examples, mixtures of them, and real READMEs."""

import json
import random
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

_README = 6000
"""Characters of a README that are taken."""


@cache
def examples() -> list[str]:
    """The examples of the CommonMark specification."""
    path = Path(__file__).parent / "data" / "commonmark.json"
    return [example["markdown"] for example in json.loads(path.read_text(encoding="utf-8"))]


def mixtures(count: int, seed: int = 1) -> list[str]:
    """Examples below each other, without and with a blank line between."""
    randomness = random.Random(seed)
    return [_mixture(randomness) for _ in range(count)]


@cache
def readmes() -> list[str]:
    """The descriptions of the packages that are installed here, the beginning of each."""
    texts = {found.name: str(found.metadata.json.get("description", "")) for found in distributions()}
    return [text[:_README] for _, text in sorted(texts.items()) if len(text) > 200]


def _mixture(randomness: random.Random) -> str:
    parts = randomness.choices(examples(), k=randomness.randint(2, 6))
    return "".join(part.rstrip("\n") + randomness.choice(["\n", "\n\n"]) for part in parts)
