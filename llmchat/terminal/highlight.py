"""Code in, line by line, coloured pieces out: the state of a Pygments lexer is carried from line to line.

Pure. A line's colours depend on the lines before it and on nothing after, so that a line is finished
when it is complete, and a block that is still arriving looks as it will in the end.
"""

from collections.abc import Iterable, Iterator
from copy import copy, deepcopy
from functools import cache
from typing import Self

from pygments.lexer import ExtendedRegexLexer, Lexer, LexerContext, RegexLexer
from pygments.lexers import get_lexer_by_name
from pygments.lexers.data import YamlLexer, YamlLexerContext
from pygments.token import Comment, Error, Generic, Keyword, Name, Number, String, Whitespace, _TokenType
from pygments.util import ClassNotFound

Piece = tuple[str, str]
"""A kind of code, one of the values of `KINDS` or "", and the text that is of it."""

KINDS: dict[_TokenType, str] = {
    Comment: "comment",
    Comment.Preproc: "keyword",
    Comment.PreprocFile: "string",
    Generic.Deleted: "deleted",
    Generic.Heading: "name",
    Generic.Inserted: "inserted",
    Generic.Subheading: "name",
    Keyword: "keyword",
    Keyword.Constant: "number",
    Keyword.Type: "builtin",
    Name.Attribute: "builtin",
    Name.Builtin: "builtin",
    Name.Class: "name",
    Name.Decorator: "builtin",
    Name.Exception: "builtin",
    Name.Function: "name",
    Name.Tag: "keyword",
    Number: "number",
    String: "string",
}

_COMMENTS = (("/*", "*/"), ("<!--", "-->"))
"""Comments that many lexers match whole, with one expression: their lines need an end put on."""

_LONG = 2000
"""Characters; a longer line (minified code) stays without colours: some expressions are quadratic."""


class Highlighter:
    """Colours one block of code, a line at a time."""

    def __init__(self, language: str) -> None:
        self._lexer = _lexer(language)
        self._stack = ["root"]
        self._context = _context(self._lexer)
        self._comment = ""  # what ends the comment that the next line is in

    def line(self, line: str) -> list[Piece]:
        """The pieces of the next line, which has no newline."""
        if self._lexer is None or len(line) > _LONG:
            return [("", line)]
        if self._comment:
            return self._in_comment(line, self._comment)
        for opener, closer in _COMMENTS:
            if line.rfind(opener) > line.rfind(closer) and (pieces := self._opening(line, opener, closer)):
                return pieces
        return _merged(self._lex(line + "\n"), len(line))

    def fork(self) -> Self:
        """A highlighter that goes on from here without changing this one."""
        trial = copy(self)
        trial._stack, trial._context = list(self._stack), deepcopy(self._context)
        return trial

    def _opening(self, line: str, opener: str, closer: str) -> list[Piece]:
        """The pieces of a line in which a comment begins that does not end; [] when none does."""
        trial = self.fork()
        tokens = list(trial._lex(f"{line}{closer}\n"))
        kind, text = next((token for token in reversed(tokens) if token[1].strip()), (Error, ""))
        if _kind(kind) != "comment" or not text.startswith(opener):
            return []
        self._stack, self._context = trial._stack, trial._context
        self._comment = closer
        return _merged(tokens, len(line))

    def _in_comment(self, line: str, closer: str) -> list[Piece]:
        end = line.find(closer)
        if end < 0:
            return [("comment", line)]
        self._comment = ""
        # The lexer goes on after the comment; the comment itself is not for it to see again.
        end += len(closer)
        rest = line[end:]
        return [("comment", line[:end]), *_merged(self._lex(rest + "\n"), len(rest))]

    def _lex(self, text: str) -> Iterator[tuple[_TokenType, str]]:
        """Lex one line that ends with a newline, and keep the state after it."""
        if isinstance(self._context, LexerContext) and isinstance(self._lexer, ExtendedRegexLexer):
            context = self._context
            context.text, context.pos, context.end = text, 0, len(text)
            for _, kind, value in self._lexer.get_tokens_unprocessed(context=context):
                yield kind, value
        elif isinstance(self._lexer, RegexLexer):
            yield from _lex_regex(self._lexer, text, self._stack)
        elif self._lexer:
            for _, kind, value in self._lexer.get_tokens_unprocessed(text):
                yield kind, value


def language_of(info: str) -> str:
    """The language that a fence's info string names; "" when it names none."""
    words = info.replace("{", " ").replace("}", " ").replace(",", " ").split()
    return words[0].lstrip(".") if words else ""


@cache
def _lexer(language: str) -> Lexer | None:
    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


def _context(lexer: Lexer | None) -> LexerContext | None:
    if isinstance(lexer, YamlLexer):
        return YamlLexerContext("", 0)  # type: ignore[no-untyped-call]
    return LexerContext("", 0) if isinstance(lexer, ExtendedRegexLexer) else None


def _lex_regex(lexer: RegexLexer, text: str, stack: list[str]) -> Iterator[tuple[_TokenType, str]]:
    """`RegexLexer.get_tokens_unprocessed`, but it leaves the states in `stack` for the next line."""
    rules = lexer._tokens  # type: ignore[attr-defined]
    position = 0
    while position < len(text):
        for match_here, action, new_state in rules[stack[-1]]:
            if not (match := match_here(text, position)):
                continue
            if isinstance(action, _TokenType):
                yield action, match.group()
            elif action is not None:
                for _, kind, value in action(lexer, match):
                    yield kind, value
            position = match.end()
            _move(stack, new_state)
            break
        else:
            if text[position] == "\n":
                stack[:] = ["root"]
            yield (Whitespace if text[position] == "\n" else Error), text[position]
            position += 1


def _move(stack: list[str], new_state: tuple[str, ...] | int | str | None) -> None:
    """Change the states as Pygments does: push names, or pop a number of them, but never the last."""
    if isinstance(new_state, int):
        del stack[max(1, len(stack) + new_state) if new_state < 0 else 1 :]
    elif new_state is not None:
        for state in (new_state,) if isinstance(new_state, str) else new_state:
            if state == "#pop":
                del stack[max(1, len(stack) - 1) :]
            else:
                stack.append(stack[-1] if state == "#push" else state)


def _merged(tokens: Iterable[tuple[_TokenType, str]], length: int) -> list[Piece]:
    """The first `length` characters of the tokens; neighbours of one kind are one piece."""
    pieces: list[Piece] = []
    for token_type, text in tokens:
        kind, text = _kind(token_type), text[:length]
        length -= len(text)
        if pieces and pieces[-1][0] == kind:
            pieces[-1] = (kind, pieces[-1][1] + text)
        elif text:
            pieces.append((kind, text))
    return pieces


@cache
def _kind(token_type: _TokenType) -> str:
    while token_type not in KINDS and token_type.parent:
        token_type = token_type.parent
    return KINDS.get(token_type, "")
