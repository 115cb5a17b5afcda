"""Foreign text in, text that is safe to show out: whatever a model or a server says.

Every control character becomes a visible sign, one for one: nothing can drive the terminal,
nothing is swallowed, and a sequence that is cut anywhere between two deltas needs no memory.
"""

import re

_C0 = {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\n\t"}
_C1 = dict.fromkeys(range(128, 160), "␛")
_BIDI = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
# Tag characters are invisible and have been used to smuggle instructions.
_TAGS = dict.fromkeys(range(0xE0000, 0xE0080))
_SURROGATES = dict.fromkeys(range(0xD800, 0xE000), "\N{REPLACEMENT CHARACTER}")
# How a prompt shows what it is given: there, a character that is dropped could not be deleted.
NAMED = {chr(code): f"<U+{code:04X}>" for code in (*_BIDI, *_TAGS)}
_TABLE = {
    **_C0,
    0x7F: "\N{SYMBOL FOR DELETE}",
    **_C1,
    **{code: f"<U+{code:04X}>" for code in _BIDI},
    **_TAGS,
    **_SURROGATES,
    ord("\r"): None,
}
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def safe(text: str) -> str:
    """`text` with every control character, bidi override and lone surrogate made harmless."""
    return text.translate(_TABLE) if _UNSAFE.search(text) else text


def safe_line(text: str) -> str:
    """The same on one line: for names, titles and other short things."""
    return " ".join(safe(text).split())
