"""Commands about how sure the model was: each token's probability, its alternatives, another way on."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llmchat.amounts import counted, number_in
from llmchat.chat import Chat
from llmchat.commands.parameters import set_, told
from llmchat.commands.places import messages, numbered
from llmchat.errors import UsageError
from llmchat.lab.logprobs import Alternative, Token, mean_logprob, tokens
from llmchat.messages import Node
from llmchat.params import param
from llmchat.registry import NOTHING, Choice, Group, Rest
from llmchat.results import Continue, Result, Styled, Table
from llmchat.wire.servers import KINDS

group = Group("How sure the model was")
command = group.command

_ALTERNATIVES = 5
"""How many `/logprobs on` asks for."""

# From which probability on, in which style, and what says so without colour.
_LEVELS = ((0.9, "", ""), (0.5, "sure.fairly", ""), (0.2, "sure.little", "?"), (0.0, "sure.least", "??"))
_SMALL = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_NUMBERED = 10  # every tenth token has its number, however sure the model was
_AROUND = 20  # characters of the text on both sides of a token
_ON = param("logprobs").name
_TOP = param("top_logprobs").name


def _switch(_: Chat) -> Iterator[Choice]:
    yield Choice("on", f"with {_ALTERNATIVES} alternatives to each token")
    yield Choice("off", "not sent")
    yield Choice("default", "as if it had not been set")


@command(examples=("/logprobs on", "/logprobs 10", "/logprobs off"), how=_switch)
def logprobs(chat: Chat, how: Rest = NOTHING) -> Result:
    """Whether the reply carries each token's log-probability.

    `on` asks for 5 alternatives to each token too, a number for that many. `/tokens` shows them.
    """
    word = how.lower()
    number = number_in(word)
    if word not in ("on", "off") and number is None:
        return set_(chat, Rest(f"{_ON} {how}".strip()))
    if word == "off":
        chat.tune(chat.sampling.without(_ON).without(_TOP))
        return f"{_ON} is off."
    many = _ALTERNATIVES if number is None else number
    chat.tune(chat.sampling.with_value(_ON, True, "command").with_value(_TOP, many, "command"))
    found = chat.connection.found_so_far()
    others = "" if found is None or param(_ON).honoured_by(found.kind.name) else f"\n{_who_tells()}"
    return f"{told(chat, _ON)}\n{told(chat, _TOP)}{others}"


@command(examples=("/tokens", "/tokens 2"), number=messages)
def tokens_(chat: Chat, number: str = "") -> Result:
    """Show how sure the model was of each token.

    That is of the last answer, or of message `number`. The less sure it was, the stronger the colour;
    small numbers name the tokens for `/alt`, question marks say the same without colour.
    """
    node = numbered(chat, number) if number else chat.last("assistant")
    known = _tokens(chat, node)
    perplexity = math.exp(-(mean_logprob(node.message) or 0.0))
    legend = [piece for _, *level in _LEVELS for piece in _legend(*level)]
    count = counted(len(known), "token")
    end = f"\n{count}, perplexity {perplexity:.2f}. `/alt 7` lists what else could stand at ⁷."
    return Styled(
        (*_pieces(node.message.content.rstrip(), known), ("\n\n", ""), *legend, (end, "sure.number"))
    )


@command(examples=("/alt 3", "/alt 3 2", '/alt 3 "perhaps"'))
def alt(chat: Chat, token: str, word: Rest = NOTHING) -> Result:
    """List what else could stand at a token, or go on with it.

    `token` is a number of `/tokens` in the last answer; `word` a number of the list, or any text.
    The model goes on from there, and the whole stands beside the earlier answer.
    """
    node = chat.last("assistant")
    known = _tokens(chat, node)
    number = number_in(token) or 0
    if not 1 <= number <= len(known):
        raise UsageError(f"There is no token {token}.", f"There are {len(known)}; `/tokens` shows them.")
    place = known[number - 1]
    if not word:
        return _alternatives(node, number, place)
    if not chat.continues:
        raise UsageError(
            "This server is not known to go on with an answer that has begun.",
            f"Known to do it: {', '.join(kind.title for kind in KINDS if kind.continues is not None)}.",
        )
    return Continue(node.message.content[: place.start] + _chosen(place, word))


def _tokens(chat: Chat, node: Node) -> tuple[Token, ...]:
    """The tokens of a message; raises UsageError that says how to get them."""
    known = tokens(node.message)
    if known:
        return known
    request = chat.keeping.do(lambda store: store.request(chat.keeping.id, node.number))
    if request and request.chosen.get(_ON) and node.message.role == "assistant":
        raise UsageError(f"The server told no log-probabilities for message {node.number}.", _who_tells())
    raise UsageError(
        f"Message {node.number} came without log-probabilities.", f"`/{_ON} on`, then `/regen` asks again."
    )


def _who_tells() -> str:
    titles = [kind.title for kind in KINDS if param(_ON).honoured_by(kind.name)]
    return f"Known to tell them: {', '.join(titles)}."


@dataclass
class _Place:
    """Tokens `first` to `last` of a reply; several where they share a character."""

    first: int
    last: int
    start: int
    end: int
    probability: float


def _places(known: Sequence[Token]) -> list[_Place]:
    places: list[_Place] = []
    for number, token in enumerate(known, 1):
        if places and token.start < places[-1].end:
            places[-1].last = number
            places[-1].end = max(places[-1].end, token.end)
            places[-1].probability *= token.probability
        else:
            places.append(_Place(number, number, token.start, token.end, token.probability))
    return places


def _pieces(content: str, known: Sequence[Token]) -> Iterator[tuple[str, str]]:
    """The text with the style of each token, and the numbers of those that one may want to change."""
    at = 0
    for place in _places(known):
        yield content[at : place.start], ""
        yield from _piece(content[place.start : place.end], place)
        at = place.end
    yield content[at:], ""


def _piece(text: str, place: _Place) -> Iterator[tuple[str, str]]:
    style, sign = next((style, sign) for least, style, sign in _LEVELS if place.probability >= least)
    if not style and place.first % _NUMBERED:
        yield text, style
        return
    body = text.rstrip("\n")
    numbers = f"{place.first}" if place.first == place.last else f"{place.first}-{place.last}"
    yield ("␣" * len(body) if body.isspace() else body or "⏎"), style
    yield numbers.translate(_SMALL) + sign, style or "sure.number"
    yield text[len(body) :], ""


def _legend(style: str, sign: str) -> Iterator[tuple[str, str]]:
    least = next(least for least, known, _ in _LEVELS if known == style)
    yield f"from {100 * least:.0f} %" if least else "less", style
    yield "⁷" + sign if style else "", style
    yield "   ", ""


def _alternatives(node: Node, number: int, place: Token) -> Table:
    listed = place.alternatives or (Alternative(place.text, place.logprob),)
    rows = [
        ("*" if other.text == place.text else "", str(n), _quoted(other), _percent(other.probability))
        for n, other in enumerate(listed, 1)
    ]
    content = node.message.content
    around = content[max(0, place.start - _AROUND) : place.start], content[place.end : place.end + _AROUND]
    before, after = (" ".join(text.split("\n")) for text in around)
    middle = json.dumps(content[place.start : place.end], ensure_ascii=False)[1:-1]
    caption = f"…{before}»{middle}«{after}…\n"
    if not place.alternatives:
        caption += (
            f"The server told no others; `/{_ON} {_ALTERNATIVES}` asks for them from the next reply on.\n"
        )
    caption += f'`/alt {number} 2` goes on with the second, `/alt {number} "word"` with a word.'
    return Table(("", "", "token", "probability"), tuple(rows), caption)


def _percent(probability: float) -> str:
    return f"{100 * probability:.1f} %" if probability >= 0.001 else "< 0.1 %"


def _quoted(other: Alternative) -> str:
    """A token as it can be typed."""
    return json.dumps(other.text, ensure_ascii=False) if other.text else "(the end)"


def _chosen(place: Token, word: str) -> str:
    """The text to go on with: an alternative by its number, or what was typed.

    A word takes over the blank before the token whose place it takes.
    """
    if word.isdecimal():
        number = number_in(word) or 0
        if not 1 <= number <= len(place.alternatives):
            raise UsageError(
                f"There is no alternative {word}.",
                f"There are {len(place.alternatives)}; quotes make it a text.",
            )
        other = place.alternatives[number - 1]
        if not other.text or not other.whole:
            what = "is only a part of a character" if other.text else "ends the answer"
            raise UsageError(f"Alternative {word} {what}.", "Take another, or type a word.")
        return other.text
    typed = _unquoted(word)
    listed = any(other.text == typed for other in place.alternatives)
    return f" {typed}" if place.text.startswith(" ") and typed[:1].isalnum() and not listed else typed


def _unquoted(word: str) -> str:
    if len(word) < 2 or not (word[0] == word[-1] == '"'):
        return word
    try:
        return str(json.loads(word))
    except ValueError:
        return word[1:-1]
