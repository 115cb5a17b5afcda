"""How much and how many, as people read and write it."""

LARGEST = 2**53
"""What JSON's numbers hold exactly, and the store too; no count is as large."""

_LONGEST = 18
"""Digits of a number that is in use."""


def size_text(count: int) -> str:
    """Bytes in three figures and a unit."""
    units = ("bytes", "kB", "MB", "GB")
    power = min(len(units) - 1, (len(str(count)) - 1) // 3)
    return f"{float(f'{count / 1000**power:.3g}'):g} {units[power]}"


def counted(number: int, noun: str) -> str:
    """A number of things, of which `noun` names one."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def number_in(word: str) -> int | None:
    """The whole number that a word is; None where it is no number, or longer than any that is in use."""
    return int(word) if word.isdecimal() and len(word) <= _LONGEST else None
