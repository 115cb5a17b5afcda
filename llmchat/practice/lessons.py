"""The lessons: reads `lessons.md` into frozen records and checks them.

The marks of the file, one at the beginning of each line:

    # group           system: …  a system prompt under which this group's answers hold
    ## lesson         weight: 2  how often it is practised; unless {slot}  only when none was told
    - phrasing        trained    + phrasing  held out from training
    > answer          several blocks are several possible answers
    ...               other questions may come between the turn before and the turn after

A lesson of a group with system prompts takes its phrasings from the ordinary lesson of the same
title. The group `Words` holds the word lists that fill `{slots}`. Standard library only.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from llmchat.practice import phrasing

LESSONS_FILE = Path(__file__).with_name("lessons.md")
MODEL_FILE = Path(__file__).with_name("practice.gguf")
DIGEST_KEY = "llmchat.lessons.sha256"  # where the model file says which lessons it was trained on
WORDS_GROUP = "Words"
SYLLABLES = tuple(first + second for first in "bdfghjklmnprstvwyz" for second in "aeiou")
SYLLABLE_ENDS = ("", "", "", "l", "n", "r", "s", "th", "x", "ck", "m")


class LessonError(ValueError):
    """The lessons file is not as it should be; the message says where."""


@dataclass(frozen=True)
class Turn:
    """One question and its answer; `after_gap`: unrelated turns may come before it."""

    phrasings: tuple[str, ...]
    held_out: tuple[str, ...]
    answers: tuple[str, ...]
    after_gap: bool = False


@dataclass(frozen=True)
class Lesson:
    """What the model is to know about one thing: one turn, or several that belong together."""

    group: str
    title: str
    turns: tuple[Turn, ...]
    weight: float = 1.0
    unless: str | None = None


@dataclass(frozen=True)
class Group:
    """Lessons of one subject; with system prompts they hold only under one of these."""

    title: str
    systems: tuple[str, ...]
    lessons: tuple[Lesson, ...]


@dataclass(frozen=True)
class WordList:
    """Words for slots: `names[i]` is filled by `row[i]`; `copied` words are answered as typed."""

    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    held_out: tuple[tuple[str, ...], ...]
    copied: bool = False


@dataclass(frozen=True)
class Book:
    """The whole lessons file."""

    groups: tuple[Group, ...]
    word_lists: tuple[WordList, ...]
    sha256: str

    @property
    def lessons(self) -> tuple[Lesson, ...]:
        """Every lesson of every group."""
        return tuple(lesson for group in self.groups for lesson in group.lessons)

    @property
    def ordinary(self) -> tuple[Lesson, ...]:
        """The lessons that need no system prompt."""
        return tuple(lesson for group in self.groups if not group.systems for lesson in group.lessons)

    def lists_for(self, text: str) -> tuple[WordList, ...]:
        """The word lists that fill the slots of a text."""
        names = phrasing.slots(text)
        return tuple(words for words in self.word_lists if names & set(words.names))


def sha256_of(path: Path = LESSONS_FILE) -> str:
    """The digest that ties a model file to the lessons it was trained on."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read(path: Path = LESSONS_FILE) -> Book:
    """The lessons file as a checked book."""
    reader = _Reader()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            reader.line(line.rstrip())
        except LessonError as error:
            raise LessonError(f"{path.name}, line {number}: {error}") from None
    book = Book(tuple(reader.groups()), tuple(reader.word_lists()), sha256_of(path))
    book = replace(book, groups=tuple(_with_inherited_phrasings(book)))
    _check(book)
    return book


@dataclass
class _Draft:
    """A heading and the marked lines below it, as they are being read."""

    title: str
    lines: list[tuple[str, str]] = field(default_factory=list)


MARKS = ("- ", "+ ", "> ", "system: ", "weight: ", "unless ", "invented: ")
BARE_MARKS = {">": "> ", "...": "...", "copied": "copied", "": ""}


