"""Growing markdown in, finished pieces and an open tail out. Draws nothing.

Only the last top-level block of complete lines can still change; all before it is finished. Of that
last block, parts are finished too: the items of a list but the last, the lines of a code block, the
rows of a table whose widths are known, and a long paragraph up to a place where no markup is open.
An incomplete line decides nothing: what `*` begins is known when the line is.
"""

from dataclasses import dataclass

from markdown_it.token import Token

from llmchat.terminal.cut import LONG, cut
from llmchat.terminal.tail import Tail
from llmchat.terminal.tokens import is_code, parse_blocks, showable, split, tops, without_open_leaf

WIDTH_ROWS = 8
"""Rows of a table, besides its header, that its column widths are taken from."""


@dataclass(frozen=True)
class Piece:
    """A top-level block, or a part of one: `first` if it begins here, `last` if it ends here.

    The tokens are markdown-it's, complete with their closing ones and `showable`. A part of a code
    block has some of its lines, a part of a table repeats the header.
    """

    tokens: list[Token]
    first: bool = True
    last: bool = True

    @property
    def type(self) -> str:
        """The type of the block's first token."""
        return self.tokens[0].type


class Blocks:
    """Feed it text as it comes. What it gives out is finished; `tail` is what is not."""

    def __init__(self) -> None:
        self._source = ""
        self._codes = 0
        # The tail's block is one of which a part was given out; its item number, if it is a list.
        self._inside = ""
        self._number = 1
        self._code_is_open = False
        self._cut_from = LONG
        self._tail = Tail()
        self._tail_of: list[Token] | None = None
        self._tail_pieces: list[Piece] = []

    @property
    def open(self) -> int:
        """The characters of the tail."""
        return len(self._source)

    def feed(self, text: str) -> list[Piece]:
        """The pieces that became finished with `text`."""
        self._source += text
        pieces: list[Piece] = []
        if "\n" in text:
            pieces = self._finished_blocks()
        if len(self._source) > self._cut_from and not self._code_is_open:
            pieces += self._paragraph_part()
        return pieces

    def tail(self) -> list[Piece]:
        """What is not finished, as it looks now; the same object while that has not changed."""
        tokens = self._tail.tokens(self._source, code_is_open=self._code_is_open)
        if tokens is not self._tail_of:
            self._tail_of, self._tail_pieces = tokens, self._pieces(tokens)
        return self._tail_pieces

    def settled(self) -> Piece | None:
        """The part of the tail's first block that stays, closed paragraphs for instance; None if none."""
        kept = without_open_leaf(parse_blocks(self._complete()), WIDTH_ROWS)
        pieces = self._pieces(kept)
        return Piece(pieces[0].tokens, pieces[0].first, last=False) if pieces else None

    def finish(self) -> list[Piece]:
        """What is left, when no more text comes."""
        pieces = self._release(parse_blocks(self._source))
        self._source = self._inside = ""
        return pieces

    def _finished_blocks(self) -> list[Piece]:
        complete = self._complete()
        tokens = parse_blocks(complete)
        self._code_is_open = False
        starts = tops(tokens)
        if not starts:
            return []
        last = tokens[starts[-1]]
        line, end = last.map or [0, 0]
        lines = _lines(complete)
        if _is_closed(last, end < len(lines)):
            pieces = self._release(tokens)
            self._keep(lines[end:])
            return pieces
        pieces = self._release(tokens[: starts[-1]])
        if line:
            self._keep(lines[line:])
        return pieces + self._open_block_part(tokens[starts[-1] :], lines[line:], line)

    def _open_block_part(self, block: list[Token], lines: list[str], offset: int) -> list[Piece]:
        """What is finished of a block that goes on. Its first line is line `offset` of the parsed text."""
        match block[0].type:
            case "bullet_list_open" | "ordered_list_open":
                return self._list_items(block, lines, offset)
            case "fence":
                self._code_is_open = True
                return self._fence_lines(block[0], lines)
            case "code_block":
                return self._code_lines(block[0], lines)
            case "table_open":
                return self._table_rows(block, lines)
        return []

    def _list_items(self, block: list[Token], lines: list[str], offset: int) -> list[Piece]:
        items = [index for index, token in enumerate(block) if token.level == 1 and token.nesting == 1]
        if len(items) < 2:
            return []
        number = _number(block[0], self._number if self._inside else None) + len(items) - 1
        part = [*block[: items[-1]], block[-1]]
        pieces = self._release(part, inside="list")
        self._number = number
        self._keep(lines[(block[items[-1]].map or [0])[0] - offset :])
        return pieces

    def _fence_lines(self, token: Token, lines: list[str]) -> list[Piece]:
        content = _lines(token.content)
        # Blank lines at the end of a block are not shown; whether these are there is not known yet.
        blank = next((count for count, line in enumerate(reversed(content)) if line.strip()), len(content))
        done = len(content) - blank
        if not done:
            return []
        self._keep([lines[0], *lines[1 + done :]])
        return self._release([token.copy(content="".join(content[:done]))], inside="fence")

    def _code_lines(self, token: Token, lines: list[str]) -> list[Piece]:
        """All but the last line that is not blank: it says that the rest is code too."""
        content = _lines(token.content)
        done = max(index for index, line in enumerate(content) if line.strip())
        if not done:
            return []
        self._keep(lines[done:])
        return self._release([token.copy(content="".join(content[:done]))], inside="code_block")

    def _table_rows(self, block: list[Token], lines: list[str]) -> list[Piece]:
        rows = len(lines) - 2
        if rows < (1 if self._inside else WIDTH_ROWS):
            return []
        self._keep(lines[:2])
        return self._release(block, inside="table")

    def _paragraph_part(self) -> list[Piece]:
        """The tail up to where it can be cut, when it is a long paragraph."""
        tokens = parse_blocks(self._source)
        types = [token.type for token in tokens]
        if types != ["paragraph_open", "inline", "paragraph_close"] or tokens[0].markup:
            self._cut_from = len(self._source) + LONG
            return []
        end = cut(self._source)
        self._cut_from = LONG if end else len(self._source) + LONG // 4
        if not end:
            return []
        tokens[1].content = self._source[:end].lstrip()
        self._source = self._source[end:]
        return self._release(tokens, inside="paragraph")

    def _release(self, tokens: list[Token], inside: str = "") -> list[Piece]:
        """The blocks of these tokens as pieces; `inside` says that the last one goes on, and what it is."""
        pieces = self._pieces(tokens)
        self._tail_of = None
        if pieces:
            codes = sum(map(is_code, tokens))
            self._codes += codes - (inside in ("fence", "code_block"))
            self._inside = inside
        if inside:
            pieces[-1] = Piece(pieces[-1].tokens, pieces[-1].first, last=False)
        return pieces

    def _pieces(self, tokens: list[Token]) -> list[Piece]:
        pieces: list[Piece] = []
        for block in split(showable(tokens, self._codes)):
            goes_on = bool(self._inside) and not pieces and _goes_on(self._inside, block[0])
            if goes_on and self._inside == "list":
                block[0] = block[0].copy(attrs={**block[0].attrs, "start": self._number})
            elif goes_on and self._inside == "paragraph":
                block = _as_paragraph(block)
            pieces.append(Piece(block, first=not goes_on))
        return pieces

    def _complete(self) -> str:
        """The complete lines."""
        return self._source[: self._source.rfind("\n") + 1]

    def _keep(self, lines: list[str]) -> None:
        """Make these lines and the incomplete one the tail."""
        self._source = "".join(lines) + self._source[self._source.rfind("\n") + 1 :]
        self._cut_from = LONG


