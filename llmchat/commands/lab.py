"""Commands about several answers to one question: what a parameter, a model or a server makes of it."""

from collections.abc import Iterator, Sequence

from llmchat import params
from llmchat.chat import Chat
from llmchat.commands.grid import grid_of, with_seed
from llmchat.comparison import Measures, label, measured
from llmchat.lab import Lane
from llmchat.registry import Ask, Choice, Group, Rest, Result, SendLanes, Table
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
def sweep(chat: Chat, values: Rest) -> Result:
    """Ask once for each value of a parameter, side by side.

    It asks the last question, or the one after `--`. With several parameters (`k=v,v k=v,v`) it asks
    for every combination, `seed x5` asks with five seeds, `parallel=4` for four answers at once.
    What you do not name is the same for all, the seed included. `/pick N` goes on from an answer,
    `/diff N M` shows how two differ, `/export FILE.html` (`.csv`, `.json`) writes all of them.
    """
    return planned(chat, values)


def planned(chat: Chat, values: str) -> Result:
    """What a sweep's line makes happen; raises UsageError."""
    grid = grid_of(values, chat.sampling)
    if grid.question is None:
        chat.last("user")
    start, seed = with_seed(chat.sampling, grid.values)
    names = " x ".join(f"{len(tried)} of {name}" for name, tried in grid.values.items())
    told = f"{grid.count} answers: {names}{seed}"
    lanes = tuple(Lane(sampling) for sampling in grid.samplings(start))
    return _sent(SendLanes(lanes, grid.question, grid.parallel, told))


def _sent(lanes: SendLanes) -> Result:
    """The lanes, after a question when there are many."""
    if len(lanes.lanes) <= MANY:
        return lanes

    def agreed(answer: str) -> Result:
        return lanes if answer.strip().lower() in ("y", "yes") else "Nothing was sent."

    return Ask(f"This makes {len(lanes.lanes)} answers. Ask for all of them? [y/N]", agreed)


def summary(answers: Sequence[Answer]) -> Table:
    """What the answers have in common, a row for each."""
    measures = measured(answers)
    probable = any(each.mean_logprob is not None for each in measures)
    heads = ("answer", "words", "distinct", "like 1", *(["log-prob."] if probable else []), "identical to")
    rows = tuple(_row(answer, each, probable) for answer, each in zip(answers, measures, strict=True))
    caption = "The conversation goes on from the first answer; `/pick N` takes another, `/diff N M` compares."
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
