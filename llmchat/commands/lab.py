"""Commands about several answers to one question: what a parameter, a model or a server makes of it."""

import re
from collections.abc import Iterator, Sequence

from llmchat import params
from llmchat.chat import Chat
from llmchat.commands.grid import grid_of, parallel_of, with_seed
from llmchat.commands.models import meant
from llmchat.commands.server import connect
from llmchat.connection import Connection
from llmchat.errors import UsageError
from llmchat.lab.comparison import Measures, label, measured
from llmchat.lab.lane import Lane
from llmchat.lab.run import compared_before
from llmchat.registry import NOTHING, Choice, Group, Rest
from llmchat.results import Ask, Result, SendLanes, SideBySide, Table, is_yes
from llmchat.store.answers import Answer

group = Group("The lab")
command = group.command

MANY = 12
"""More answers than this are asked for only after a question."""


def _sweepable(_: Chat) -> Iterator[Choice]:
    for param in params.PARAMS:
        if param.name != "n":
            yield Choice(param.name, f"{param.bounds}: {param.meaning}")


@command(
    examples=(
        "/sweep temperature 0 0.8 1.2",
        "/sweep temperature=0,0.8 top_p=0.5,1 -- Tell me a joke.",
        "/sweep seed x5",
        "/sweep top_k 1 40 parallel=2",
    ),
    values=_sweepable,
)
def sweep(chat: Chat, values: Rest = NOTHING) -> Result:
    """Ask once for each value of a parameter, side by side.

    It asks the last question, or the one after `--`. With several parameters (`k=v,v k=v,v`) it asks
    for every combination, `seed x5` asks with five seeds, `parallel=4` for four answers at once.
    What you do not name is the same for all, the seed included. `/pick N` goes on from an answer,
    `/diff N M` shows how two differ, `/export sweep FILE.html` (`.csv`, `.json`) writes all of them.
    """
    return planned(chat, values)


def planned(chat: Chat, values: str) -> Result:
    """What a sweep's line makes happen; raises UsageError."""
    grid = grid_of(values, chat.sampling)
    if grid.question is None:
        chat.last("user")
    start, seed = with_seed(chat.sampling, grid.values)
    lanes = tuple(Lane(sampling) for sampling in grid.samplings(start))
    return _sent(SendLanes(lanes, grid.question, grid.parallel, f"{grid}{seed}"))


def _comparable(chat: Chat) -> Iterator[Choice]:
    found = chat.connection.found_so_far()
    for listed in found.models if found else ():
        yield Choice(listed.id, "a model")
    for name in chat.settings.servers:
        yield Choice(f"@{name}", "a server")


@command(
    examples=("/compare", "/compare qwen llama", "/compare qwen @localhost:8080 -- Tell me a joke."),
    targets=_comparable,
)
def compare(chat: Chat, targets: Rest = NOTHING) -> Result:
    """Ask several models or servers, side by side.

    It asks the last question, or the one after `--`. A model is meant by a part of its name, a
    server by `@` and what `/server` takes; a single one is compared with the present one.
    `parallel=2` asks two at once. Without anything it shows the last comparison again.
    """
    if not targets:
        answers = last_compared(chat)
        return SideBySide(answers, summary(answers))
    named, *question = re.split(r"(?:^|\s)--(?:\s|$)", targets, maxsplit=1)
    asked = "".join(question).strip()
    if not asked:
        chat.last("user")
    start, seed = with_seed(chat.sampling.without("n"), {})
    words = [word for word in named.split() if not word.lower().startswith("parallel=")]
    parallel = [parallel_of(word.partition("=")[2]) for word in named.split() if word not in words]
    # All words are looked at before a connection is made.
    models = {word: _model(chat, word) for word in words if not word.startswith("@")}
    lanes = [
        Lane(start, model=models[word]) if word in models else Lane(start, connection=_connection(chat, word))
        for word in dict.fromkeys(words)
    ]
    if not lanes:
        raise UsageError("A comparison needs a model or a server.", _OTHERS)
    if len(lanes) == 1:
        if lanes[0].model == chat.model:
            raise UsageError(f"{chat.model} is the present model: another one is wanted.", _OTHERS)
        lanes = [Lane(start, model=chat.model), *lanes]
    told = f"{len(lanes)} answers{seed}"
    return _sent(SendLanes(tuple(lanes), asked or None, parallel[-1] if parallel else 1, told))


_OTHERS = "`/models` lists the models; `@ADDRESS` is another server."


def last_compared(chat: Chat) -> tuple[Answer, ...]:
    """The answers of the last sweep or comparison of this conversation; raises UsageError without one."""
    answers = compared_before(chat)
    if not answers:
        raise UsageError("Nothing was compared in this conversation.", "`/sweep temperature 0 0.8` does it.")
    return answers


def _model(chat: Chat, word: str) -> str:
    """The model that a word means; raises UsageError when the server lists others only."""
    found = chat.connection.found()
    listed = tuple(known.id for known in found.models) if found else ()
    model = meant(listed, word)
    if listed and model not in listed:
        raise UsageError(f"There is no model {word!r} here.", "`/models` lists them; `--` begins a question.")
    return model


def _connection(chat: Chat, place: str) -> Connection:
    connection = Connection(chat.settings)
    connect(chat, connection, place.removeprefix("@"))
    return connection


def _sent(lanes: SendLanes) -> Result:
    """The lanes, after a question when there are many."""
    if len(lanes.lanes) <= MANY:
        return lanes

    def agreed(answer: str) -> Result:
        return lanes if is_yes(answer) else "Nothing was sent."

    return Ask(f"This makes {len(lanes.lanes)} answers. Ask for all of them? [y/N]", agreed)


def summary(answers: Sequence[Answer]) -> Table:
    """What the answers have in common, a row for each."""
    measures = measured(answers)
    probable = any(each.mean_logprob is not None for each in measures)
    heads = ("answer", "words", "distinct", "like 1", *(["log-prob."] if probable else []), "identical to")
    rows = tuple(_row(answer, each, probable) for answer, each in zip(answers, measures, strict=True))
    caption = (
        "The conversation goes on from the first answer. `/pick N` takes another, `/diff N M` shows how two"
        " differ, `/export sweep FILE.html` writes them all."
    )
    return Table(heads, rows, caption)


def _row(answer: Answer, each: Measures, probable: bool) -> tuple[str, ...]:
    logprob = "" if each.mean_logprob is None else f"{each.mean_logprob:.3f}"
    return (
        label(answer.number, answer.differs),
        f"{each.words:,}",
        "" if each.distinct is None else f"{each.distinct:.0%}",
        f"{each.likeness:.0%}" if each.words else "",
        *([logprob] if probable else []),
        ", ".join(map(str, each.same_as)),
    )
