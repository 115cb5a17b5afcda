"""How the answer to a question is shown while it comes: at a terminal or as text, or as JSON records."""

from llmchat.commands.lab import summary
from llmchat.errors import AnswerError, LlmchatError
from llmchat.interruptions import Suspension
from llmchat.lab.run import Run
from llmchat.results import SideBySide
from llmchat.store.answers import json_line
from llmchat.structured import fault, form_of
from llmchat.terminal.screen import Screen
from llmchat.turn import Turn
from llmchat.wire.deltas import Notice

_PATIENCE = 0.5
"""Seconds between two looks at lanes that are not shown."""


def check(turn: Turn) -> None:
    """Raise AnswerError when an answer that was to be JSON is not of the form that was asked for."""
    form = form_of(turn.sampling)
    if form is None or turn.reply is None or turn.stopped or not turn.committed:
        return
    if wrong := fault(turn.reply.choices[0].content, form):
        raise AnswerError(f"The answer is not as was asked for: {wrong}.", "`/fix` has the model mend it.")


def answer(turn: Turn, screen: Screen, suspension: Suspension) -> None:
    """Show a turn while it arrives, and what is to be said after it; when it broke, the error says it."""
    try:
        with turn:
            screen.replies.stream(turn, suspension)
    except LlmchatError as error:
        if turn.committed:
            screen.beside(turn)
            error.hint = " ".join(filter(None, [error.hint, *turn.ending.remarks()]))
        raise
    if turn.committed:
        screen.beside(turn)
        screen.after(turn)


def several(run: Run, screen: Screen, suspension: Suspension) -> None:
    """Show the lanes of a run while they run, then their answers; raises the error that all have met."""
    with run:
        screen.replies.follow(run, suspension)
    for notice in run.notices:
        screen.note(notice)
    if not run.answered:
        _raise_first(run)
        screen.note("Stopped before an answer came.")
        return
    screen.show(SideBySide(run.answers, summary(run.answers)))


def records(run: Run, screen: Screen, suspension: Suspension) -> None:
    """Write the answer of each lane as a JSON record as soon as it is there, in the order of the lanes."""
    written = 0
    with run:
        while not run.ended:
            run.wait(_PATIENCE)
            if suspension.due:
                suspension.take()
            for answer in run.answers_in_order[written:]:
                screen.data(json_line(answer))
                written += 1
    for notice in run.notices:
        screen.note(notice)
    if not run.answered:
        _raise_first(run)


def _raise_first(run: Run) -> None:
    """Raise the first error that a lane has met."""
    for error in filter(None, (lane.error for lane in run.lanes)):
        raise error


def record(turn: Turn, screen: Screen, suspension: Suspension) -> None:
    """Write what came of a turn as JSON records, one a choice, also when it broke after some text."""
    try:
        with turn:
            while not turn.ended:
                for delta in turn.wait():
                    if isinstance(delta, Notice):
                        screen.note(delta.text)
                if suspension.due:
                    suspension.take()
    finally:
        if turn.committed:
            for each in turn.answers:
                screen.data(json_line(each))
