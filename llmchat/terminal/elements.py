"""Rich's markdown elements, with what we draw otherwise; docs/markdown.md has the reason for each.

An element of the top level may draw a part of a block: `Going` is what the parts hand on.
"""

from dataclasses import dataclass
from itertools import zip_longest
from typing import ClassVar, Self

from markdown_it.token import Token
from rich import markdown as rich_markdown
from rich.cells import cell_len, chop_cells
from rich.console import Console, ConsoleOptions, JustifyMethod, RenderResult
from rich.rule import Rule
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from llmchat.terminal.highlight import Highlighter, Piece, language_of
from llmchat.terminal.markdown import WIDTH_ROWS

_LONGEST_WORD = 16
"""Cells of a word that is not broken; a table that would have to break one is shown as records."""

_BETWEEN = 2
_REMEMBERED = 64


@dataclass
class Going:
    """What one part of a block hands on to the next: a paragraph its last row, code the state of its
    lexer, a table its column widths (none: records) and the width of the screen they are for."""

    first: bool = True
    last: bool = True
    flow: Text | None = None
    highlighter: Highlighter | None = None
    widths: list[int] | None = None
    room: int = 0

    def copy(self) -> Self:
        """One that can go on without changing this one."""
        highlighter = self.highlighter.fork() if self.highlighter else None
        return type(self)(self.first, self.last, self.flow, highlighter, self.widths, self.room)


class Markdown(rich_markdown.Markdown):
    """One top-level block, or a part of one, as rich draws it with our elements."""

    inlines = rich_markdown.Markdown.inlines | {"a", "address"}

    def __init__(self, tokens: list[Token], going: Going) -> None:
        # Not rich's, which parses; these are the attributes that it sets.
        self.markup = ""
        self.parsed = tokens
        self.code_theme = self.inline_code_theme = ""
        self.justify = None
        self.style = "none"
        self.hyperlinks = False
        self.inline_code_lexer = None
        self.going = going

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        drawn = iter(super().__rich_console__(console, options))
        if self.parsed[0].type in _WITH_CHILDREN:
            # Rich puts a blank row before what has children, also where nothing is before it.
            first = next(drawn, Segment("\n"))
            if first != Segment.line():
                yield first
        yield from drawn


class Paragraph(rich_markdown.Paragraph):
    """A paragraph that may go on with the last row of the part before. It is remembered as it was
    drawn: most of the open tail stays the same from frame to frame."""

    going: Going
    drawn: ClassVar[dict[tuple[object, ...], list[Segment]]] = {}

    @classmethod
    def create(cls, markdown: rich_markdown.Markdown, token: Token) -> "Paragraph":
        paragraph = cls("left")
        paragraph.going = _going(markdown, token)
        return paragraph

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        before = self.going.flow
        self.going.flow = Text.assemble(before, self.text) if before else self.text
        self.going.flow.justify = "left"
        key = (options.max_width, self.going.flow.plain, tuple(self.going.flow.spans))
        if key not in self.drawn:
            if len(self.drawn) > _REMEMBERED:
                self.drawn.clear()
            self.drawn[key] = list(self.going.flow.__rich_console__(console, options))
        yield from self.drawn[key]


class Heading(rich_markdown.Heading):
    """A heading at the left."""

    LEVEL_ALIGN: ClassVar[dict[str, JustifyMethod]] = {}


class Code(rich_markdown.CodeBlock):
    """A code block without frame or background, so that selecting it copies the code; its language
    and its number stand above."""

    def __init__(self, token: Token, going: Going) -> None:
        self._info = language_of(token.info)
        self._number = token.meta.get("number", 0)
        self._going = going

    @classmethod
    def create(cls, markdown: rich_markdown.Markdown, token: Token) -> "Code":
        return cls(token, _going(markdown, token))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        going = self._going
        if going.first:
            label = f"{self._info} · {self._number}" if self._info else f"code · {self._number}"
            yield Text(label, "code.label", no_wrap=True, overflow="ellipsis")
        going.highlighter = going.highlighter or Highlighter(self._info)
        code = self.text.plain
        if going.last:
            code = code.rstrip()
        lines = code.removesuffix("\n").split("\n") if code else []
        for line in lines:
            for row in _fold(going.highlighter.line(line.expandtabs(4)), options.max_width):
                for kind, text in row:
                    yield Segment(text, console.get_style(f"code.{kind}") if kind else Style.null())
                yield Segment.line()


class BlockQuote(rich_markdown.BlockQuote):
    """A quote with blank rows between its paragraphs."""

    _filled = False

    def on_child_close(
        self, context: rich_markdown.MarkdownContext, child: rich_markdown.MarkdownElement
    ) -> bool:
        if self._filled:
            self.elements.append(Text())
        self._filled = True
        return super().on_child_close(context, child)


