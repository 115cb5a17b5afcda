"""What cannot be known while a reply streams, as predicates on its source; docs/markdown.md lists them."""

from llmchat.cut import LONG, REACH
from llmchat.sanitize import safe
from llmchat.tokens import parse_blocks, split


def long_heading(source: str) -> bool:
    """A paragraph of many lines turns into a heading, or its last line into a table, at its end."""
    lines = safe(source).split("\n")
    for block in split(parse_blocks(safe(source))):
        begin, end = block[0].map or [0, 0]
        length = len("\n".join(lines[begin:end]))
        if block[0].type == "heading_open" and block[0].markup in "=-" and length > LONG:
            return True
    return False


def far_markup(source: str) -> bool:
    """An emphasis, a link or code in a paragraph ends far from where it begins."""
    for block in split(parse_blocks(safe(source))):
        if block[0].type == "paragraph_open" and len(block[1].content) > REACH:
            return True
    return False


PREDICATES = (long_heading, far_markup)
