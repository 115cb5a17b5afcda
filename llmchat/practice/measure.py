"""Measures the practice model in the real llama.cpp server: `python -m llmchat.practice.measure`.

Every phrasing that training never showed is asked at temperature 0 with POST /v1/chat/completions:
alone, and once more as the last turn after one to four unrelated turns. An answer is right when it
equals one of the lesson's answers after white-space normalisation. Exit status 1 when fewer than
60 % of the held-out phrasings are answered rightly, or when training shows one of them.
Needs `pip install xllamacpp gguf requests`.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import gguf
import requests
import xllamacpp  # type: ignore[import-untyped]

from llmchat.practice import lessons, phrasing
from llmchat.practice.dialogue import Dialogues, Message
from llmchat.practice.lessons import DIGEST_KEY, MODEL_FILE, Book, Group, Lesson

NEEDED_SHARE = 0.6
SLOTS = 4
SLOT_CONTEXT = 2048
MOST_TURNS_BEFORE = 4
TRAINED_SAMPLE = 600
MOST_TOKENS = 1500
SECONDS_TO_ANSWER = 120


@dataclass(frozen=True)
class Exam:
    """One question with the messages before it, and the answers that are right."""

    group: str
    messages: tuple[Message, ...]
    answers: tuple[str, ...]


class Examiner:
    """Makes exams of the lessons; the same seed makes the same exams."""

    def __init__(self, book: Book, seed: int) -> None:
        self._book = book
        self._rng = random.Random(seed)
        self._dialogues = Dialogues(book, self._rng)

    def held_out(self, *, after_others: bool = False) -> list[Exam]:
        """One exam for every held-out phrasing of every turn."""
        return [
            self._exam(group, lesson, number, pattern, after_others=after_others)
            for group in self._book.groups
            for lesson in group.lessons
            for number, turn in enumerate(lesson.turns)
            for pattern in turn.held_out
        ]

    def trained(self, count: int) -> list[Exam]:
        """A sample of the training phrasings."""
        places = [
            (group, lesson, number)
            for group in self._book.groups
            for lesson in group.lessons
            for number in range(len(lesson.turns))
        ]
        return [self._exam(*self._rng.choice(places), pattern=None, after_others=False) for _ in range(count)]

    def _exam(
        self, group: Group, lesson: Lesson, number: int, pattern: str | None, *, after_others: bool
    ) -> Exam:
        words = self._dialogues.words_for(lesson, held_out=pattern is not None)
        messages = self._system(group, words)
        needs_previous = any("{previous}" in answer for answer in lesson.turns[0].answers)
        if after_others or needs_previous:
            messages += self._unrelated(group, lesson)
        for turn in lesson.turns[:number]:
            messages.append(Message("user", self._dialogues.question(turn, words)))
            messages.append(Message("assistant", phrasing.fill(turn.answers[0], words)))
        turn = lesson.turns[number]
        asked = phrasing.pick(pattern, self._rng) if pattern is not None else None
        question = phrasing.fill(asked, words) if asked else self._dialogues.question(turn, words)
        words |= {"previous": messages[-1].content if messages else ""}
        answers = tuple(phrasing.fill(answer, words) for answer in turn.answers)
        return Exam(group.title, (*messages, Message("user", question)), answers)

    def _system(self, group: Group, words: dict[str, str]) -> list[Message]:
        if not group.systems:
            return []
        return [Message("system", phrasing.fill(phrasing.pick(group.systems[0], self._rng), words))]

    def _unrelated(self, group: Group, lesson: Lesson) -> list[Message]:
        """One to four turns of other lessons; none tells what the exam may ask for."""
        messages: list[Message] = []
        pool = group.lessons if group.systems else self._book.ordinary
        others = [
            one
            for one in pool
            if len(one.turns) == 1 and one is not lesson and one.unless is None
            if "{previous}" not in one.turns[0].answers[0]
        ]
        for other in self._rng.sample(others, self._rng.randint(1, MOST_TURNS_BEFORE)):
            words = self._dialogues.words_for(other)
            messages.append(Message("user", self._dialogues.question(other.turns[0], words)))
            messages.append(Message("assistant", phrasing.fill(other.turns[0].answers[0], words)))
        return messages


def start_server(model: Path) -> xllamacpp.Server:
    """The llama.cpp server with this model on a free port."""
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model)
    parameters.port = 0
    parameters.n_parallel = SLOTS
    parameters.n_ctx = SLOTS * SLOT_CONTEXT
    parameters.verbosity = -1
    return xllamacpp.Server(parameters)


def reply(address: str, messages: Iterable[Message]) -> str:
    """The server's greedy answer."""
    body = {
        "messages": [{"role": one.role, "content": one.content} for one in messages],
        "temperature": 0,
        "max_tokens": MOST_TOKENS,
    }
    response = requests.post(
        f"{address}/v1/chat/completions",
        data=json.dumps(body),
        headers={"Content-Type": "application/json"},
        timeout=SECONDS_TO_ANSWER,
    )
    response.raise_for_status()
    return str(response.json()["choices"][0]["message"]["content"])


