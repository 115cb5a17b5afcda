"""Several answers to one question: each on a lane of its own, one after another or at once."""

import secrets
import time
from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from llmchat.chat import Chat
from llmchat.errors import LlmchatError, ServerError
from llmchat.lab.comparison import asked_with, compared, differences
from llmchat.lab.lane import Lane, LaneProgress
from llmchat.messages import Message, State
from llmchat.sampling import Sampling
from llmchat.store.answers import Answer
from llmchat.store.records import Request
from llmchat.turn import Turn
from llmchat.wire.deltas import Delta, Notice, Reasoning, Text
from llmchat.wire.refusal import names_field

TWICE = 1.0
"""Seconds between two Ctrl-C that stop all lanes, at most."""

# llama.cpp complains about n under this name.
_NAMES_OF_N = ("n", "n_cmpl")


class _Asking:
    """One request on its way, and the lanes that its choices are for."""

    def __init__(self, turn: Turn, lanes: Sequence[LaneProgress]) -> None:
        self.turn = turn
        self.lanes = lanes
        self.patience = 0.0
        self.steps = self._steps()

    def _steps(self) -> Generator[list[Delta], None, None]:
        with self.turn:
            while not self.turn.ended:
                yield self.turn.wait(self.patience)


class Run:
    """The lanes of one question: a context manager; `wait` until it has `ended`.

    None asks the last question again. All answers are siblings below one question, which is kept as
    failed when none came. Leaving it puts the head at the first answer, or leaves it where it was.
    With `together`, one request asks for all lanes as its choices (`n`); where the server refuses
    that, or sends fewer, the others are requests of their own. `notices` is what is to be said.
    """

    def __init__(
        self,
        chat: Chat,
        question: Message | None,
        lanes: Sequence[Lane],
        *,
        after: int | None = None,
        parallel: int = 1,
        together: bool = False,
    ) -> None:
        self._chat = chat
        self._parallel = parallel
        self._group = secrets.token_hex(8)
        self._head = chat.conversation.head
        self._after = self._head if after is None else after
        self._asked = chat.last("user").number if question is None else 0
        self._place = chat.conversation
        self._stopped_at = -TWICE
        self._stop_all = False
        self._running: list[_Asking] = []
        self.question = question
        self.lanes = [LaneProgress(number, lane) for number, lane in enumerate(lanes, 1)]
        self.differs = differences([lane.asked_with(chat) for lane in lanes])
        self.notices: list[str] = []
        self.ended = False
        self.seen = False
        """Whether the lanes are shown while they run."""
        self.turn: Turn | None = None
        """What brought the first answer; None before the end, and when there is none."""
        self._waiting = deque([self.lanes] if together else [[lane] for lane in self.lanes])

    def __enter__(self) -> Self:
        if self.question is not None:
            keeping = self._chat.keeping
            entry = keeping.begin(self._after, replace(self.question, state="in progress"))
            self._chat.conversation = keeping.grown(entry)
            self._asked = entry.question_number
        self._place = self._chat.conversation.at(self._asked)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for asking in self._running:
            asking.steps.close()
            self._end(asking, None)
        for connection in {lane.plan.connection for lane in self.lanes}:
            if connection and connection is not self._chat.connection:
                connection.close()
        self._settle()

    def wait(self, timeout: float) -> None:
        """Take in what has come, waiting up to `timeout` seconds for it; begin what may begin."""
        while self._waiting and len(self._running) < self._parallel and not self._stop_all:
            self._running.append(self._begin(self._waiting.popleft()))
        for asking in list(self._running):
            asking.patience = timeout / len(self._running)
            self._step(asking)
        if self._stop_all:
            self._waiting.clear()
        self.ended = not (self._running or self._waiting)

    def stop(self) -> None:
        """End the lanes that run; all where nobody sees them run, or when called twice within a second.

        Safe in a signal handler.
        """
        now = time.monotonic()
        self._stop_all = self._stop_all or not self.seen or now - self._stopped_at < TWICE
        self._stopped_at = now
        for asking in tuple(self._running):
            asking.turn.stop()

    def stop_all(self) -> None:
        """End all lanes; safe in a signal handler."""
        self._stop_all = True
        self.stop()

    @property
    def stopped(self) -> bool:
        """Whether the user has stopped all lanes."""
        return self._stop_all

    @property
    def answers(self) -> tuple[Answer, ...]:
        """The lanes that have ended, each with what sets it apart from all that were wanted."""
        ended = [lane.answer for lane in self.lanes if lane.answer]
        return tuple(replace(a, differs=self._differs(a)) for a in ended)

    @property
    def answers_in_order(self) -> tuple[Answer, ...]:
        """Those of them before which none is missing: their records can be written."""
        return tuple(a for number, a in enumerate(self.answers, 1) if a.number == number)

    def _differs(self, answer: Answer) -> dict[str, Any]:
        asked = asked_with(answer)
        return {name: asked.get(name) for name in self.differs[answer.number - 1]}

    @property
    def answered(self) -> bool:
        """Whether there is any answer."""
        return any(lane.answer and _says(lane.answer) for lane in self.lanes)

    def _begin(self, lanes: Sequence[LaneProgress]) -> _Asking:
        plan = lanes[0].plan
        for each in lanes:
            each.state = "running"
        turn = Turn(
            self._chat,
            self._place,
            sampling=plan.sampling,
            connection=plan.connection,
            model=plan.model,
            group=self._group,
            lane=lanes[0].number,
        )
        return _Asking(turn, lanes)

    def _step(self, asking: _Asking) -> None:
        """One look at a request; what it ends with ends its lanes."""
        try:
            for delta in next(asking.steps):
                self._take(asking, delta)
        except StopIteration:
            self._running.remove(asking)
            self._end(asking, None)
        except LlmchatError as error:
            self._chat.note_error(error)
            self._running.remove(asking)
            self._end(asking, error)

    def _take(self, asking: _Asking, delta: Delta) -> None:
        if isinstance(delta, Notice) and delta.text not in self.notices:
            self.notices.append(delta.text)
        elif isinstance(delta, Text | Reasoning) and delta.choice < len(asking.lanes):
            asking.lanes[delta.choice].take(delta)

    def _end(self, asking: _Asking, error: LlmchatError | None) -> None:
        answers = {answer.choice: answer for answer in asking.turn.answers}
        missing = []
        for choice, lane in enumerate(asking.lanes):
            lane.state, lane.error, lane.turn = "ended", error, asking.turn
            lane.answer = answers.get(choice) or _no_answer(self._chat, asking.turn, lane, error)
            lane.answer = replace(lane.answer, number=lane.number, choice=choice, pieces=lane.tokens)
            missing += [lane] if choice not in answers else []
        if missing and len(asking.lanes) > 1 and not asking.turn.stopped and _ask_apart(error):
            self._ask_apart(missing, error)

    def _ask_apart(self, lanes: Sequence[LaneProgress], error: LlmchatError | None) -> None:
        """Let these lanes, which one request did not bring, be requests of their own."""
        n = len(self.lanes)
        why = f"refuses n = {n}" if error else f"takes no notice of n = {n}"
        self.notices.append(f"The server {why}: the answers are asked for one by one.")
        for lane in lanes:
            sampling = lane.plan.sampling.without("n")
            seed = sampling.get("seed")
            if seed and seed.value >= 0 and lane.number > 1:
                sampling = sampling.with_value("seed", seed.value + lane.number - 1, seed.origin)
            lane.plan = replace(lane.plan, sampling=sampling)
            lane.state, lane.error, lane.answer = "waiting", None, None
            self._waiting.append([lane])

    def _settle(self) -> None:
        """Note what became of the question, and go on from the first answer, as from the last reply."""
        from llmchat.store.writing import Entry

        chat = self._chat
        if self.question is not None:
            state: State = "complete" if self.answered else "failed"
            question = replace(self.question, state=state)
            entry = Entry(chat.keeping.id, self._after, question, question_number=self._asked)
            chat.keeping.write(entry, ended=True)
            chat.conversation = chat.keeping.grown(entry)
        first = next((lane for lane in self.lanes if lane.answer and _says(lane.answer)), None)
        if first and first.answer and first.turn:
            self.turn, chat.last_reply = first.turn, first.turn.reply
        chat.go(first.answer.place if first and first.answer else self._head)


