"""The loop: read a line, run it or send it, show what comes back."""

import contextlib
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Protocol

from llmchat.chat import Chat
from llmchat.commands import registry
from llmchat.commands.attachments import attach, described
from llmchat.commands.compact import offer
from llmchat.commands.lab import summary
from llmchat.config.macros import NONE
from llmchat.errors import AnswerError, LlmchatError, UsageError
from llmchat.input.attachments import dropped, mentioned
from llmchat.input.lines import Line, as_typed, is_command, is_farewell, message, shell_line
from llmchat.input.shell_output import in_shell
from llmchat.interruptions import Suspension, ctrl_c, ending
from llmchat.lab.run import Run, choices
from llmchat.messages import Message
from llmchat.registry import Ask, Continue, Edit, Perform, Quit, Result, Send, SendAll, SendLanes, Steps
from llmchat.sampling import Sampling
from llmchat.store.answers import json_line
from llmchat.structured import fault, form_of
from llmchat.terminal.screen import Screen
from llmchat.titles import Titles
from llmchat.turn import Turn
from llmchat.wire.deltas import Notice

_PATIENCE = 0.5
"""Seconds between two looks at lanes that are not shown."""


class Reader(Protocol):
    """Where lines come from: the prompt, or a test."""

    def read(self, default: str = "") -> Line:
        """A line. Raises EOFError at the end, KeyboardInterrupt for Ctrl-C on an empty line."""
        ...

    def ask(self, question: str, hidden: bool = False) -> str:
        """The answer to a question; "" when there is none."""
        ...

    def edit(self, text: str) -> str:
        """What the user makes of a text in an editor; raises UsageError when there is none."""
        ...

    def replying(self) -> AbstractContextManager[Suspension]:
        """While a reply streams; Ctrl-Z waits for its next frame."""
        ...


