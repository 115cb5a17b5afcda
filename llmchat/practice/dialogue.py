"""Dialogues: endless random conversations made of the lessons. Pure; standard library only."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from llmchat.practice import phrasing
from llmchat.practice.lessons import Book, Group, Lesson, Turn

NO_SYSTEM_SHARE = 0.5  # conversations without any system prompt
NEUTRAL_SHARE = 0.5  # of the others: a system prompt that changes nothing
IN_CHARACTER_SHARE = 0.7  # questions whose answer the system prompt changes
FIRST_ANSWER_SHARE = 0.4  # one answer leads, so that greedy decoding is stable
AS_TYPED_LOWER_SHARE = 0.35  # names and the like typed in lower case
LOWER_SYSTEM_SHARE = 0.25
MOST_TURNS_IN_A_GAP = 2
LONG_ANSWER = 600  # characters: longer answers come up less often, or they take all the time


@dataclass(frozen=True)
class Message:
    """One message as the server gets it."""

    role: str
    content: str


class Dialogues:
    """Draws conversations from a book of lessons."""

    def __init__(self, book: Book, rng: random.Random) -> None:
        self._book = book
        self._rng = rng
        self._neutral = [group for group in book.groups if group.systems and not group.lessons]
        self._characters = [group for group in book.groups if group.systems and group.lessons]

    def conversation(self) -> Iterator[Message]:
        """A conversation without end; the reader stops when it has enough."""
        group = self._system_group()
        if group is not None:
            yield Message("system", self._system_prompt(group))
        told: dict[str, str] = {}
        while True:
            yield from self._lesson(self._next_lesson(group, told), told)

    def _system_group(self) -> Group | None:
        if self._rng.random() < NO_SYSTEM_SHARE:
            return None
        neutral = self._rng.random() < NEUTRAL_SHARE
        return self._rng.choice(self._neutral if neutral else self._characters)

    def _system_prompt(self, group: Group) -> str:
        text = phrasing.pick(self._choose(group.systems), self._rng)
        text = phrasing.fill(text, self._words(text))
        return text.lower().rstrip(".") if self._rng.random() < LOWER_SYSTEM_SHARE else text

    def _choose(self, patterns: tuple[str, ...]) -> str:
        """A pattern, the ones with more alternatives more often."""
        weights = [min(4, 1 + pattern.count("(")) for pattern in patterns]
        return self._rng.choices(patterns, weights)[0]

    def _next_lesson(self, group: Group | None, told: dict[str, str]) -> Lesson:
        in_character = group is not None and group.lessons
        if group is not None and in_character and self._rng.random() < IN_CHARACTER_SHARE:
            return self._draw(group.lessons, told)
        taken = {lesson.title for lesson in group.lessons} if group is not None else set()
        return self._draw([lesson for lesson in self._book.ordinary if lesson.title not in taken], told)

    def _draw(self, lessons: tuple[Lesson, ...] | list[Lesson], told: dict[str, str]) -> Lesson:
        fitting = [lesson for lesson in lessons if _fits(lesson, told)]
        return self._rng.choices(fitting, [_weight(lesson) for lesson in fitting])[0]

    def _lesson(self, lesson: Lesson, told: dict[str, str]) -> Iterator[Message]:
        words = self.words_for(lesson)
        for turn in lesson.turns:
            if turn.after_gap:
                yield from self._gap(told)
            told.update(words)
            question = self.question(turn, words)
            answer = phrasing.fill(self._answer(turn), {**words, "previous": told.get("previous", "")})
            yield Message("user", question)
            yield Message("assistant", answer)
            told["previous"] = answer

    def _gap(self, told: dict[str, str]) -> Iterator[Message]:
        """Unrelated turns, none of which tells anything that could be asked for."""
        plain = [lesson for lesson in self._book.ordinary if len(lesson.turns) == 1]
        for _ in range(self._rng.randint(0, MOST_TURNS_IN_A_GAP)):
            yield from self._lesson(self._draw(plain, told), told)

    def words_for(self, lesson: Lesson, *, held_out: bool = False) -> dict[str, str]:
        """One row of every word list that the lesson uses."""
        text = " ".join(pattern for turn in lesson.turns for pattern in (*turn.phrasings, *turn.held_out))
        return self._words(text, held_out=held_out)

    def _words(self, text: str, *, held_out: bool = False) -> dict[str, str]:
        words: dict[str, str] = {}
        for one in self._book.lists_for(text):
            row = self._rng.choice(one.held_out if held_out and one.held_out else one.rows)
            typed_lower = one.copied and not held_out
            if typed_lower and self._rng.random() < AS_TYPED_LOWER_SHARE:
                row = tuple(word.lower() for word in row)
            words |= zip(one.names, row, strict=True)
        return words

    def question(self, turn: Turn, words: dict[str, str]) -> str:
        """A training phrasing as somebody may type it; words to be copied keep their case."""
        text = phrasing.pick(self._choose(turn.phrasings), self._rng)
        copied = {name for one in self._book.word_lists if one.copied for name in one.names}
        text = phrasing.fill(text, {name: words[name] for name in words if name not in copied})
        return phrasing.fill(phrasing.augment(text, self._rng), words)

    def _answer(self, turn: Turn) -> str:
        if self._rng.random() < FIRST_ANSWER_SHARE:
            return turn.answers[0]
        return self._rng.choice(turn.answers)


def _fits(lesson: Lesson, told: dict[str, str]) -> bool:
    needs_previous = any("{previous}" in answer for answer in lesson.turns[0].answers)
    return lesson.unless not in told and ("previous" in told or not needs_previous)


def _weight(lesson: Lesson) -> float:
    longest = max(len(answer) for turn in lesson.turns for answer in turn.answers)
    return lesson.weight * min(1.0, LONG_ANSWER / longest)