class HorizontalRule(rich_markdown.HorizontalRule):
    """A line without the blank row below that rich gives to this one only."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Rule(style="markdown.hr")


class ListItem(rich_markdown.ListItem):
    """An item whose number has room for two digits, whatever is to come, and whose blocks stand
    apart, but for a list below its heading."""

    _filled = False

    def on_child_close(
        self, context: rich_markdown.MarkdownContext, child: rich_markdown.MarkdownElement
    ) -> bool:
        if self._filled and not isinstance(child, rich_markdown.ListElement):
            self.elements.append(Text())
        self._filled = True
        return super().on_child_close(context, child)

    def render_number(
        self, console: Console, options: ConsoleOptions, number: int, last_number: int
    ) -> RenderResult:
        return super().render_number(console, options, number, max(99, number))


class Table(rich_markdown.TableElement):
    """A table whose widths come from its header and first rows; a cell that is too wide is wrapped,
    and a table that is much too wide is shown as one record a row."""

    def __init__(self, going: Going) -> None:
        super().__init__()
        self._going = going

    @classmethod
    def create(cls, markdown: rich_markdown.Markdown, token: Token) -> "Table":
        return cls(_going(markdown, token))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        going = self._going
        header = [cell.content for cell in self.header.row.cells] if self.header and self.header.row else []
        rows = [[cell.content for cell in row.cells] for row in (self.body.rows if self.body else [])]
        if going.widths is None or going.room != options.max_width:
            going.room = options.max_width
            going.widths = _column_widths([header, *rows[:WIDTH_ROWS]], going.room)
        titles = [_styled(cell, "table.header") for cell in header]
        if not going.widths:
            for index, row in enumerate(rows):
                yield from _record(titles, row, blank_before=index > 0 or not going.first)
            return
        if going.first:
            yield from _table_row(console, titles, going.widths)
            yield Text((" " * _BETWEEN).join("─" * width for width in going.widths), "table.rule")
        for row in rows:
            yield from _table_row(console, row, going.widths)


Markdown.elements = {
    **rich_markdown.Markdown.elements,
    "paragraph_open": Paragraph,
    "heading_open": Heading,
    "fence": Code,
    "code_block": Code,
    "blockquote_open": BlockQuote,
    "hr": HorizontalRule,
    "list_item_open": ListItem,
    "table_open": Table,
}

_WITH_CHILDREN = ("heading_open", "blockquote_open", "bullet_list_open", "ordered_list_open", "table_open")


def _going(markdown: rich_markdown.Markdown, token: Token) -> Going:
    """What the block is part of; a block inside another one is always drawn whole."""
    return markdown.going if isinstance(markdown, Markdown) and token.level == 0 else Going()


def _fold(pieces: list[Piece], width: int) -> list[list[Piece]]:
    """The rows of a line of code: broken where the width ends."""
    line = "".join(text for _, text in pieces)
    if cell_len(line) <= width:
        return [pieces]
    rows: list[list[Piece]] = []
    rest = list(reversed(pieces))
    for row in chop_cells(line, width):
        rows.append([])
        room = len(row)
        while room:
            kind, text = rest.pop()
            rows[-1].append((kind, text[:room]))
            if len(text) > room:
                rest.append((kind, text[room:]))
            room -= min(room, len(text))
    return rows


def _column_widths(rows: list[list[Text]], room: int) -> list[int]:
    """The widths of the columns in `room` cells; [] when words would have to be broken."""
    columns = list(zip_longest(*rows, fillvalue=Text()))
    wanted = [
        max(1, *(cell_len(line) for cell in cells for line in cell.plain.split("\n"))) for cells in columns
    ]
    words = [max(1, *(cell_len(word) for cell in cells for word in cell.plain.split())) for cells in columns]
    least = [min(word, _LONGEST_WORD) for word in words]
    room -= _BETWEEN * (len(wanted) - 1)
    if sum(least) > room:
        return []
    widest = max(wanted, default=0)
    while (
        sum(widths := [max(low, min(width, widest)) for low, width in zip(least, wanted, strict=True)]) > room
    ):
        widest -= 1
    return widths


def _table_row(console: Console, cells: list[Text], widths: list[int]) -> RenderResult:
    wrapped = [
        cell.wrap(console, width, justify=_justify(cell), overflow="fold")
        for cell, width in zip(cells, widths, strict=False)
    ]
    for lines in zip_longest(*wrapped):
        row = Text(no_wrap=True, end="")
        for index, (line, width) in enumerate(zip(lines, widths, strict=False)):
            row.append(" " * (_BETWEEN if index else 0))
            row.append_text(line or Text(" " * width))
        yield row
        yield Segment.line()


def _justify(cell: Text) -> JustifyMethod:
    return "left" if cell.justify in (None, "default") else cell.justify


def _record(titles: list[Text], row: list[Text], *, blank_before: bool) -> RenderResult:
    if blank_before:
        yield Text()
    for title, cell in zip(titles, row, strict=False):
        yield Text.assemble(title, ": " if title else "", cell, overflow="fold")


def _styled(cell: Text, style: str) -> Text:
    styled = cell.copy()
    styled.stylize(style)
    return styled
