"""The only file that reads from the terminal: the prompt, and what is typed while a reply streams."""

import contextlib
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TextIO

from prompt_toolkit import PromptSession
from prompt_toolkit.application import Application, create_app_session, run_in_terminal
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import History
from prompt_toolkit.layout.screen import Char
from prompt_toolkit.lexers import SimpleLexer
from prompt_toolkit.output import create_output
from prompt_toolkit.output.plain_text import PlainTextOutput
from prompt_toolkit.styles import Style, merge_styles
from prompt_toolkit.utils import is_dumb_terminal

from llmchat.config.preferences import Preferences
from llmchat.config.styles import NONE, Styles, for_prompt
from llmchat.input.history import InputHistory
from llmchat.input.lines import MENTION, Line
from llmchat.interruptions import Suspension, ctrl_c, ctrl_z, ending
from llmchat.terminal import editor
from llmchat.terminal.above import Above
from llmchat.terminal.keys import key_bindings
from llmchat.terminal.meanwhile import Meanwhile
from llmchat.terminal.redrawing import redraw_well
from llmchat.terminal.sanitize import NAMED, safe, safe_line
from llmchat.terminal.typeahead import Keyboard
from llmchat.terminal.window_title import WindowTitle
from llmchat.terminal.wrapping import in_rows

SIGN = "> "
_MORE = "  "

Complete = Callable[[str], Iterable[Any]]
"""What may come next in a line; see `completion.complete`."""

Toolbar = Callable[[int, str], Iterable[tuple[str, str]]]
"""The line below the prompt for so many columns and what has been typed: pieces of style and text."""

_FIRST_KEYS = 0.1
"""Seconds that the first prompt has the processor for itself, so that the first keys show at once."""

# prompt_toolkit makes control characters visible by itself; what turns the writing or hides it not.
Char.display_mappings |= NAMED