class _Reader:
    """Sorts the lines under their headings; the prose under a group heading is for people."""

    def __init__(self) -> None:
        self._groups: list[tuple[_Draft, list[_Draft]]] = []

    def line(self, line: str) -> None:
        """Take in one line."""
        if line.startswith("# "):
            self._groups.append((_Draft(line[2:]), []))
        elif line.startswith("## "):
            self._groups[-1][1].append(_Draft(line[3:]))
        else:
            self._marked(line)

    def _marked(self, line: str) -> None:
        head, drafts = self._groups[-1]
        mark = next((mark for mark in MARKS if line.startswith(mark)), None)
        if mark is not None:
            (drafts[-1] if drafts else head).lines.append((mark, line[len(mark) :]))
        elif line in BARE_MARKS:
            (drafts[-1] if drafts else head).lines.append((BARE_MARKS[line], ""))
        elif drafts:
            raise LessonError(f"a line of a lesson begins with a mark, this one does not: {line!r}")

    def groups(self) -> Iterator[Group]:
        """The groups of lessons."""
        for head, drafts in self._groups:
            if head.title != WORDS_GROUP:
                systems = tuple(text for mark, text in head.lines if mark == "system: ")
                yield Group(head.title, systems, tuple(_lesson(head.title, one) for one in drafts))

    def word_lists(self) -> Iterator[WordList]:
        """The word lists."""
        for head, drafts in self._groups:
            if head.title == WORDS_GROUP:
                yield from map(_word_list, drafts)


def _lesson(group: str, draft: _Draft) -> Lesson:
    options = {mark: text for mark, text in draft.lines if mark in ("weight: ", "unless ")}
    turns = tuple(_turns(line for line in draft.lines if line[0] not in options))
    if not turns:
        raise LessonError(f"the lesson {draft.title!r} has no answer")
    unless = options["unless "].strip("{}") if "unless " in options else None
    return Lesson(group, draft.title, turns, float(options.get("weight: ", 1)), unless)


def _turns(lines: Iterator[tuple[str, str]]) -> Iterator[Turn]:
    """A turn is phrasings, then answers; the next phrasing begins the next turn."""
    asked: list[tuple[str, str]] = []
    answers: list[list[str]] = []
    gap = next_gap = open_answer = False
    for mark, text in lines:
        if answers and mark in ("- ", "+ "):
            yield _turn(asked, answers, gap)
            asked, answers, gap, next_gap = [], [], next_gap, False
        if mark in ("- ", "+ "):
            asked.append((mark, text))
        elif mark == "> " and open_answer:
            answers[-1].append(text)
        elif mark == "> ":
            answers.append([text])
        next_gap |= mark == "..."
        open_answer = mark == "> "
    if answers:
        yield _turn(asked, answers, gap)


def _turn(asked: list[tuple[str, str]], answers: list[list[str]], gap: bool) -> Turn:
    return Turn(
        phrasings=tuple(text for mark, text in asked if mark == "- "),
        held_out=tuple(text for mark, text in asked if mark == "+ "),
        answers=tuple("\n".join(lines) for lines in answers),
        after_gap=gap,
    )


def _word_list(draft: _Draft) -> WordList:
    names = tuple(name.strip() for name in draft.title.split(","))
    rows = {mark: list(_rows(draft, mark)) for mark in ("- ", "+ ")}
    invented = sum(int(text) for mark, text in draft.lines if mark == "invented: ")
    rows["- "] += [(word,) for word in invent(invented, draft.title)]
    if wrong := [row for row in (*rows["- "], *rows["+ "]) if len(row) != len(names)]:
        raise LessonError(f"the words {draft.title!r} have a row of another length: {wrong[0]}")
    copied = ("copied", "") in draft.lines
    return WordList(names, tuple(rows["- "]), tuple(rows["+ "]), copied)


def _rows(draft: _Draft, wanted: str) -> Iterator[tuple[str, ...]]:
    for mark, text in draft.lines:
        if mark == wanted:
            for row in text.split(" | "):
                yield tuple(word.strip() for word in row.split(","))


