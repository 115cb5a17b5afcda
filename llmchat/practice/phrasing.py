"""Phrasings: from a written pattern to the many ways a person may type it.

A pattern is text with alternatives in round brackets, `(how do|can) i (quit|leave)`, which may be
nested and empty. `{word}` is a slot that a word list fills. Pure; standard library only.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Iterator

INNERMOST = re.compile(r"\(([^()]*)\)")
SLOT = re.compile(r"\{([a-z]+)\}")
NO_CORE = re.compile(r"[^\w+*/{}-]|_")

# fmt: off
NO_REQUEST = {  # how a text begins that is no request: "please" would not fit before it
    "what", "what's", "whats", "who", "where", "when", "why", "how", "which", "is", "are", "am",
    "do", "does", "did", "will", "i", "i'm", "im", "my", "we", "hi", "hello", "hey", "thanks",
    "thank", "good", "yes", "no", "ok",
}
# fmt: on
FRAMES = (  # another way to begin the same question, whatever follows
    (
        re.compile(r"what (is|are) (.+)", re.IGNORECASE),
        (
            "tell me what {1} {0}",
            "do you know what {1} {0}",
            "i want to know what {1} {0}",
            "explain what {1} {0}",
            "what exactly {0} {1}",
            "{1}, what {0} that",
            "i would like to know what {1} {0}",
            "what is meant by {1}",
            "could you explain {1} to me",
            "give me an explanation of {1}",
            "talk about {1}",
            "i have a question about {1}",
        ),
    ),
    (
        re.compile(r"how (?:do i|can i|to) (.+)", re.IGNORECASE),
        (
            "tell me how to {0}",
            "i want to {0}",
            "i need to {0}",
            "is there a way to {0}",
            "show me how to {0}",
            "how should i {0}",
            "how does one {0}",
            "what must i do to {0}",
            "is it possible to {0}",
            "which command do i need to {0}",
            "what should i do if i want to {0}",
            "where do i {0}",
            "can i {0}",
            "i would like to {0}",
            "what do i type to {0}",
            "what is the way to {0}",
        ),
    ),
    (
        re.compile(r"(?:write|show|give)(?: me)? (.+)", re.IGNORECASE),
        (
            "i want {0}",
            "i need {0}",
            "let me see {0}",
            "i want to see {0}",
            "do you have {0}",
            "i would like {0}",
            "could i get {0}",
            "i wish to see {0}",
            "please make {0}",
            "may i have {0}",
        ),
    ),
    (re.compile(r"tell me (.+)", re.IGNORECASE), ("i want to hear {0}", "let me hear {0}")),
)
OPENERS = ("hey, ", "hi, ", "ok, ", "so, ", "and ", "now ", "well, ", "hey ", "ok ", "um, ")
REQUESTS = ("please ", "can you ", "could you ", "can you please ", "could you please ", "now ")
CLOSERS = (" please", ", please", " thanks", " thank you", " now", " then")
ENDINGS = ("?", "?", "?", ".", "!", "??", " ?")

FRAME_SHARE = 0.25
OPENER_SHARE = 0.08
REQUEST_SHARE = 0.22
CLOSER_SHARE = 0.06
ENDING_SHARE = 0.5
TYPO_SHARE = 0.12
SHOUT_SHARE = 0.015
LOWER_SHARE = 0.6


def expand(pattern: str) -> Iterator[str]:
    """Every text that the alternatives of a pattern allow."""
    match = INNERMOST.search(pattern)
    if match is None:
        yield " ".join(pattern.split())
        return
    for choice in match[1].split("|"):
        yield from expand(pattern[: match.start()] + choice + pattern[match.end() :])


def pick(pattern: str, rng: random.Random) -> str:
    """One text that the pattern allows, chosen at random."""
    while match := INNERMOST.search(pattern):
        choice = rng.choice(match[1].split("|"))
        pattern = pattern[: match.start()] + choice + pattern[match.end() :]
    return " ".join(pattern.split())


def fill(text: str, words: dict[str, str]) -> str:
    """The text with every slot that has a word replaced by it; other braces stay."""
    return SLOT.sub(lambda match: words.get(match[1], match[0]), text)


def slots(text: str) -> set[str]:
    """The names between braces."""
    return set(SLOT.findall(text))


def augment(text: str, rng: random.Random) -> str:
    """The text as somebody else would type it: frame, affixes, typo, case, final punctuation."""
    if rng.random() < FRAME_SHARE and (others := list(reframed(text))):
        text = rng.choice(others)
    text = _with_typo(_with_affixes(text, rng), rng)
    if rng.random() < ENDING_SHARE and text[-1].isalnum():
        text += rng.choice(ENDINGS)
    return _with_case(text, rng)


def reframed(text: str) -> Iterator[str]:
    """The same question, begun in other ways."""
    for pattern, templates in FRAMES:
        if match := pattern.fullmatch(text):
            yield from (template.format(*match.groups()) for template in templates)


def _with_affixes(text: str, rng: random.Random) -> str:
    is_request = text.split()[0].lower() not in NO_REQUEST
    if is_request and rng.random() < REQUEST_SHARE:
        text = rng.choice(REQUESTS) + text
    elif rng.random() < OPENER_SHARE:
        text = rng.choice(OPENERS) + text
    if rng.random() < CLOSER_SHARE and text[-1].isalpha():
        text += rng.choice(CLOSERS)
    return text


def _with_typo(text: str, rng: random.Random) -> str:
    """Swap, drop or double one letter inside one longer word."""
    words = text.split(" ")
    longer = [place for place, word in enumerate(words) if len(word) > 4 and word.isalpha()]
    if not longer or rng.random() >= TYPO_SHARE:
        return text
    place = rng.choice(longer)
    word = words[place]
    at = rng.randrange(1, len(word) - 1)
    before, letter, after = word[:at], word[at], word[at + 1 :]
    words[place] = before + rng.choice((after[0] + letter + after[1:], after, letter + letter + after))
    return " ".join(words)


def _with_case(text: str, rng: random.Random) -> str:
    chance = rng.random()
    if chance < SHOUT_SHARE and "{" not in text:
        return text.upper()
    if chance < LOWER_SHARE:
        return text.lower()
    return text[0].upper() + text[1:]


def normalise(text: str) -> str:
    """Lower case, without punctuation or surplus white space; arithmetic signs and slots stay."""
    return " ".join(NO_CORE.sub(" ", text.lower()).split())


OPENER_CORES = tuple({normalise(opener) + " " for opener in (*OPENERS, *REQUESTS)})
CLOSER_CORES = tuple({" " + normalise(closer) for closer in CLOSERS})


def cores(text: str) -> set[str]:
    """The normalised text, as it is and without the openers and closers of `augment`."""
    core = normalise(text)
    found = {core}
    if core.startswith(OPENER_CORES):
        found |= {core.removeprefix(opener) for opener in OPENER_CORES}
    if core.endswith(CLOSER_CORES):
        found |= {one.removesuffix(closer) for one in found for closer in CLOSER_CORES}
    return found


def one_typo_before(text: str) -> Iterator[str]:
    """Every text that one typo of `augment` could have turned into this one."""
    for at in range(1, len(text)):
        before, after = text[:at], text[at:]
        yield from (before + letter + after for letter in string.ascii_lowercase)
        if after[0] == before[-1]:
            yield before + after[1:]
        if len(after) > 1:
            yield before + after[1] + after[0] + after[2:]
