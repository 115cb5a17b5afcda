"""Sending: a question on its way to the server, and back to the prompt when it was not answered."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from llmchat.answering import answer, check, record, records, several
from llmchat.chat import Chat
from llmchat.commands import registry
from llmchat.commands.attachments import described
from llmchat.commands.compact import offer
from llmchat.errors import UsageError
from llmchat.input.attachments import mentioned
from llmchat.input.lines import as_typed
from llmchat.interruptions import Suspension, ctrl_c, ending
from llmchat.lab.run import Run, choices
from llmchat.messages import Message
from llmchat.results import Result, Send, SendAll, SendLanes
from llmchat.terminal.screen import Screen
from llmchat.turn import Turn

Replying = Callable[[], AbstractContextManager[Suspension]]
"""What surrounds a reply while it streams; Ctrl-Z waits for its next frame."""


class Sender:
    """Sends questions of one chat and has their answers shown; with `json`, each as a record.

    `stopped` says whether Ctrl-C has ended the last turn, `names_files` whether `@PATH` in a text
    names a file that goes with it.
    """

    def __init__(self, chat: Chat, screen: Screen, replying: Replying, *, json: bool = False) -> None:
        self._chat = chat
        self._screen = screen
        self._replying = replying
        self._answer_with = record if json else answer
        self._answer_lanes_with = records if json else several
        self._given_back = ""
        self.names_files = True
        self.stopped = False

    def take_back(self) -> str:
        """The question that was not answered, for editing; "" when there is none. Each only once."""
        given_back, self._given_back = self._given_back, ""
        return given_back

    def send(self, what: Send) -> Result:
        """Send a text with what is attached and with the files that it names, a message as it is.

        Returns what is to happen after it, or in its place when there is no room for it.
        """
        if isinstance(what.text, Message) and what.then:
            self._send_ours(self._chat.turn(what.text, what.after, what.sampling))
            return what.then()
        question = self._question(what.text) if isinstance(what.text, str) else what.text
        if question and (crowded := offer(self._chat, question, what.after, what.sampling)):
            self._give_back(question)
            return crowded
        if run := choices(self._chat, question, what.after, what.sampling):
            self._run(run)
            return None
        turn = self._chat.turn(question, what.after, what.sampling)
        self._send(turn)
        if turn.committed:
            self._chat.sent(question)
        check(turn)
        return None

    def send_all(self, all_of: SendAll) -> None:
        """Send questions in turn, until one is stopped or not answered."""
        place: int | None = all_of.after
        for question in all_of.questions:
            self._screen.results.text(f"> {question.shown}")
            turn = self._chat.turn(question, place)
            self._send(turn)
            if turn.stopped or not turn.committed:
                return
            place = None

    def send_lanes(self, lanes: SendLanes) -> None:
        """Ask a question once for each lane."""
        question = None if lanes.question is None else self._question(lanes.question)
        self._screen.note(lanes.told)
        self._run(Run(self._chat, question, lanes.lanes, parallel=lanes.parallel))

    def go_on(self, prefix: str) -> None:
        """Have the model go on with its last answer."""
        self._send(self._chat.continuation(prefix))

    def _question(self, text: str) -> Message:
        """A text as a message, with what is attached and the files that it names."""
        try:
            named, missing = mentioned(text) if self.names_files else ((), ())
        except UsageError:
            self._given_back = as_typed(text, registry.knows)
            raise
        for name in missing:
            self._screen.note(f"There is no file {name}: @{name} is sent as it is.")
        for one in named:
            self._screen.note(f"With {described(one)}.")
        attachments = self._chat.attached + tuple(one for one in named if one not in self._chat.attached)
        return Message("user", text, attachments=attachments)

    def _run(self, run: Run) -> None:
        """Ask for several answers; when none came, the question comes back for editing."""
        with ending(run.stop_all):
            try:
                with self._replying() as suspension, ctrl_c(run.stop):
                    self._answer_lanes_with(run, self._screen, suspension)
            finally:
                self.stopped = run.stopped
                if not run.answered and run.question:
                    self._give_back(run.question)
        if run.turn:
            self._chat.meter.learn(run.turn.found, run.turn.body, run.turn.reply)
            self._chat.sent(run.question)

    def _send(self, turn: Turn) -> None:
        """Send a turn; when it was not answered, its question comes back for editing."""
        self._given_back = ""
        with ending(turn.stop):
            try:
                with self._replying() as suspension, ctrl_c(turn.stop):
                    self._answer_with(turn, self._screen, suspension)
            finally:
                self.stopped = turn.stopped
                self._chat.meter.learn(turn.found, turn.body, turn.reply)
                if turn.stopped and not turn.committed:
                    self._screen.note("Stopped before an answer came.")
                if not turn.committed and turn.question:
                    self._give_back(turn.question)

    def _send_ours(self, turn: Turn) -> None:
        """Send a turn whose question nobody has typed: what the user typed comes back, not that."""
        typed = self._given_back
        try:
            self._send(turn)
        finally:
            self._given_back = typed

    def _give_back(self, question: Message) -> None:
        self._given_back = as_typed(question.content, registry.knows)
