"""What several answers have in common: what sets each apart, how alike they are, where two of them part."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from llmchat.amounts import counted
from llmchat.lab.logprobs import mean_logprob
from llmchat.parameter import show
from llmchat.store.answers import Answer

# Chinese, Japanese and Korean are written without spaces: there a character counts as a word.
_CJK = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
# Not compiled here, since that takes long; `re` remembers them.
_WORD = rf"[{_CJK}]|[^\W{_CJK}]+(?:['’]\w+)?"
_PIECE = rf"(?:{_WORD}|\S)\s*|\s+"

Change = Literal["same", "gone", "new"]


@dataclass(frozen=True, slots=True)
class Measures:
    """An answer in numbers: its words, the share of them that differ from each other (0 to 1), how
    like the first answer it is (0 to 1), its mean log-probability, and the numbers of the answers
    with the very same text."""

    words: int
    distinct: float | None
    likeness: float
    mean_logprob: float | None
    same_as: tuple[int, ...]


def words(text: str) -> list[str]:
    """The words of a text, in lower case."""
    return [word.lower() for word in re.findall(_WORD, text)]


def measured(answers: Sequence[Answer]) -> list[Measures]:
    """Each answer in numbers; an answer without a text is like no other."""
    said = [answer.message.content.strip() for answer in answers]
    split = [words(text) for text in said]
    same: dict[str, tuple[int, ...]] = {}
    for answer, text in zip(answers, said, strict=True):
        same[text] = (*same.get(text, ()), answer.number)
    return [
        Measures(
            words=len(mine),
            distinct=len(set(mine)) / len(mine) if mine else None,
            likeness=1.0 if text == said[0] and text else likeness(split[0], mine),
            mean_logprob=mean_logprob(answer.message),
            same_as=tuple(n for n in same[text] if n != answer.number) if text else (),
        )
        for answer, text, mine in zip(answers, said, split, strict=True)
    ]


def likeness(one: Sequence[str], other: Sequence[str]) -> float:
    """How alike two sequences of words are, from 0 to 1 (`difflib`)."""
    if not one or not other:
        return 0.0
    return difflib.SequenceMatcher(None, one, other).ratio()


def word_difference(old: str, new: str) -> list[tuple[Change, str]]:
    """The new text in runs of words that are the same, and those that are gone or new between them."""
    olds, news = re.findall(_PIECE, old), re.findall(_PIECE, new)
    matcher = difflib.SequenceMatcher(None, [p.strip() for p in olds], [p.strip() for p in news], False)
    runs: list[tuple[Change, str]] = []
    for tag, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        if tag == "equal":
            runs.append(("same", "".join(news[new_from:new_to])))
            continue
        parts: tuple[tuple[Change, list[str]], ...] = (
            ("gone", olds[old_from:old_to]),
            ("new", news[new_from:new_to]),
        )
        runs += [(change, "".join(pieces)) for change, pieces in parts if pieces]
    return runs


def differences(asked: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Of each mapping, the names whose values are not the same in all; None for what one lacks."""
    names = list(dict.fromkeys(name for each in asked for name in each))
    apart = [name for name in names if any(each.get(name) != asked[0].get(name) for each in asked)]
    return [{name: each.get(name) for name in apart} for each in asked]


def compared(answers: Sequence[Answer]) -> tuple[Answer, ...]:
    """The answers, each with what sets it apart: server, model, parameters."""
    apart = differences([asked_with(answer) for answer in answers])
    return tuple(replace(answer, differs=each) for answer, each in zip(answers, apart, strict=True))


def asked_with(answer: Answer) -> dict[str, Any]:
    """What an answer was asked of and with, by name; how many were asked for at once changes none of them."""
    parameters = {name: value for name, value in answer.parameters.items() if name != "n"}
    return {"server": answer.request.server, "model": answer.request.model, **parameters}


def label(number: int, differs: Mapping[str, Any]) -> str:
    """The head of an answer: its number and what sets it apart."""
    return " · ".join([str(number), *(f"{name} {shown(value)}" for name, value in differs.items())])


def shown(value: Any) -> str:
    """A value as people write it, on one line."""
    return "not sent" if value is None else " ".join(show(value).split())


def foot(answer: Answer) -> str:
    """How an answer went, on one line: tokens, time, speed, and why it ended."""
    request = answer.request
    parts = []
    # For several choices some servers count the tokens of all, llama.cpp those of one.
    usage = request.usage if len(request.finish_reasons) < 2 else None
    if tokens := usage.completion if usage else answer.pieces:
        parts.append(f"{'' if usage else '~'}{counted(tokens, 'token')}")
    if request.seconds is not None and not request.error:
        parts.append(f"{request.seconds:.1f} s")
    if request.timings.tokens_per_second:
        parts.append(f"{request.timings.tokens_per_second:,.0f} tokens/s")
    ended = answer.finish_reason if answer.message.state == "complete" else answer.message.state
    ended = ended if answer.message.content.strip() else "no answer"
    return " · ".join([*parts, *([ended] if ended and not request.error else [])])
