"""Pictures of the real program: run in a pty, looked at through pyte, written as SVG.

`python -m docs.pictures.make` makes those anew that have changed: screens of a session with the practice
model, at three widths, dark and light; and streaming markdown. A test fails when the program shows
something else.
"""

import re
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory

from pyte.screens import Char
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import DEFAULT_TERMINAL_THEME, SVG_EXPORT_THEME
from rich.text import Text

from docs.transcripts import masked
from llmchat.config.settings import config_folder
from tests.terminal import Terminal, in_terminal

HERE = Path(__file__).parent

WIDTHS = (60, 80, 120)
BACKGROUNDS = {"dark": SVG_EXPORT_THEME, "light": DEFAULT_TERMINAL_THEME}

# What is typed before each picture, and in it; the last line of the first one is not sent, so that its
# completion is seen.
SESSION = {
    "chat": ((), ("what is temperature?", "write hello world in python", "/temperature 0", "/te")),
    "sweep": (("/clear",), ("/sweep temperature 0 0.7 1.2 -- name a colour",)),
    "tokens": (
        ("/clear", "/set temperature=1.2 logprobs=on top_logprobs=5"),
        ("name a colour", "/tokens", "/alt 4"),
    ),
}
_ROWS = 30
_FEED = """
import sys, time
for token in iter(lambda: sys.stdin.read(4), ""):
    print(token, end="", flush=True)
    time.sleep(0.01)
"""
_NO_STYLE = Style()
_COLOURS = {"default": None, "brown": "yellow"}

_RUN = re.compile(r'<text class="[\w-]+-(r\d+)" x="([\d.]+)" y="[\d.]+"[^>]*line-(\d+)\)">([^<]*)</text>')
_RULE = re.compile(r"\.[\w-]+-(r\d+) \{([^}]*)\}")
_RECT = re.compile(r'<rect fill="(#\w+)" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)"')
_BLANK = "&#160;"
_LINE_HEIGHT = 24.4


def screens(columns: int, background: str) -> dict[str, str]:
    """The pictures of one session at this width, on this background: the SVG of each by its name."""
    with TemporaryDirectory() as home:
        file = config_folder({"LLMCHAT_HOME": home}) / "settings.toml"
        file.parent.mkdir(parents=True)
        file.write_text(f'theme = "{background}"\n[params]\nseed = 8\n', encoding="utf-8")
        program = [sys.executable, "-m", "llmchat", "--demo"]
        with in_terminal(program, home=Path(home), columns=columns, rows=_ROWS) as screen:
            screen.wait_for("model practice")
            screen.wait_for_prompt()
            return {name: _picture(screen, background, *lines) for name, lines in SESSION.items()}


def rendered() -> str:
    """The picture of markdown as `llmchat --render` leaves it."""
    with _rendering(40) as screen:
        screen.wait_for("works too")
        screen.settle()
        return svg(screen, "dark", "llmchat --render")


def recording(frame: float = 0.4) -> str:
    """The picture of markdown while it streams: one SVG that moves, a frame each so many seconds."""
    frames: list[str] = []
    with _rendering(32) as screen:
        start = time.monotonic()

        def seen(shown: str) -> bool:
            if time.monotonic() - start >= len(frames) * frame:
                frames.append(svg(screen, "dark", "llmchat --render", len(frames)))
            return "works too" in shown

        screen.wait_until(seen, "the end")
        screen.settle()
        frames.append(svg(screen, "dark", "llmchat --render", len(frames)))
    return _moving(frames, frame)


def svg(screen: Terminal, background: str, title: str, number: int = 0, start: int | None = None) -> str:
    """What is on the screen now, or all from row `start` of the scrollback on; no empty rows at the end."""
    cells = screen.cells if start is None else screen.all_cells[start:]
    while cells and all(cell.data == " " and not cell.reverse for cell in cells[-1]):
        cells.pop()
    console = Console(record=True, width=len(screen.cells[0]), file=StringIO(), force_terminal=True)
    for row in cells:
        styled = groupby(zip(row, _styles(row), strict=True), itemgetter(1))
        parts = [("".join(cell.data for cell, _ in run), style) for style, run in styled]
        console.print(Text.assemble(*parts, no_wrap=True), overflow="crop")
    return console.export_svg(title=title, unique_id=f"frame{number}", theme=BACKGROUNDS[background])