def is_right(said: str, answers: Iterable[str]) -> bool:
    """Whether the reply equals one of the answers, white space apart."""
    return " ".join(said.split()) in {" ".join(answer.split()) for answer in answers}


def hold(address: str, title: str, exams: list[Exam], *, show_wrong: bool) -> float:
    """Ask everything, print the share answered rightly, per group and overall, and return it."""
    with ThreadPoolExecutor(SLOTS) as pool:
        said = list(pool.map(lambda exam: reply(address, exam.messages), exams))
    asked, right = Counter(exam.group for exam in exams), Counter[str]()
    for exam, text in zip(exams, said, strict=True):
        if is_right(text, exam.answers):
            right[exam.group] += 1
        elif show_wrong:
            print(f"  [{exam.group}] {exam.messages[-1].content!r} -> {text[:90]!r}")
    print(f"\n{title}")
    for group, count in asked.items():
        print(f"  {group:32} {right[group]:4} of {count:4}  {right[group] / count:6.1%}")
    share = right.total() / asked.total()
    print(f"  {'together':32} {right.total():4} of {asked.total():4}  {share:6.1%}")
    return share


def lessons_of(model: Path) -> str | None:
    """The digest of the lessons that a model file was trained on."""
    field = gguf.GGUFReader(model).get_field(DIGEST_KEY)
    return None if field is None else str(field.contents())


def hold_all(address: str, examiner: Examiner, *, show_wrong: bool) -> float:
    """Hold the three exams; gives the share of the first, on held-out phrasings."""
    share = hold(address, "held out", examiner.held_out(), show_wrong=show_wrong)
    later = examiner.held_out(after_others=True)
    title = f"held out, after 1 to {MOST_TURNS_BEFORE} unrelated turns"
    hold(address, title, later, show_wrong=False)
    trained = examiner.trained(TRAINED_SAMPLE)
    hold(address, "sample of the training phrasings", trained, show_wrong=False)
    return share


def main() -> int:
    """Check the lessons, hold the exams, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=MODEL_FILE)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--wrong", action="store_true", help="show the wrong answers")
    chosen = parser.parse_args()
    book = lessons.read()
    if overlaps := lessons.overlaps(book):
        print("held out, but trained:", *overlaps, sep="\n  ")
        return 1
    if lessons_of(chosen.model) != book.sha256:
        print("the model was trained on other lessons than these")
    server = start_server(chosen.model)
    examiner = Examiner(book, chosen.seed)
    share = hold_all(server.listening_address, examiner, show_wrong=chosen.wrong)
    return 0 if share >= NEEDED_SHARE else 1


if __name__ == "__main__":
    raise SystemExit(main())
