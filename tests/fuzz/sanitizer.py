"""A target for fuzzing: no text drives the terminal, wherever it is cut, and each visible character stays."""

from llmchat.terminal.sanitize import safe
from tests.fuzz.texts import UNSAFE, texts


def one_input(data: bytes) -> None:
    """Make the text safe, in pieces and whole; raises AssertionError."""
    pieces = texts(data)
    whole = "".join(pieces)
    shown = "".join(map(safe, pieces))
    assert shown == safe(whole)
    assert not UNSAFE.search(shown.encode("utf-8", "surrogatepass"))
    rest = iter(shown)
    assert all(char in rest for char in whole if char.isprintable() or char in "\n\t")
