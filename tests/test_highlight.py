"""Colours of code, line by line."""

import random

import pytest
from pygments.lexers import get_lexer_by_name

from llmchat.terminal.highlight import Highlighter, Piece, language_of

PYTHON = (
    'class A(B):\n    """One\n    two"""\n    x = f"{1 + 2} {\'a\'}"  # why\n\n    def f(self) -> None: ...'
)
C = '/* one\n * two */ int x = 5; /* three */\n#include <a.h>\nchar *s = "a /* b";\n/* open'
YAML = "a:\n  - b: |\n      text\n      more\n  - 5  # no\nc: [x, 'y']"
HTML = '<!-- one\ntwo -->\n<p class="a">b</p>'
JSON = '{\n  "a": [1, true, null],\n  "b": "c"\n}'


def colours(language: str, code: str) -> list[list[Piece]]:
    highlighter = Highlighter(language)
    return [highlighter.line(line) for line in code.split("\n")]


@pytest.mark.parametrize(
    ("language", "code"), [("python", PYTHON), ("yaml", YAML), ("json", JSON), ("c", C), ("html", HTML)]
)
def test_line_by_line_says_what_pygments_says_of_the_whole(language: str, code: str) -> None:
    code = code.removesuffix("\n/* open")
    lexed = [(str(kind), text) for kind, text in get_lexer_by_name(language).get_tokens(code)]
    comments = "".join(text for kind, text in lexed if "Comment" in kind and "Preproc" not in kind)
    strings = "".join(text for kind, text in lexed if "String" in kind or "PreprocFile" in kind)
    pieces = [piece for line in colours(language, code) for piece in line]
    ours = {kind: "".join(text for name, text in pieces if name == kind) for kind in ("comment", "string")}
    assert ours["comment"] == comments.replace("\n", "")
    assert ours["string"] == strings.replace("\n", "")


@pytest.mark.parametrize("language", ["python", "c", "yaml", "html", "js", "sh", "ruby", "php", "nonsense"])
def test_no_character_is_lost_whatever_the_code(language: str) -> None:
    randomness = random.Random(language)
    for _ in range(60):
        lines = "".join(randomness.choices(" \t/*<!->'\"#{}\\a1=:|x;", k=80)).split("x")
        highlighter = Highlighter(language)
        assert ["".join(text for _, text in highlighter.line(line)) for line in lines] == lines


def test_a_fork_goes_on_without_changing_the_first() -> None:
    highlighter = Highlighter("python")
    highlighter.line('x = """one')
    fork = highlighter.fork()
    assert fork.line('two"""') == [("string", 'two"""')]
    assert fork.line("if") == [("keyword", "if")]
    assert highlighter.line("if") == [("string", "if")]


def test_a_comment_that_stays_open_is_one() -> None:
    *_, opened = colours("c", C)
    assert opened == [("comment", "/* open")]


@pytest.mark.parametrize(
    ("info", "language"),
    [
        ("python", "python"),
        ("", ""),
        ("{.rust .numberLines}", "rust"),
        ("js title=x", "js"),
        ("c,ignore", "c"),
    ],
)
def test_the_language_is_the_first_word(info: str, language: str) -> None:
    assert language_of(info) == language
