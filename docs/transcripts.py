"""The sessions in docs/tutorial.md, filled in with what the program shows in a terminal of 80 columns.

A block of the kind `text` is a part of one session with the practice model: `$ llmchat --demo` starts it,
what stands after `> ` and after a question's `[y/N] ` is typed, the rest is shown. `python -m
docs.transcripts` writes anew what has changed; a test fails when the program shows something else.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.terminal import Terminal, in_terminal

TUTORIAL = Path(__file__).parent / "tutorial.md"

_BLOCK = re.compile(r"(?<=^```text\n)(.*?)(?=^```$)", re.MULTILINE | re.DOTALL)
_TYPED = re.compile(r"> |.*\[y/N\] ")
_START = "$ llmchat --demo"
_DATA = "~/.local/share/llmchat"

# What is another one each time: ports, builds, times and speeds.
_VARYING = (
    (re.compile(r"(?<=127\.0\.0\.1:)\d+"), "PORT"),
    (re.compile(r"(?<=llama\.cpp )\S+(?= at )"), "BUILD"),
    (re.compile(r"[\d,.]+ tokens/s"), "SPEED"),
    (re.compile(r"(?<=after )[\d,.]+ m?s"), "TIME"),
)
# Below an answer beside others stand its time and speed, whose length decides where that line wraps.
_FOOT = re.compile(r".*\d tokens( together)? · [\d.]+ s · .*|[│·\s]*((stop|length|tokens/s)[│·\s]*){0,4}")


def filled(page: str, command: Sequence[str]) -> str:
    """The page with what `command`, which starts the program, shows in its blocks."""
    with TemporaryDirectory() as home, in_terminal([*command], home=Path(home), rows=40) as screen:
        screen.wait_for("model practice")
        screen.wait_for_prompt()
        banner = [row.replace(f"{home}/data", _DATA) for row in screen.above]

        def part(block: re.Match[str]) -> str:
            return "\n".join([*_part(screen, block[1].splitlines(), banner), ""])

        return _BLOCK.sub(part, page)


def typed(page: str) -> list[str]:
    """All that is typed in the sessions of a page."""
    lines = [line for block in _BLOCK.findall(page) for line in block.splitlines()]
    return [line[begin.end() :] for line in lines if (begin := _TYPED.match(line))]


def masked(page: str) -> list[str]:
    """The rows of a page, with a word for what is another one each time."""
    rows = [row for row in page.splitlines() if not _FOOT.fullmatch(row)]
    for varying, word in _VARYING:
        rows = [varying.sub(word, row) for row in rows]
    return rows


def _part(screen: Terminal, block: Sequence[str], banner: Sequence[str]) -> Iterator[str]:
    """The rows of a block: the typed ones as they are, with what is shown below each."""
    for line in block:
        if line == _START:
            yield from (line, *banner)
        elif begin := _TYPED.match(line):
            typed = line[begin.end() :]
            yield from (f"{screen.cursor_line} {typed}", *screen.answer(typed))


def main() -> None:
    """Write the tutorial, when it is another one."""
    page = TUTORIAL.read_text(encoding="utf-8")
    now = filled(page, [sys.executable, "-m", "llmchat", "--demo"])
    if masked(now) != masked(page):
        TUTORIAL.write_text(now, encoding="utf-8")


if __name__ == "__main__":
    main()
