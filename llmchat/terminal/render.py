"""Pieces of markdown in, rows with colours out: what rich draws, as lines for a terminal."""

from collections.abc import Iterable, Iterator
from copy import copy

from rich._wrap import divide_line
from rich.color import ColorSystem
from rich.console import COLOR_SYSTEMS, Console, RenderableType
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from llmchat.terminal.elements import Going, Markdown
from llmchat.terminal.markdown import Piece


class Renderer:
    """Draws the pieces of one reply in their order, `width` cells wide. `begun` says whether anything
    stands above."""

    def __init__(self, console: Console, width: int, *, begun: bool = False) -> None:
        self._console = console
        self._going = Going()
        self._options = console.options.update(width=width)
        self.begun = begun

    @property
    def width(self) -> int:
        """The width of the rows, in cells; it may change between two pieces."""
        return self._options.max_width

    @width.setter
    def width(self, width: int) -> None:
        self._options = self._options.update(width=width)

    def rows(self, piece: Piece) -> list[str]:
        """The rows of the next piece; of a paragraph that goes on, those that are full."""
        rows: list[str] = []
        if piece.first:
            rows += self._left_over()
            rows += [""] if self.begun else []
            self._going = Going()
        self.begun = True
        going = self._going
        going.first, going.last = piece.first, piece.last
        drawn = self.draw(Markdown(piece.tokens, going))
        if going.flow and piece.last:
            going.flow = None
        elif going.flow:
            full, going.flow = full_rows(going.flow, self.width)
            drawn = drawn[:full]
        return rows + drawn

    def preview(self, pieces: list[Piece]) -> list[str]:
        """The rows of pieces that may still change; nothing is remembered of them."""
        trial = copy(self)
        trial._going = self._going.copy()
        return [row for piece in pieces for row in trial.rows(piece)]

    def draw(self, renderable: RenderableType) -> list[str]:
        """What rich draws, as rows with the console's colours, without blanks at their ends."""
        console = self._console
        color_system = COLOR_SYSTEMS.get(console.color_system or "")
        segments = _in_lines(console.render(renderable, self._options))
        lines = Segment.split_and_crop_lines(
            segments, self._options.max_width, include_new_lines=False, pad=False
        )
        return [
            _row(Segment.remove_color(line) if console.no_color else line, color_system) for line in lines
        ]

    def _left_over(self) -> list[str]:
        """The last row of a paragraph whose next line turned out to begin another block."""
        flow, self._going.flow = self._going.flow, None
        if not flow:
            return []
        flow.rstrip()
        return self.draw(flow)


def full_rows(flow: Text, width: int) -> tuple[int, Text]:
    """The number of rows at the beginning of a text that no further text can change, and the rest."""
    *complete, last = flow.plain.split("\n")
    longer = divide_line(last + "x" * width, width)
    breaks: list[int] = []
    for here, there in zip(divide_line(last, width), longer, strict=False):
        if here != there:
            break
        breaks.append(here)
    full = sum(len(divide_line(line, width)) + 1 for line in complete) + len(breaks)
    start = len(flow.plain) - len(last) + (breaks[-1] if breaks else 0)
    return full, flow[start:]


def _in_lines(segments: Iterable[Segment]) -> Iterator[Segment]:
    """The same in segments of a line at most: rich takes time with the square of the lines of one."""
    for segment in segments:
        if "\n" in segment.text and not segment.control:
            for line in segment.text.splitlines(keepends=True):
                yield Segment(line, segment.style)
        else:
            yield segment


def _row(segments: Iterable[Segment], color_system: ColorSystem | None) -> str:
    parts = [part for part in segments if part.text]
    while parts and not _shows_blanks(parts[-1].style):
        text = parts[-1].text.rstrip(" ")
        if text:
            parts[-1] = Segment(text, parts[-1].style)
            break
        parts.pop()
    return "".join(
        part.style.render(part.text, color_system=color_system) if part.style else part.text for part in parts
    )


def _shows_blanks(style: Style | None) -> bool:
    return bool(style and (style.bgcolor or style.underline or style.reverse or style.strike))