def document(source: str) -> list[Piece]:
    """The pieces of a whole text, known all at once."""
    return [Piece(block) for block in split(showable(parse_blocks(source), 0))]


def _lines(text: str) -> list[str]:
    """The lines of a text that ends with a newline, each with its newline."""
    return [line + "\n" for line in text.split("\n")[:-1]]


def _is_closed(token: Token, followed: bool) -> bool:
    """Whether the block that begins with this token is finished; `followed` by blank lines."""
    match token.type:
        case "heading_open" | "hr":
            return True
        case "fence":
            begin, end = token.map or [0, 0]
            return end - begin - 2 == token.content.count("\n")
        case "paragraph_open" | "blockquote_open" | "table_open" | "html_block":
            return followed
    return False


def _number(token: Token, number: int | None) -> int:
    """The number of a list's first item; `number` if it goes on with that."""
    return int(token.attrs.get("start", 1)) if number is None else number


def _goes_on(inside: str, token: Token) -> bool:
    """Whether a block is the one of which a part was given out; after a paragraph a table may begin."""
    return inside != "paragraph" or token.type in ("paragraph_open", "heading_open")


def _as_paragraph(block: list[Token]) -> list[Token]:
    """The rest of a paragraph, also when an underline makes it a heading that is partly shown already."""
    opening, content, closing = block
    return [
        opening.copy(type="paragraph_open", tag="p"),
        content,
        closing.copy(type="paragraph_close", tag="p"),
    ]
