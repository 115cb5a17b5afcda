"""What the line of a sweep means: parameters with their values, and the question."""

import itertools
import math
import random
import re
from dataclasses import dataclass, field

from llmchat import params
from llmchat.amounts import number_in
from llmchat.errors import UsageError
from llmchat.params import find
from llmchat.sampling import EXTRA, Sampling, field_name

MOST_AT_ONCE = 16

_USAGE = "Like this: /sweep temperature 0 0.8 -- question, or /sweep temperature=0,0.8 top_p=0.5,1"
_REPEATED = re.compile(r"x(\d+)", re.IGNORECASE)
_MOST_DIGITS = 4
"""Of how many seeds there may be: more would only fill the memory before it is asked about."""
_NUMBER = re.compile(r"[-+]?\d*[.,]?\d+k?", re.IGNORECASE)
_LARGEST_SEED = 9999
_MOST_NAMED = 8
_LONGEST_VALUE = 24


@dataclass
class Grid:
    """Each parameter that varies with its values, the question (None: the last one), and how many
    answers are asked for at once."""

    values: dict[str, list[str]] = field(default_factory=dict)
    question: str | None = None
    parallel: int = 1

    @property
    def count(self) -> int:
        """How many answers that makes."""
        return math.prod(map(len, self.values.values()))

    def __str__(self) -> str:
        """How many answers, and the values: `4 answers: temperature 0, 1 x top_p 0.5, 1`."""
        return f"{self.count} answers: " + " x ".join(
            f"{name} {', '.join(_few(tried))}" for name, tried in self.values.items()
        )

    def samplings(self, start: Sampling) -> list[Sampling]:
        """The parameters of each answer; what is not named is the same in all, the seed included."""
        lanes = []
        for combination in itertools.product(*self.values.values()):
            sampling = start.without("n")
            for name, text in zip(self.values, combination, strict=True):
                sampling = _with(sampling, name, text)
            lanes.append(sampling)
        return lanes


def grid_of(text: str, sampling: Sampling) -> Grid:
    """Read a line such as `temperature 0 0.8 -- question`; raises UsageError.

    Values end at `--`, or at the first word that is none.
    """
    if not text.strip():
        raise UsageError("A sweep needs a parameter and its values.", _USAGE)
    grid = Grid()
    rest = text.strip()
    name = ""
    while rest:
        word, after = _first_word(rest)
        key, equals, value = word.partition("=")
        if word == "--":
            grid.question, rest = after, ""
        elif equals and key.lower() == "parallel":
            grid.parallel, rest = parallel_of(value), after
        elif equals and _is_name(key):
            name, rest = "", _take_list(grid, sampling, field_name(key), rest.partition("=")[2])
        elif not grid.values:
            name, rest = _name(key), after
            grid.values[name] = []
        elif name and (found := _values(sampling, name, word)):
            grid.values[name] += found
            rest = after
        else:
            grid.question, rest = rest, ""
    return _checked(grid)


def _few(values: list[str]) -> list[str]:
    """Values as they are named: the long ones cut, the first two and the last of many."""
    short = [value if len(value) <= _LONGEST_VALUE else value[: _LONGEST_VALUE - 1] + "…" for value in values]
    return short if len(short) <= _MOST_NAMED else [*short[:2], "…", short[-1]]


def with_seed(sampling: Sampling, values: dict[str, list[str]]) -> tuple[Sampling, str]:
    """With a seed where none is set, so that only what varies makes a difference; what to say of it."""
    seed = sampling.get("seed")
    if "seed" in values or (seed and seed.value >= 0):
        return sampling, ""
    fixed = random.randint(1, _LARGEST_SEED)
    # As a default: a server that does not take a seed may go without.
    return sampling.with_value("seed", fixed, "default"), f" · seed {fixed} for all"


def _checked(grid: Grid) -> Grid:
    for name, values in grid.values.items():
        if not values:
            raise UsageError(f"A sweep of {name} needs values.", _USAGE)
    if grid.count < 2:
        raise UsageError("A sweep needs two values or more.", _USAGE)
    if grid.question is not None and not grid.question.strip():
        grid.question = None
    return grid


def _first_word(text: str) -> tuple[str, str]:
    word, *after = text.split(maxsplit=1)
    return word, after[0] if after else ""


def _is_name(word: str) -> bool:
    return word.lower().startswith(EXTRA) or find(word) is not None


def _name(word: str) -> str:
    name = field_name(word)
    if name == "n":
        raise UsageError("n is how many answers there are, and changes none of them.", "`/sweep seed x5`")
    return name


def parallel_of(value: str) -> int:
    """How many answers are asked for at once; raises UsageError."""
    number = number_in(value) or 0
    if not 1 <= number <= MOST_AT_ONCE:
        raise UsageError(f"parallel is a whole number from 1 to {MOST_AT_ONCE}, not {value!r}.")
    return number


def _take_list(grid: Grid, sampling: Sampling, name: str, rest: str) -> str:
    """Take values with commas between them; what comes after them."""
    parts, after = _listed(rest)
    found = [value for part in parts for value in _values(sampling, _name(name), part) or [part]]
    for value in found:
        _with(sampling, name, value)
    grid.values[name] = found
    return after


def _listed(text: str) -> tuple[list[str], str]:
    """The parts of a list without blanks (but after a comma), and what comes after it.

    A comma or a blank inside brackets or quotes belongs to its part.
    """
    parts, depth, quoted = [""], 0, False
    for index, char in enumerate(text):
        if char == '"' and not text[:index].endswith("\\"):
            quoted = not quoted
        if not quoted:
            depth += (char in "[{") - (char in "]}")
        inside = quoted or depth > 0
        if char == "," and not inside:
            parts.append("")
        elif char.isspace() and not inside and (parts[-1] or index == 0 or text[index - 1] != ","):
            return [part for part in parts if part], text[index:].lstrip()
        elif inside or not char.isspace():
            parts[-1] += char
    return [part for part in parts if part], ""


def _values(sampling: Sampling, name: str, word: str) -> list[str]:
    """The values that a word means for a parameter; [] when it is none.

    Raises UsageError for a number that is out of range.
    """
    if (repeated := _REPEATED.fullmatch(word)) and name == "seed":
        if len(repeated[1]) > _MOST_DIGITS:
            raise UsageError(f"A sweep takes at most {10**_MOST_DIGITS - 1:,} seeds.", _USAGE)
        seed = sampling.get("seed")
        first = seed.value if seed and seed.value >= 0 else 1
        return [str(first + number) for number in range(int(repeated[1]))]
    try:
        _with(sampling, name, word)
    except UsageError as error:
        if "," in word and all(_NUMBER.fullmatch(part) for part in word.split(",")):
            return [value for part in word.split(",") for value in _values(sampling, name, part)]
        known = params.find(name)
        if known and known.type in ("float", "int") and _NUMBER.fullmatch(word):
            raise UsageError(error.sentence, "`--` stands before a question that begins so.") from None
        return []
    return [word]


def _with(sampling: Sampling, name: str, text: str) -> Sampling:
    return sampling.without(name) if text.lower() == "default" else sampling.with_text(name, text, "command")
