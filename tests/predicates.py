"""What cannot be known while a reply streams, as predicates on its source; docs/markdown.md lists them."""

from llmchat.terminal.cut import LONG, REACH
from llmchat.terminal.sanitize import safe
from llmchat.terminal.tokens import parse_blocks, split


def late_underline(source: str) -> bool:
    """The line below a long paragraph makes a heading of it, or a table of its last line."""
    lines = safe(source).split("\n")
    for block in split(parse_blocks(safe(source))):
        begin, end = block[0].map or [0, 0]
        if block[0].type == "table_open" and not lines[begin].startswith("|"):
            end = begin + 1
            while begin and lines[begin - 1].strip():
                begin -= 1
        elif block[0].type != "heading_open" or block[0].markup not in "=-":
            continue
        if len("\n".join(lines[begin:end])) > LONG:
            return True
    return False


def far_markup(source: str) -> bool:
    """An emphasis, a link or code in a paragraph ends far from where it begins."""
    for block in split(parse_blocks(safe(source))):
        if block[0].type == "paragraph_open" and len(block[1].content) > REACH:
            return True
    return False


PREDICATES = (late_underline, far_markup)