def rows(picture: str) -> list[list[tuple[str, ...]]]:
    """What an SVG shows, row by row: each piece of text with its style and place, each background.

    Of a row with a time, a speed or a port only the text is given, with a word in their place.
    """
    rules = dict(_RULE.findall(picture))
    found: dict[int, list[tuple[str, ...]]] = {}
    for rule, x, row, text in _RUN.findall(picture):
        if text.strip("\n"):
            found.setdefault(int(row), []).append((text.replace(_BLANK, " "), rules[rule], x))
    for fill, x, y, width in _RECT.findall(picture):
        found.setdefault(int(float(y) / _LINE_HEIGHT), []).append((fill, x, width))
    return [shown for _, row in sorted(found.items()) for shown in _steady(row)]


def _steady(row: list[tuple[str, ...]]) -> Iterator[list[tuple[str, ...]]]:
    """The row; the text alone when something in it varies, and nothing when all of it does."""
    text = "".join(part[0] for part in row if not part[0].startswith("#")).strip()
    same = masked(text)
    if same == [text]:
        yield row
    elif same:
        yield [(" ".join(same[0].split()),)]


def _picture(screen: Terminal, background: str, before: Sequence[str], lines: Sequence[str]) -> str:
    for line in before:
        screen.answer(line)
    start = len(screen.above)
    *sent, last = lines
    for line in sent:
        screen.answer(line)
    if last == "/te":
        screen.type(last)
        screen.wait_for("How freely")
    else:
        screen.answer(last)
    screen.settle()
    drawn = svg(screen, background, "llmchat --demo", start=start)
    if last == "/te":
        screen.type("\x03")
        screen.wait_for_prompt()
    return drawn


@contextmanager
def _rendering(height: int) -> Iterator[Terminal]:
    """A terminal in which markdown is drawn while it arrives."""
    reply, python = shlex.quote(str(HERE / "reply.md")), shlex.quote(sys.executable)
    command = f"{python} -c {shlex.quote(_FEED)} < {reply} | {python} -m llmchat --render; read wait"
    with (
        TemporaryDirectory() as home,
        in_terminal(["/bin/sh", "-c", command], home=Path(home), rows=height) as screen,
    ):
        yield screen


def _moving(frames: list[str], seconds: float) -> str:
    """The frames one after the other in one SVG; the last one stays for a while."""
    lasting = len(frames) * seconds + 3
    shown = []
    for number, drawn in enumerate(frames):
        begin = number * seconds / lasting
        end = 1.0 if number == len(frames) - 1 else (number + 1) * seconds / lasting
        times = f"0;{begin:.4f};{end:.4f}" if number else f"0;0;{end:.4f}"
        shown.append(
            '<g visibility="hidden"><animate attributeName="visibility" calcMode="discrete" '
            f'dur="{lasting}s" values="hidden;visible;hidden" keyTimes="{times}" repeatCount="indefinite"/>'
            f"{drawn}</g>"
        )
    box = re.search(r'viewBox="[^"]*"', frames[-1])
    return f'<svg {box[0] if box else ""} xmlns="http://www.w3.org/2000/svg">{"".join(shown)}</svg>\n'


def _styles(row: Sequence[Char]) -> Iterator[Style]:
    """The style of each cell; a blank on which none can be seen has that of the cell before it."""
    before = _NO_STYLE
    for cell in row:
        seen = cell.data != " " or cell.reverse or cell.underscore or cell.strikethrough
        if seen or cell.bg != "default":
            before = _style(cell)
        elif before.reverse or before.underline or before.strike or before.bgcolor:
            before = _NO_STYLE
        yield before


def _style(cell: Char) -> Style:
    return Style(
        color=_colour(cell.fg),
        bgcolor=_colour(cell.bg),
        bold=cell.bold,
        italic=cell.italics,
        underline=cell.underscore,
        strike=cell.strikethrough,
        reverse=cell.reverse,
    )


def _colour(name: str) -> str | None:
    if re.fullmatch(r"[0-9a-f]{6}", name):
        return f"#{name}"
    return _COLOURS.get(name, re.sub(r"^bright", "bright_", name))


def main() -> None:
    """Write the pictures that have changed."""
    for columns in WIDTHS:
        for background in BACKGROUNDS:
            for name, picture in screens(columns, background).items():
                _write(HERE / f"{name}-{columns}-{background}.svg", picture)
    if _write(HERE / "markdown-end.svg", rendered()):
        (HERE / "markdown.svg").write_text(recording(), encoding="utf-8")


def _write(file: Path, picture: str) -> bool:
    """Write a picture if the file shows something else; whether it did."""
    if file.exists() and rows(file.read_text(encoding="utf-8")) == rows(picture):
        return False
    file.write_text(picture, encoding="utf-8")
    return True


if __name__ == "__main__":
    main()