def compared_before(chat: Chat, question: int | None = None) -> tuple[Answer, ...]:
    """The answers of the latest comparison, or of the latest about this question; () when there is none."""
    if not chat.keeping.id:
        return ()
    requests = chat.keeping.do(lambda store: store.compared(chat.keeping.id, question))
    answers: dict[int, Answer] = {}
    for request in requests:
        # What was kept before lanes were numbered counts in its order.
        first = request.lane or len(answers) + 1
        # A refusal of `n` was followed by requests of their own.
        if not request.answers and request.chosen.get("n", 1) == 1:
            answers[first] = Answer(request, Message("assistant", "", state="failed"), number=first)
        for choice, place in enumerate(request.answers):
            message = chat.conversation.node(place).message
            answers[first + choice] = Answer(request, message, place, choice, first + choice)
    return compared([answers[number] for number in sorted(answers)])


def choices(chat: Chat, question: Message | None, after: int | None, sampling: Sampling | None) -> Run | None:
    """A run with the `n` choices of one request as its lanes; None when one answer is wanted."""
    sampling = sampling or chat.sampling
    n = sampling.get("n")
    if n is None or n.value < 2:
        return None
    return Run(chat, question, [Lane(sampling)] * n.value, after=after, together=True)


def _says(answer: Answer) -> bool:
    return bool(answer.message.content.strip())


def _ask_apart(error: LlmchatError | None) -> bool:
    """Whether choices that are missing were refused, or not known of."""
    if error is None:
        return True
    return isinstance(error, ServerError) and bool(names_field(error, _NAMES_OF_N))


def _no_answer(chat: Chat, turn: Turn, lane: LaneProgress, error: LlmchatError | None) -> Answer:
    """The answer of a lane that has none: what was asked, and the error."""
    asked = turn.request
    if asked is None:
        connection = lane.plan.connection or chat.connection
        chosen = {name: setting.value for name, setting in lane.plan.sampling.chosen.items()}
        server = connection.address.api if connection.address else ""
        asked = Request(
            server, "", lane.plan.model or chat.model, "{}", chosen=chosen, error=str(error or "")
        )
    return Answer(asked, Message("assistant", "", state="failed"))