def invent(count: int, seed: str) -> list[str]:
    """Words that exist in no language, the same for a seed: they cannot be learnt by heart."""
    rng = random.Random(seed)
    return [
        "".join(rng.choices(SYLLABLES, k=rng.randint(1, 3))).capitalize() + rng.choice(SYLLABLE_ENDS)
        for _ in range(count)
    ]


def _with_inherited_phrasings(book: Book) -> Iterator[Group]:
    """Lessons under a system prompt ask what the ordinary lesson of the same title asks."""
    by_title = {lesson.title: lesson for lesson in book.ordinary}
    for group in book.groups:
        lessons = tuple(
            _inherit(lesson, by_title.get(lesson.title)) if group.systems else lesson
            for lesson in group.lessons
        )
        yield replace(group, lessons=lessons)


def _inherit(lesson: Lesson, model: Lesson | None) -> Lesson:
    if model is None or lesson.turns[0].phrasings:
        return lesson
    asked = replace(
        lesson.turns[0],
        phrasings=model.turns[0].phrasings,
        held_out=model.turns[0].held_out,
    )
    return replace(lesson, turns=(asked,))


def _with_held_out_words(book: Book, text: str) -> list[str]:
    """The text with every held-out word in its slots; slots without such words stay."""
    texts = [text]
    for words in book.lists_for(text):
        rows = words.held_out or (tuple(f"{{{name}}}" for name in words.names),)
        texts = [
            phrasing.fill(one, dict(zip(words.names, row, strict=True))) for one in texts for row in rows
        ]
    return texts


def overlaps(book: Book) -> list[str]:
    """Held-out texts that training shows too, in any case, punctuation, affix or with one typo."""
    patterns = {pattern for lesson in book.lessons for turn in lesson.turns for pattern in turn.phrasings}
    trained = {
        core
        for pattern in patterns
        for text in phrasing.expand(pattern)
        for framed in (text, *phrasing.reframed(text))
        for core in phrasing.cores(framed)
    }
    slots_of = _slots_of_words(book)
    return [
        f"{lesson.title}: {text}"
        for lesson in book.lessons
        for turn in lesson.turns
        for pattern in turn.held_out
        for text in phrasing.expand(pattern)
        if _is_shown(text, trained)
        or any(
            template in trained
            for filled in _with_held_out_words(book, text)
            for core in phrasing.cores(filled)
            for template in _templates(core, slots_of)
        )
    ]


def _is_shown(text: str, trained: set[str]) -> bool:
    """Whether training shows the text, slots unfilled, as it is or with one typo."""
    return any(
        core in trained or any(before in trained for before in phrasing.one_typo_before(core))
        for core in phrasing.cores(text)
    )


def _slots_of_words(book: Book) -> dict[str, set[str]]:
    """The slots that each training word fills."""
    found: dict[str, set[str]] = {}
    for words in book.word_lists:
        for row in words.rows:
            for name, word in zip(words.names, row, strict=True):
                found.setdefault(phrasing.normalise(word), set()).add(name)
    return found


def _templates(core: str, slots_of: dict[str, set[str]], most: int = 2) -> set[str]:
    """The text, and the text with up to `most` training words replaced by slots they fill."""
    words = core.split()
    found = {core}
    for start in range(len(words) if most else 0):
        for end in range(start + 1, min(start + 4, len(words)) + 1):
            for name in slots_of.get(" ".join(words[start:end]), ()):
                template = " ".join((*words[:start], f"{{{name}}}", *words[end:]))
                found |= _templates(template, slots_of, most - 1)
    return found


def _check(book: Book) -> None:
    """Every turn can be asked, and every answer can be given."""
    known = {name for words in book.word_lists for name in words.names}
    for lesson in book.lessons:
        for turn in lesson.turns:
            if not turn.phrasings:
                raise LessonError(f"{lesson.title!r} has a turn without a training phrasing")
            for pattern in (*turn.phrasings, *turn.held_out):
                if missing := phrasing.slots(pattern) - known:
                    raise LessonError(f"{lesson.title!r} uses {missing}, which no word list fills")
                if pattern.count("(") != pattern.count(")"):
                    raise LessonError(f"{lesson.title!r}: brackets do not match in {pattern!r}")
