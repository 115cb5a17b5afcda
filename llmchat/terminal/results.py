"""What commands return, shown: lines, tables, texts to copy; page by page where it is long."""

import os
from collections.abc import Callable, Sequence

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text as RichText

from llmchat.lab.comparison import Change
from llmchat.results import Difference, Table
from llmchat.terminal.sanitize import safe

_NARROWEST_COLUMN = 16


class Results:
    """Shows results on this console. `paged` says whether long ones may be shown page by page, `phrase`
    makes of a caption what helps where it is read."""

    def __init__(self, console: Console, phrase: Callable[[str], str], *, paged: bool) -> None:
        self.console = console
        self.paged = paged
        self._phrase = phrase

    def text(self, text: str) -> None:
        """Show a line or a few."""
        self._page(RichText(safe(text)))

    def styled(self, pieces: Sequence[tuple[str, str]]) -> None:
        """Show a text in pieces, each with the name of its style."""
        self._page(RichText.assemble(*((safe(text), style) for text, style in pieces)))

    def verbatim(self, text: str, language: str = "", end: str = "\n") -> None:
        """Show a text whose lines are not broken, so that it can be copied; code in its colours."""
        from llmchat.terminal.highlight import Highlighter  # few results need it, and it takes long to load

        highlighter = Highlighter(language)
        pieces = [piece for line in safe(text).split("\n") for piece in (*highlighter.line(line), ("", "\n"))]
        styled = ((text, f"code.{kind}" if kind else "") for kind, text in pieces[:-1])
        self.console.print(RichText.assemble(*styled), soft_wrap=True, end=end)

    def table(self, table: Table) -> None:
        """Show a table, and its caption below."""
        shown = _rich_table(table, self.console.width)
        caption = RichText(safe(self._phrase(table.caption)), "dim")
        self._page(Group(shown, caption) if table.caption else shown)

    def difference(self, between: Difference) -> None:
        """Show how two answers differ: by colours, or by marks where there are none."""
        self.table(between.table)
        marked = self.console.no_color or not self.console.color_system
        self._page(difference(between.runs, marked=marked))

    def _page(self, renderable: RenderableType) -> None:
        """Show something that may be higher than the screen, page by page if it is."""
        console = self.console
        if self.paged and len(console.render_lines(renderable, pad=False)) >= console.height:
            # What less needs to know: keep colours, and leave the page in the scrollback.
            options = os.environ.setdefault("LESS", "-RX")
            with console.pager(styles="R" in options):
                console.print(renderable)
        else:
            console.print(renderable)


def _rich_table(table: Table, width: int) -> RichTable:
    shown = RichTable(box=None, pad_edge=False, header_style="bold")
    rows = [[RichText(safe(cell)) for cell in row] for row in table.rows]
    columns = len(table.columns)
    if table.one_line:
        columns, room = _fitting_columns(table.columns, rows, width)
        for row in rows:
            row[columns - 1].truncate(room, overflow="ellipsis")
    for head in table.columns[:columns]:
        shown.add_column(RichText(safe(head)), no_wrap=table.one_line)
    for row in rows:
        shown.add_row(*row[:columns])
    return shown


def _fitting_columns(heads: tuple[str, ...], rows: list[list[RichText]], width: int) -> tuple[int, int]:
    """How many columns fit, the later ones left out first, and how wide the last of them may be."""
    widest = [max(cell_len(head), *(row[i].cell_len for row in rows)) for i, head in enumerate(heads)]
    for columns in range(len(heads), 1, -1):
        room = width - sum(widest[: columns - 1]) - 2 * (columns - 1)
        if room >= min(_NARROWEST_COLUMN, widest[columns - 1]):
            return columns, room
    return 1, width


def difference(runs: Sequence[tuple[Change, str]], *, marked: bool) -> RichText:
    """Two texts as one: what is gone struck out, what is new in green; without colours in brackets."""
    text = RichText()
    for change, run in runs:
        before, after, style = _MARKS[change]
        text.append(f"{before}{safe(run)}{after}" if marked else safe(run), "none" if marked else style)
    return text


_MARKS = {
    "same": ("", "", "none"),
    "gone": ("[-", "-]", "red strike"),
    "new": ("{+", "+}", "bold green"),
}
