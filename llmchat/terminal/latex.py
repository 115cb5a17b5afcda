r"""Formulas in markdown: what stands between `\(` and `\)`, `\[` and `\]` or dollars is no markup. Pure.

A formula of its own begins a line and ends with its closing sign, or with the paragraph: which it is can
be told from each line as it comes. Within a text, a formula is one when its closing sign is there.
"""

import re

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

DOLLARS = 100
"""Characters of the longest formula between single dollars, which may be amounts of money too."""

_CLOSING = {"\\(": "\\)", "\\[": "\\]", "$$": "$$"}
_LONE = (*_CLOSING, "\\)", "\\]")

# As in Pandoc, but only with what formulas have and amounts of money have not.
_INLINE = re.compile(rf"\$(?=\S)(?=[^$\n]*[\\^_])[^$\n`]{{0,{DOLLARS}}}(?<=\S)\$(?!\d)")


def with_latex(parser: MarkdownIt) -> MarkdownIt:
    """The parser, with formulas as tokens of the type `math`; displayed ones are paragraphs with markup."""
    interrupts = ["paragraph", "reference", "blockquote", "list"]
    parser.block.ruler.before("fence", "math", _displayed, {"alt": interrupts})
    parser.inline.ruler.before("escape", "math", _inline)
    return parser


def _displayed(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    r"""A formula that begins a line with `\[` or `$$`, up to the line that closes it or a blank one."""
    if state.is_code_block(first):
        return False
    begin = state.bMarks[first] + state.tShift[first]
    line = state.src[begin : state.eMarks[first]].rstrip()
    closing = _CLOSING.get(line[:2]) if line[:2] in ("\\[", "$$") else None
    if closing is None or closing in line[2:-2]:
        return False  # a text that begins with a formula
    if silent:
        return True
    end = first + 1
    while closing not in line[2:] and end < last and not _leaves(state, end):
        line = "  " + state.src[state.bMarks[end] : state.eMarks[end]]
        end += 1
    state.line = end
    opening = state.push("paragraph_open", "p", 1)
    opening.map, opening.markup = [first, end], closing
    content = state.push("inline", "", 0)
    content.content = state.getLines(first, end, state.blkIndent, False).strip()
    content.map, content.children = [first, end], []
    state.push("paragraph_close", "p", -1)
    return True


def _leaves(state: StateBlock, line: int) -> bool:
    """Whether this line ends whatever is open: it is blank, or outside of the list item."""
    return state.isEmpty(line) or state.sCount[line] < state.blkIndent


def _inline(state: StateInline, silent: bool) -> bool:
    """A formula within a text; a sign that closes none is kept as it is written."""
    begin = state.src[state.pos : state.pos + 2]
    kind, end = "math", -1
    if begin in _CLOSING:
        end = state.src.find(_CLOSING[begin], state.pos + 2) + 2
    elif found := _INLINE.match(state.src, state.pos):
        end = found.end()
    if end < 2 and begin in _LONE:
        kind, end = "text", state.pos + 2
    if end < 2:
        return False
    if not silent:
        state.push(kind, "", 0).content = state.src[state.pos : end]
    state.pos = end
    return True