class Repl:
    """One session: `run` reads and answers until the user leaves, then ends what the chat started.

    `stopped` says whether Ctrl-C has ended the last turn. With `json`, each answer is shown as a record.
    """

    def __init__(self, chat: Chat, reader: Reader, screen: Screen, *, json: bool = False) -> None:
        self._chat = chat
        self._reader = reader
        self._screen = screen
        self._titles = Titles(chat)
        self._answer_with = record if json else answer
        self._answer_lanes_with = records if json else several
        self._names_files = True
        self._given_back = ""
        self.stopped = False

    def run(self, first: Iterable[Line] = ()) -> None:
        """Answer the `first` lines, then read and answer until the user leaves."""
        with contextlib.closing(self._chat):
            self._warn()
            for given in first:
                self._screen.text(f"> {begun(given)}")
                if self._answer(given) is Quit:
                    return
            while (line := self._read()) is not None:
                if line.text.strip() and self._answer(line) is Quit:
                    return

    def _read(self) -> Line | None:
        """A line; None when the user leaves. What was given back stands in it already."""
        given_back, self._given_back = self._given_back, ""
        try:
            with self._titles.while_idle():
                return self._reader.read(given_back)
        except KeyboardInterrupt:
            self._screen.note("Ctrl-D or /exit leaves.")
            return Line("")
        except EOFError:
            return None

    def _answer(self, line: Line) -> type[Quit] | None:
        """Run or send a line; `Quit` when it says so."""
        try:
            return self.perform(line)
        except LlmchatError as error:
            self._chat.note_error(error)
            self._screen.error(error)
        except KeyboardInterrupt:
            self._screen.note("Stopped.")
        finally:
            self._warn()
        return None

    def perform(self, line: Line, *, macros: bool = True) -> type[Quit] | None:
        """Run or send a line, which may call a macro; `Quit` when it leaves. Raises LlmchatError."""
        self.stopped = False
        self._names_files = line.names_files
        if is_farewell(line.text):
            return self._show(Quit(f"/exit leaves too; a space before it sends “{line.text.rstrip()}”."))
        if is_command(line, registry.knows):
            return self._show(registry.run(self._chat, line.text, self._chat.macros if macros else NONE))
        if typed := shell_line(line):
            return self._show(in_shell(typed, self._chat, self._screen))
        if line.names_files and (path := dropped(line.text)):
            return self._show(attach(self._chat, path))
        self._ask(message(line.text))
        return None

    def _warn(self) -> None:
        for warning in self._chat.told():
            self._screen.note(warning)

    def _show(self, result: Result) -> type[Quit] | None:
        self._screen.apply(self._chat.preferences)
        match result:
            case Send(Message() as ours, after, sampling, then) if then:
                self._send_ours(self._chat.turn(ours, after, sampling))
                return self._show(then())
            case Send(said, after, sampling):
                self._ask(said, after, sampling)
            case SendAll(questions, after):
                self._send_all(questions, after)
            case SendLanes():
                self._send_lanes(result)
            case Perform(lines):
                return perform_all(self, lines, self._screen)
            case Continue(prefix):
                self._send(self._chat.continuation(prefix))
            case Steps(lines, stop):
                with ctrl_c(stop):
                    for line in lines:
                        self._screen.text(line)
            case Ask(question, then, hidden):
                return self._show(then(self._reader.ask(question, hidden)))
            case Edit(text, then):
                return self._show(then(self._reader.edit(text)))
            case Quit(farewell):
                if farewell:
                    self._screen.note(farewell)
                return Quit
            case None:
                pass
            case _:
                self._screen.show(result)
        return None

    def _ask(
        self, said: str | Message | None, after: int | None = None, sampling: Sampling | None = None
    ) -> None:
        """Send a text with what is attached and with the files that it names, a message as it is.

        None asks the last question again.
        """
        question = self._question(said) if isinstance(said, str) else said
        self._reply(question, after, sampling)

    def _question(self, text: str) -> Message:
        """A text as a message, with what is attached and the files that it names."""
        try:
            named, missing = mentioned(text) if self._names_files else ((), ())
        except UsageError:
            self._given_back = as_typed(text, registry.knows)
            raise
        for name in missing:
            self._screen.note(f"There is no file {name}: @{name} is sent as it is.")
        for one in named:
            self._screen.note(f"With {described(one)}.")
        attachments = self._chat.attached + tuple(one for one in named if one not in self._chat.attached)
        return Message("user", text, attachments=attachments)

    def _reply(
        self, question: Message | None, after: int | None = None, sampling: Sampling | None = None
    ) -> None:
        """Send a message, or the last question again; where `n` asks for several answers, as lanes."""
        if question and (crowded := offer(self._chat, question, after, sampling)):
            self._given_back = as_typed(question.content, registry.knows)
            self._show(crowded)
            return
        if run := choices(self._chat, question, after, sampling):
            self._run(run)
            return
        turn = self._chat.turn(question, after, sampling)
        self._send(turn)
        if turn.committed:
            self._chat.sent(question)
        check(turn)

    def _send_all(self, questions: tuple[Message, ...], after: int) -> None:
        """Send questions in turn, until one is stopped or not answered."""
        place: int | None = after
        for question in questions:
            self._screen.text(f"> {question.shown}")
            turn = self._chat.turn(question, place)
            self._send(turn)
            if turn.stopped or not turn.committed:
                return
            place = None

    def _send_lanes(self, send: SendLanes) -> None:
        """Ask a question once for each lane."""
        question = None if send.question is None else self._question(send.question)
        self._screen.note(send.told)
        self._run(Run(self._chat, question, send.lanes, parallel=send.parallel))

    def _run(self, run: Run) -> None:
        """Ask for several answers; when none came, the question comes back for editing."""
        with ending(run.stop_all):
            try:
                with self._reader.replying() as suspension, ctrl_c(run.stop):
                    self._answer_lanes_with(run, self._screen, suspension)
            finally:
                self.stopped = run.stopped
                if not run.answered and run.question:
                    self._given_back = as_typed(run.question.content, registry.knows)
        if run.answered:
            self._chat.sent(run.question)

    def _send(self, turn: Turn) -> None:
        """Send a turn; when it was not answered, its question comes back for editing."""
        self._given_back = ""
        with ending(turn.stop):
            try:
                with self._reader.replying() as suspension, ctrl_c(turn.stop):
                    self._answer_with(turn, self._screen, suspension)
            finally:
                self.stopped = turn.stopped
                self._chat.meter.learn(turn.found, turn.body, turn.reply)
                if turn.stopped and not turn.committed:
                    self._screen.note("Stopped before an answer came.")
                if not turn.committed and turn.question:
                    self._given_back = as_typed(turn.question.content, registry.knows)

    def _send_ours(self, turn: Turn) -> None:
        """Send a turn whose question nobody has typed: what the user typed comes back, not that."""
        typed = self._given_back
        try:
            self._send(turn)
        finally:
            self._given_back = typed


def begun(line: Line) -> str:
    """The first line of what may be many, and how many more there are."""
    begin, *more = line.text.splitlines()
    return begin + f" … {len(more)} more lines" * bool(more)


def perform_all(repl: Repl, lines: Iterable[str], screen: Screen) -> type[Quit] | None:
    """Run or send the lines of a macro, until one fails, is stopped or leaves."""
    for line in lines:
        screen.note(f"> {line}")
        if repl.perform(Line(line), macros=False) is Quit:
            return Quit
        if repl.stopped:
            return None
    return None


def check(turn: Turn) -> None:
    """Raise AnswerError when an answer that was to be JSON is not of the form that was asked for."""
    form = form_of(turn.sampling)
    if form is None or turn.reply is None or turn.stopped or not turn.committed:
        return
    if wrong := fault(turn.reply.choices[0].content, form):
        raise AnswerError(f"The answer is not as was asked for: {wrong}.", "`/fix` has the model mend it.")


def answer(turn: Turn, screen: Screen, suspension: Suspension) -> None:
    """Show a turn while it arrives, and what is to be said after it, also when it broke."""
    try:
        with turn:
            screen.stream(turn, suspension)
    except LlmchatError:
        screen.after(turn)
        raise
    screen.after(turn)


def several(run: Run, screen: Screen, suspension: Suspension) -> None:
    """Show the lanes of a run while they run, then their answers; raises the error that all have met."""
    with run:
        screen.follow(run, suspension)
    for notice in run.notices:
        screen.note(notice)
    if not run.answered:
        _raise_first(run)
        screen.note("Stopped before an answer came.")
        return
    screen.answers(run.answers)
    screen.table(summary(run.answers))


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