_STYLE = Style.from_dict(
    {
        "bottom-toolbar": "noreverse fg:ansibrightblack",
        "warning": "fg:ansiyellow",
        "alarm": "fg:ansired bold",
        "auto-suggestion": "fg:ansibrightblack",
        "completion-menu": "noreverse bg:default fg:default",
        "completion-menu.completion": "bg:default fg:default",
        "completion-menu.completion.current": "reverse",
        "completion-menu.meta.completion": "bg:default fg:ansibrightblack",
        "completion-menu.meta.completion.current": "bg:default fg:default",
    }
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the prompt asks of the program: what is preferred, what completes a line, the toolbar.

    `nudge` raises (1) or lowers (-1) a number, `title` is what the window's title tells.
    """

    preferences: Callable[[], Preferences]
    complete: Complete = lambda _: ()
    toolbar: Toolbar = lambda _columns, _draft: []
    nudge: Callable[[int], None] = lambda _: None
    title: Callable[[], str] = lambda: ""


class Prompt:
    """Reads lines with prompt_toolkit; a context manager, since it takes the terminal's echo and its Ctrl-C.

    What completion and the toolbar need comes later, by `serve`: the first prompt is shown before.
    """

    def __init__(
        self, out: TextIO, preferences: Preferences, history: InputHistory, styles: Styles = NONE
    ) -> None:
        self._asked = Asked(lambda: preferences)
        self._keyboard = Keyboard()
        self._suspension = Suspension(self._keyboard.restore, self._keyboard.silence)
        self._taken = contextlib.ExitStack()
        self._first: Line | BaseException | None = None
        self._pasted = False
        self._dumb = is_dumb_terminal()
        self._output = PlainTextOutput(out) if self._dumb else create_output(out)
        self._title = WindowTitle(self._output)
        self._session = self._reading(
            [("class:user-sign", SIGN)],
            multiline=True,
            prompt_continuation=_MORE,
            style=merge_styles([_STYLE, Style.from_dict(for_prompt(styles))]),
            lexer=SimpleLexer("class:user-text"),
            history=_OnDisk(history),
            auto_suggest=AutoSuggestFromHistory(),
            completer=_Completer(lambda line: self._asked.complete(line)),
            complete_while_typing=Condition(self._completes),
            key_bindings=key_bindings(
                lambda: self._asked.preferences().multiline,
                self._note_paste,
                self._suspend,
                lambda direction: self._asked.nudge(direction),
            ),
            enable_open_in_editor=True,
            tempfile_suffix=".md",
        )
        self._above = Above(self._session.app, self._output)
        self._meanwhile = Meanwhile(out, self._keyboard, self._session.input)

    def serve(self, asked: Asked) -> None:
        """From now on ask these."""
        self._asked = asked
        app = self._session.app
        if app.is_running and app.loop:
            app.loop.call_soon_threadsafe(self._catch_up)

    def __enter__(self) -> "Prompt":
        self._keyboard.silence()
        self._taken.callback(self._keyboard.restore)
        self._taken.enter_context(self._title)
        self._taken.enter_context(ctrl_z(self._suspension.take))
        # Between two prompts there is nothing to stop, and the program is not to end there.
        self._taken.enter_context(ctrl_c(lambda: None))
        return self

    def __exit__(self, *_: object) -> None:
        self._taken.close()

    def open(self, meanwhile: Callable[[], None]) -> None:
        """Show the first prompt and wait for its line, which `read` then gives out.

        `meanwhile` is called once the prompt is there; the rest of the program is imported then.
        """
        called = False

        def call_once() -> None:
            nonlocal called
            if not called:
                called = True
                meanwhile()

        def shown(app: Any) -> None:
            app.loop.call_later(_FIRST_KEYS, call_once)

        self._session.app.after_render += shown
        try:
            self._first = self._prompt("")
        except (EOFError, KeyboardInterrupt) as error:
            self._first = error
        self._session.app.after_render -= shown
        call_once()

    def read(self, default: str = "") -> Line:
        """A line; it starts out as `default` and what was typed ahead.

        Raises EOFError for Ctrl-D, and KeyboardInterrupt for Ctrl-C on an empty line.
        """
        if self._first is not None:
            first, self._first = self._first, None
            if isinstance(first, BaseException):
                raise first
            return first
        self._above.catch_up()
        return self._prompt(default + self._meanwhile.typed())

    def ask(self, question: str, hidden: bool = False) -> str:
        """The answer to a question, kept in no history; raises KeyboardInterrupt for Ctrl-C and Ctrl-D."""
        try:
            return self._run(self._reading(f"{in_rows(question, self._output)} "), is_password=hidden)
        except EOFError as error:
            raise KeyboardInterrupt from error

    def edit(self, text: str) -> str:
        """What the user makes of a text in $EDITOR; raises UsageError when no editor starts."""
        return editor.edit(text)

    def announce(self, text: str) -> None:
        """Show a line above the prompt, now or with the next one; may be called from any thread."""
        self._above.write(text)

    def show_above(self, show: Callable[[], None]) -> None:
        """Let `show` write above the prompt, now or before the next one; may be called from any thread."""
        self._above.show(show)

    def refresh(self) -> None:
        """Draw the toolbar anew; may be called from any thread."""
        self._session.app.invalidate()

    def replying(self) -> AbstractContextManager[Suspension]:
        """While a reply streams: what is typed stands at the next prompt, not sent; see `Meanwhile`."""
        return self._meanwhile.replying(self._asked.preferences().bell)

    def _prompt(self, default: str) -> Line:
        preferences = self._asked.preferences()
        self._title.show(self._asked.title() if preferences.window_title else None)
        self._pasted = False
        self._session.editing_mode = EditingMode.VI if preferences.keys == "vi" else EditingMode.EMACS
        self._session.bottom_toolbar = self._toolbar_now if preferences.toolbar else None
        if self._dumb:
            # prompt_toolkit shows only what is typed there.
            self._session.message = SIGN + safe(default)
        text = self._run(self._session, default=default)
        self._meanwhile.line_read()
        return Line(text, self._pasted)

    def _reading(self, message: Any, **options: Any) -> PromptSession[str]:
        """A prompt on our output. On a dumb terminal prompt_toolkit wants to find that by itself."""
        with create_app_session(output=self._output):
            session = PromptSession[str](message, output=None if self._dumb else self._output, **options)
        if not self._dumb:
            redraw_well(session.app)
        return session

    def _run(self, session: PromptSession[str], **options: Any) -> str:
        """Let prompt_toolkit read a line; a signal that ends the program ends this first."""
        if self._dumb:
            return session.prompt(**options)
        app = session.app

        # prompt_toolkit's own handler of Ctrl-C fails before the prompt is there and after it.
        with (
            ending(lambda: _end(app, EOFError)),
            ctrl_c(lambda: _end(app, KeyboardInterrupt)),
            ctrl_z(lambda: self._suspend(app)),
        ):
            return session.prompt(**options, handle_sigint=False)

    def _suspend(self, app: Application[str]) -> None:
        """Make room for the shell; the prompt is drawn anew after that."""
        if app.loop and app.context is not None:
            run = app.context.copy().run
            app.loop.call_soon_threadsafe(run, run_in_terminal, self._suspension.take)

    def _toolbar_now(self) -> StyleAndTextTuples:
        pieces = self._asked.toolbar(self._output.get_size().columns, self._session.default_buffer.text)
        return [(f"class:{style}" if style else "", text) for style, text in pieces]

    def _completes(self) -> bool:
        """Whether completions are shown while typing: in a command, and in a path after `@`."""
        before = self._session.default_buffer.document.text_before_cursor
        return before.startswith("/") or MENTION.search(before) is not None

    def _catch_up(self) -> None:
        """Complete what was typed while there was nothing to complete it."""
        if self._completes():
            self._session.default_buffer.start_completion()
        self._session.app.invalidate()

    def _note_paste(self) -> None:
        self._pasted = True


def _end(app: Application[str], by: type[BaseException]) -> None:
    """End the reading of a line by an exception; for a signal handler."""

    def exit_() -> None:
        if not app.is_done:
            app.exit(exception=by)

    if app.loop and app.is_running:
        app.loop.call_soon_threadsafe(exit_)


class _Completer(Completer):
    """Our completions as prompt_toolkit's."""

    def __init__(self, complete: Complete) -> None:
        self._complete = complete

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        for found in self._complete(document.text_before_cursor):
            yield Completion(
                found.text,
                start_position=-found.length,
                display=safe_line(found.text),
                display_meta=safe_line(found.meaning),
            )


class _OnDisk(History):
    """The input history as prompt_toolkit wants it."""

    def __init__(self, history: InputHistory) -> None:
        super().__init__()
        self._history = history

    def load_history_strings(self) -> Iterable[str]:
        return self._history.newest_first()

    def store_string(self, string: str) -> None:
        self._history.append(string)
