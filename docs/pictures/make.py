"""Pictures of the real program: run in a pty, looked at through pyte, written as SVG.

`python docs/pictures/make.py` makes them all: a session with the practice model, and streaming markdown.
"""

import re
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from io import StringIO
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

import pexpect
import pyte
from pyte.screens import Char
from rich.console import Console
from rich.style import Style
from rich.text import Text

HERE = Path(__file__).parent

Step = tuple[str | float, str]
"""What to wait for (a text on the screen, or seconds), and the keys to press then."""

_LONGEST_WAIT = 60.0
_FEED = """
import sys, time
for token in iter(lambda: sys.stdin.read(4), ""):
    print(token, end="", flush=True)
    time.sleep(0.01)
"""
_COLOURS = {"default": None, "brown": "yellow"}
_SGR = re.compile(r"\x1b\[([\d;]*)m")
# pyte drops the rest of a write after these.
_ZERO_WIDTH = re.compile("[\ufe0f\u200d\u200c]")


class Running:
    """A program in a terminal of `columns` x `rows`."""

    def __init__(self, command: str, columns: int, rows: int) -> None:
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.Stream(self._screen)
        self._child = pexpect.spawn(
            "/bin/sh", ["-c", command], dimensions=(rows, columns), encoding="utf-8", codec_errors="replace"
        )
        self.ended = False

    def step(self, until: str | float, keys: str, look: Callable[[], object] = lambda: None) -> None:
        """Wait, calling `look` now and then, and press keys. Raises TimeoutError."""
        start = time.monotonic()
        wait = until if isinstance(until, float | int) else _LONGEST_WAIT
        while time.monotonic() - start < wait and not self.ended:
            self._read()
            look()
            if isinstance(until, str) and any(until in line for line in self._screen.display):
                break
        else:
            if isinstance(until, str) and not self.ended:
                raise TimeoutError(f"{until!r} did not come:\n" + "\n".join(self._screen.display))
        if keys:
            self._child.send(keys)

    def close(self) -> None:
        """End the program."""
        self._child.close(force=True)

    def svg(self, title: str, number: int = 0) -> str:
        """What is on the screen now."""
        console = Console(record=True, width=self._screen.columns, file=StringIO())
        for y in range(self._screen.lines):
            row = self._screen.buffer[y]
            runs = groupby((row[x] for x in range(self._screen.columns)), _style)
            parts = [("".join(cell.data for cell in cells), style) for style, cells in runs]
            console.print(Text.assemble(*parts, no_wrap=True), overflow="crop")
        return console.export_svg(title=title, unique_id=f"frame{number}")

    def _read(self) -> None:
        try:
            data = self._child.read_nonblocking(65536, 0.05)
        except pexpect.TIMEOUT:
            return
        except pexpect.EOF:
            self.ended = True
            return
        self._stream.feed(_SGR.sub(_without_dim, _ZERO_WIDTH.sub("", data)))
        for _ in range(data.count("\x1b[6n")):
            cursor = self._screen.cursor
            self._child.send(f"\x1b[{cursor.y + 1};{cursor.x + 1}R")


def picture(command: str, keys: Sequence[Step], columns: int, rows: int, out: Path, title: str = "") -> None:
    """Write what the program shows after these steps, as an SVG."""
    running = Running(command, columns, rows)
    try:
        for until, pressed in keys:
            running.step(until, pressed)
        out.write_text(running.svg(title or command), encoding="utf-8")
    finally:
        running.close()


def recording(
    command: str,
    keys: Sequence[Step],
    columns: int,
    rows: int,
    out: Path,
    title: str = "",
    frame: float = 0.4,
) -> None:
    """Write all that the program shows during these steps, as one SVG that moves; a frame each so often."""
    running = Running(command, columns, rows)
    frames: list[str] = []
    start = time.monotonic()

    def look() -> None:
        if time.monotonic() - start >= len(frames) * frame:
            frames.append(running.svg(title or command, len(frames)))

    try:
        for until, pressed in keys:
            running.step(until, pressed, look)
    finally:
        running.close()
    out.write_text(_moving(frames, frame), encoding="utf-8")


def _moving(frames: list[str], seconds: float) -> str:
    """The frames one after the other in one SVG; the last one stays for a while."""
    lasting = len(frames) * seconds + 3
    shown = []
    for number, svg in enumerate(frames):
        begin = number * seconds / lasting
        end = 1.0 if number == len(frames) - 1 else (number + 1) * seconds / lasting
        times = f"0;{begin:.4f};{end:.4f}" if number else f"0;0;{end:.4f}"
        shown.append(
            '<g visibility="hidden"><animate attributeName="visibility" calcMode="discrete" '
            f'dur="{lasting}s" values="hidden;visible;hidden" keyTimes="{times}" repeatCount="indefinite"/>'
            f"{svg}</g>"
        )
    box = re.search(r'viewBox="[^"]*"', frames[0])
    return f'<svg {box[0] if box else ""} xmlns="http://www.w3.org/2000/svg">{"".join(shown)}</svg>\n'


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


def _without_dim(found: re.Match[str]) -> str:
    """pyte knows no dim; grey looks the same."""
    numbers = found[1].split(";")
    if "38" in numbers or "48" in numbers:
        return found[0]
    return f"\x1b[{';'.join('90' if number == '2' else number for number in numbers)}m"


SESSION: tuple[Step, ...] = (
    ("model practice", "write hello world in python\r"),
    ("tokens/s", "/temp"),
    ("How freely", " 0.2\r"),
    ("temperature is 0.2.", "what is temperature?\r"),
    (1.0, ""),
)


def session() -> None:
    """Make the picture of a session with the practice model."""
    with TemporaryDirectory() as home:
        command = f"LLMCHAT_HOME={home} {shlex.quote(sys.executable)} -m llmchat --demo"
        picture(command, SESSION, 80, 24, HERE / "session.svg", "llmchat --demo")


def streaming() -> None:
    """Make the pictures of streaming markdown."""
    reply = shlex.quote(str(HERE / "reply.md"))
    python = shlex.quote(sys.executable)
    command = f"{python} -c {shlex.quote(_FEED)} < {reply} | {python} -m llmchat --render; sleep 9"
    recording(command, [("works too", ""), (0.5, "")], 80, 32, HERE / "markdown.svg", "llmchat --render")
    picture(command, [("works too", ""), (0.5, "")], 80, 40, HERE / "markdown-end.svg", "llmchat --render")


if __name__ == "__main__":
    session()
    streaming()
