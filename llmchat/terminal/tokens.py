"""Markdown-it's tokens in, tokens that show everything out: what HTML would hide is made text.

Pure. Raw HTML, `vector<int>`, images and the addresses of links become visible, single line breaks are
kept, code blocks get their number, and what an entity such as `&#x202e;` stands for is made safe.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore, inline, text_join
from markdown_it.token import Token

from llmchat.terminal.latex import with_latex
from llmchat.terminal.sanitize import safe

_LINE_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
# Link references stay as they are written: a definition mostly comes after its use, when that is
# shown already, and would then be hidden itself.
_PARSER = with_latex(MarkdownIt().enable(["strikethrough", "table"]).disable("reference"))


def parse_blocks(source: str) -> list[Token]:
    """The block structure; inline content is not parsed."""
    tokens: list[Token] = []
    _PARSER.block.parse(source, _PARSER, {}, tokens)
    return tokens


def showable(tokens: Iterable[Token], codes: int) -> list[Token]:
    """The tokens with all that is hidden made visible; the next code block is number `codes` + 1."""
    shown: list[Token] = []
    for token in tokens:
        if token.type == "html_block":
            shown += _paragraph(token)
        elif is_code(token):
            codes += 1
            shown.append(token.copy(meta={"number": codes}))
        elif token.type == "inline":
            shown.append(Token("inline", "", 0, level=token.level, children=_visible_inline(token.content)))
        else:
            shown.append(token)
    return shown


def is_code(token: Token) -> bool:
    """Whether this is a code block, fenced or indented."""
    return token.type in ("fence", "code_block")


def code_blocks(source: str) -> list[str]:
    """The code of every code block of a reply, in the order of the numbers they are shown with."""
    return [token.content for token in parse_blocks(source.replace("\r", "")) if is_code(token)]


def parse_inline(content: str) -> list[Token]:
    """The tokens of the content of a paragraph, a heading or a cell."""
    token = Token("inline", "", 0, content=content)
    state = StateCore("", _PARSER, {}, [token])
    inline(state)
    text_join(state)
    return token.children or []


def text(content: str) -> Token:
    """A token of plain text."""
    return Token("text", "", 0, content=safe(content).replace("\t", "    "))


def _paragraph(token: Token) -> Iterator[Token]:
    yield Token("paragraph_open", "p", 1, level=token.level)
    lines = token.content.rstrip("\n").split("\n")
    yield Token("inline", "", 0, level=token.level + 1, children=list(_text_lines(lines)))
    yield Token("paragraph_close", "p", -1, level=token.level)


def _text_lines(lines: list[str]) -> Iterator[Token]:
    for number, line in enumerate(lines):
        if number:
            yield Token("hardbreak", "br", 0)
        yield text(line)


@lru_cache(maxsize=128)
def _visible_inline(content: str) -> list[Token]:
    """Remembered, because the open tail is drawn again and again, and most of it stays the same."""
    return list(_visible(parse_inline(content)))


def _visible(children: list[Token]) -> Iterator[Token]:
    link_text: list[str] = []
    addresses: list[str] = []
    for token in children:
        if token.type in ("text", "code_inline", "math"):
            link_text.append(token.content)
        match token.type:
            case "text":
                yield text(token.content)
            case "softbreak":
                yield Token("hardbreak", "br", 0)
            case "html_inline" if _LINE_BREAK.fullmatch(token.content):
                yield Token("hardbreak", "br", 0)
            case "html_inline" | "math":
                yield from _text_lines(token.content.split("\n"))
            case "link_open":
                link_text.clear()
                addresses.append(str(token.attrs.get("href", "")))
                yield Token("a_open", "a", 1)
            case "link_close":
                yield Token("a_close", "a", -1)
                yield from _address(addresses.pop() if addresses else "", "".join(link_text))
            case "image":
                yield text(f"[image: {token.content}]" if token.content else "[image]")
                yield from _address(str(token.attrs.get("src", "")), "")
            case _:
                yield token


def _address(address: str, beside: str) -> Iterator[Token]:
    """A link's address, unless its text says the same."""
    if address and address.removeprefix("mailto:") != beside:
        yield Token("address_open", "address", 1)
        yield text(f" ({address})")
        yield Token("address_close", "address", -1)


def tops(tokens: list[Token]) -> list[int]:
    """Where each top-level block begins in `tokens`."""
    return [index for index, token in enumerate(tokens) if token.level == 0 and token.nesting >= 0]


def split(tokens: list[Token]) -> list[list[Token]]:
    """The tokens of each top-level block."""
    starts = [*tops(tokens), len(tokens)]
    return [tokens[start:end] for start, end in pairwise(starts)]


_LEAF_ENDS = ("paragraph_close", "heading_close", "table_close", "fence", "code_block", "html_block", "hr")


def without_open_leaf(tokens: list[Token], final_rows: int) -> list[Token]:
    """A block without the paragraph, or whatever it is, at its end, which may still change.

    The lines that code has and the rows of a table with `final_rows` rows or more stay. [] when the
    block itself is what may change.
    """
    ends = [index for index, token in enumerate(tokens) if token.type in _LEAF_ENDS]
    if not ends or tokens[ends[-1]].level == 0:
        return []
    end = ends[-1]
    leaf = tokens[end]
    if leaf.type == "fence":
        shown = leaf.copy(content=leaf.content.rstrip() + "\n")
        return [*tokens[:end], shown, *tokens[end + 1 :]]
    begin = end
    while tokens[begin].level != leaf.level or tokens[begin].nesting < 0:
        begin -= 1
    rows = sum(token.type == "tr_open" for token in tokens[begin:end])
    return tokens if rows > final_rows else [*tokens[:begin], *tokens[end + 1 :]]
