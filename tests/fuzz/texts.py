"""Texts to fuzz with, made of bytes, and a look at output that uses nothing of the program."""

import re
from itertools import pairwise

KNOWN = [
    *("\x1b[31m", "\x1b]0;t\x07", "\x1b]52;c;aGk=\x1b\\", "\x1b[6n", "\x1b[9A", "\x1bc"),
    *("\x9b2J", "\x9d0;x\x9c", "\x1b", "\x9b", "\r", "\x08", "\u202e", "\U000e0041"),
    *("&#27;", "&#x9b;", "&#x202e;", "[red]", "👩\u200d💻", "日本", "# ", "- ", "1. ", "> "),
    *("```", "`", "**", "| a | b |\n|---|---|\n", "[a](http://b)", "\n\n", "\n"),
]
"""Pieces that mean something to a terminal or to markdown."""

# As bytes: C0 but tab and line feed, DEL, C1, the marks and overrides of direction, tag characters,
# lone surrogates.
UNSAFE = re.compile(
    rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8e\x8f\xaa-\xae]"
    rb"|\xe2\x81[\xa6-\xa9]|\xf3\xa0[\x80\x81]|\xed[\xa0-\xbf]"
)


def texts(data: bytes) -> list[str]:
    """A text in pieces, with lone surrogates, which JSON may bring.

    The first bytes of the data say where it is cut; the others are known pieces, by their index, or
    stand for themselves.
    """
    head, rest = data[:4], data[4:]
    text = b"".join(KNOWN[byte].encode() if byte < len(KNOWN) else bytes([byte]) for byte in rest)
    places = sorted({0, len(text), *(byte * len(text) // 256 for byte in head)})
    return [text[start:end].decode("utf-8", "surrogateescape") for start, end in pairwise(places)]
