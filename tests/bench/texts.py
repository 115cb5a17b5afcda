"""Replies of every kind and any length, the same each time."""

import random
from collections.abc import Callable

_PROSE = (
    "the model reads a token and predicts what comes next while each layer of the network attends to "
    "earlier words so that meaning grows from context rather than from rules which nobody could write "
    "down by hand in full because language keeps changing under those who speak it"
)
_WORDS = _PROSE.split()
_HAN = "模型读取词元并预测接下来的内容网络的每一层都会关注前面的词语因此意义来自上下文而不是规则"
_CODE = '''def step_{n}(items, limit={n}):
    """Return the first items, doubled."""
    result = []
    for index, item in enumerate(items):  # not more than the limit
        if index >= limit:
            break
        result.append(f"{{item}}: {{item * 2}}")
    return result


'''


def make(kind: str, kilobytes: int, number: int = 0) -> str:
    """A reply of this kind, another one for each number; 1 KB is 1024 characters."""
    randomness = random.Random(f"{kind} {kilobytes} {number}")
    parts: list[str] = [_BEGINNINGS.get(kind, "")]
    length = 0
    while length < kilobytes * 1024:
        parts.append(KINDS[kind](randomness, len(parts)))
        length += len(parts[-1])
    return "".join(parts)[: kilobytes * 1024]


def _words(randomness: random.Random, count: int) -> str:
    words = randomness.choices(_WORDS, k=count)
    if count > 8:
        place = randomness.randrange(count - 2)
        words[place] = randomness.choice(["**{}**", "*{}*", "`{}`", "[{}](https://example.org/a)"]).format(
            words[place]
        )
    return " ".join(words)


def _sentence(randomness: random.Random) -> str:
    return _words(randomness, randomness.randint(6, 24)).capitalize() + ". "


def _paragraph(randomness: random.Random, _number: int) -> str:
    return "".join(_sentence(randomness) for _ in range(randomness.randint(2, 6))) + "\n\n"


def _code(_randomness: random.Random, number: int) -> str:
    return _CODE.format(n=number)


def _item(randomness: random.Random, number: int) -> str:
    item = f"{number}. {_words(randomness, randomness.randint(5, 30))}\n"
    for _ in range(randomness.randint(0, 3)):
        item += f"   - {_words(randomness, randomness.randint(3, 14))}\n"
    return item


def _row(randomness: random.Random, number: int) -> str:
    return f"| {number} | {_words(randomness, 3)} | {_words(randomness, 7)} | {randomness.random():.3f} |\n"


def _cjk(randomness: random.Random, _number: int) -> str:
    sentences = ("".join(randomness.choices(_HAN, k=randomness.randint(8, 40))) + "。" for _ in range(4))
    return "".join(sentences) + "\n\n"


def _mixed(randomness: random.Random, number: int) -> str:
    match number % 7:
        case 1:
            return f"## {_words(randomness, 4).capitalize()}\n\n"
        case 2 | 4:
            return _paragraph(randomness, number)
        case 3:
            return f"```python\n{_code(randomness, number).rstrip()}\n```\n\n"
        case 5:
            return "".join(_item(randomness, n) for n in range(1, 6)) + "\n"
        case 6:
            return _TABLE + "".join(_row(randomness, n) for n in range(1, 7)) + "\n"
    return _cjk(randomness, number)


_TABLE = "| number | name | what it is | share |\n|--:|---|---|--:|\n"
_BEGINNINGS = {"code": "```python\n", "table": _TABLE}

KINDS: dict[str, Callable[[random.Random, int], str]] = {
    "mixed": _mixed,
    "prose": _paragraph,
    "code": _code,
    "list": _item,
    "table": _row,
    "CJK": _cjk,
    "one paragraph": lambda randomness, _: _sentence(randomness),
}
