"""The loop: read a line, run it or send it, show what comes back."""

import contextlib
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Protocol

from llmchat.chat import Chat
from llmchat.commands import registry
from llmchat.commands.attachments import attach
from llmchat.config.macros import NONE
from llmchat.errors import LlmchatError
from llmchat.input.attachments import dropped
from llmchat.input.lines import Line, is_command, is_farewell, message, shell_line
from llmchat.input.shell_output import in_shell
from llmchat.interruptions import Suspension, ctrl_c_breaks_off
from llmchat.results import Ask, Continue, Edit, Perform, Quit, Result, Send, SendAll, SendLanes
from llmchat.sending import Sender
from llmchat.terminal.screen import Screen
from llmchat.titles import Titles


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

    With `json`, each answer is shown as a record.
    """

    def __init__(self, chat: Chat, reader: Reader, screen: Screen, *, json: bool = False) -> None:
        self._chat = chat
        self._reader = reader
        self._screen = screen
        self._sender = Sender(chat, screen, reader.replying, json=json)
        self._titles = Titles(chat)

    @property
    def stopped(self) -> bool:
        """Whether Ctrl-C has ended the last turn."""
        return self._sender.stopped

    def run(self, first: Iterable[Line] = ()) -> None:
        """Answer the `first` lines, then read and answer until the user leaves."""
        with contextlib.closing(self._chat):
            self._warn()
            for given in first:
                self._screen.results.text(f"> {begun(given)}")
                if self._answer(given) is Quit:
                    return
            while (line := self._read()) is not None:
                if line.text.strip() and self._answer(line) is Quit:
                    return

    def _read(self) -> Line | None:
        """A line; None when the user leaves. What was given back stands in it already."""
        given_back = self._sender.take_back()
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
            with ctrl_c_breaks_off():
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
        self._sender.stopped = False
        self._sender.names_files = line.names_files
        return self._show(self._result(line, macros=macros))

    def _result(self, line: Line, *, macros: bool) -> Result:
        """What a line asks for."""
        if is_farewell(line.text):
            return Quit(f"/exit leaves too; a space before it sends “{line.text.rstrip()}”.")
        if is_command(line, registry.knows):
            return registry.run(self._chat, line.text, self._chat.macros if macros else NONE)
        if typed := shell_line(line):
            return in_shell(typed, self._chat, self._screen)
        if line.names_files and (path := dropped(line.text)):
            return attach(self._chat, path)
        return Send(message(line.text))

    def _warn(self) -> None:
        for warning in self._chat.told():
            self._screen.note(warning)

    def _show(self, result: Result) -> type[Quit] | None:
        self._screen.apply(self._chat.preferences)
        match result:
            case Send():
                return self._show(self._sender.send(result))
            case SendAll():
                self._sender.send_all(result)
            case SendLanes():
                self._sender.send_lanes(result)
            case Continue(prefix):
                self._sender.go_on(prefix)
            case Perform(lines):
                return perform_all(self, lines, self._screen)
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
