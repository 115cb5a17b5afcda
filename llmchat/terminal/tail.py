"""How the open end of a reply is best shown while it arrives. Pure.

None of this decides anything: what is finished is decided on complete lines only (`markdown.py`).
"""

import re

from markdown_it.token import Token

from llmchat.terminal.tokens import parse_blocks

_SIGNS = r"[-=_*+#>~`|:.<\[)(\s]*"
# A number may be that of a list's item; two of them are text.
_MARKER = re.compile(rf"(?:{_SIGNS}\d{{1,9}}[.)])*{_SIGNS}\d{{0,9}}|\s*(?:```|~~~|\|).*")
_FENCE_MARKER = re.compile(r"\s{0,3}(?:`+|~+)\s*")


class Tail:
    """Holds back a line that is only a marker yet, which would flip the layout, and ends what markup
    is open. A line that just gets longer is not parsed again."""

    def __init__(self) -> None:
        self._view = ""
        self._parsed: list[Token] = []
        self._shown: list[Token] = []

    def tokens(self, source: str, *, code_is_open: bool) -> list[Token]:
        """The tokens of the open end; the same object while they are the same."""
        view = _held_back(source, code_is_open)
        if view != self._view:
            self._parsed = self._grown(view) or parse_blocks(view)
            self._view = view
            self._shown = _closed(self._parsed)
        return self._shown

    def _grown(self, view: str) -> list[Token]:
        """The tokens if the last line, known to be a paragraph's, has only got longer; else []."""
        old = self._view
        more = view[len(old) :]
        last = _last_text(self._parsed)
        line = old[old.rfind("\n") + 1 :].strip()
        if last < 0 or not line or "<" in line or "\n" in more or not view.startswith(old):
            return []
        blanks = old[len(old.rstrip()) :]
        return _with_content(self._parsed, last, (self._parsed[last].content + blanks + more).rstrip())


def _held_back(source: str, code_is_open: bool) -> str:
    """The source, without an incomplete line that is only a marker."""
    complete = source[: source.rfind("\n") + 1]
    partial = source[len(complete) :]
    marker = _FENCE_MARKER if code_is_open else _MARKER
    return complete if marker.fullmatch(partial) else source


def _closed(tokens: list[Token]) -> list[Token]:
    """The tokens with an end for the code or the strong emphasis that the last text has begun."""
    last = _last_text(tokens)
    if last < 0:
        return list(tokens)
    content = tokens[last].content
    closer = "`" if content.count("`") % 2 else "**" if content.count("**") % 2 else ""
    if not closer or content.endswith(("*", "`")):
        return list(tokens)
    return _with_content(tokens, last, content + closer)


def _last_text(tokens: list[Token]) -> int:
    """The index of the text that may go on: of the paragraph at the end; -1 when something else is there."""
    last = len(tokens) - 1
    while last >= 0 and tokens[last].nesting < 0:
        last -= 1
    is_text = last >= 0 and tokens[last].type == "inline" and tokens[last + 1].type == "paragraph_close"
    return last if is_text else -1


def _with_content(tokens: list[Token], index: int, content: str) -> list[Token]:
    text = Token("inline", "", 0, level=tokens[index].level, content=content)
    return [*tokens[:index], text, *tokens[index + 1 :]]
