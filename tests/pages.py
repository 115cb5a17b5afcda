"""What stands in the documentation to be typed: for the chat, for the shell, as settings and programs."""

import re
import shlex
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = tuple(ROOT / name for name in ("README.md", "docs/guide.md", "docs/faq.md", "docs/tutorial.md"))

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_PROGRAM = re.compile(r"(?:\S*/)?llmchat$")
_SLASH_LINE = re.compile(r"/\w[^/]*(\s|$)")
# The end of an address, and paths that are messages.
_NO_COMMANDS = ("/v1", "/etc", "/tmp")
_PLACEHOLDER = re.compile(r"\b[A-Z]{2,}\b")


def blocks(page: Path, kind: str) -> list[str]:
    """The code blocks of this kind, as after ```; "" for those without one."""
    return [text for named, text in _BLOCK.findall(_text(page)) if named == kind]


def slash_lines(page: Path) -> list[str]:
    """All lines for the chat: in running text and tables, in blocks without a kind, and after `-x`."""
    typed = [line.partition("  ")[0] for block in blocks(page, "") for line in block.splitlines()]
    given = [line for arguments in shell_lines(page) for line in _executed(arguments)]
    found = [*_inline(page), *typed, *given]
    return [line for line in dict.fromkeys(found) if _SLASH_LINE.match(line) and line not in _NO_COMMANDS]


def has_placeholder(line: str) -> bool:
    """Whether a line names something in capitals that is to be filled in, such as `/model NAME`."""
    return bool(_PLACEHOLDER.search(line))


def shell_lines(page: Path) -> list[list[str]]:
    """The arguments of each call of llmchat: in `sh` blocks, in running text, and of flags alone."""
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    for code in _inline(page):
        if re.match(r"--?[a-z]", code):
            lines.append(f"llmchat {code}")
        elif "llmchat " in code:
            lines.append(code)
    return [arguments for line in lines for arguments in _calls(line)]


def _inline(page: Path) -> list[str]:
    return _CODE.findall(_BLOCK.sub("", _text(page)))


def _calls(line: str) -> list[list[str]]:
    """The arguments of each llmchat in a line for the shell, with neither comments nor redirections."""
    found: list[list[str]] = []
    words = shlex.shlex(re.sub(r'"\$\((.*)\)"', r"$(\1)", line), posix=True, punctuation_chars="|&;<>$()")
    words.whitespace_split = True
    here: list[str] | None = None
    before = ""
    for word in words:
        if set(word) <= set("|&;$()"):
            here = None
        elif here is not None and not set(word + before) & set("<>"):
            here.append(word)
        elif _PROGRAM.match(word):
            found.append(here := [])
        before = word
    return found


def _executed(arguments: list[str]) -> list[str]:
    return [line for flag, line in pairwise(arguments) if flag in ("-x", "--execute")]


def _text(page: Path) -> str:
    return page.read_text(encoding="utf-8")
