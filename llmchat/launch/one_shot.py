"""Without a prompt: run lines, answer a question, and leave, or go on at the prompt."""

import argparse
import contextlib
import shlex
import sys
from collections.abc import Sequence

from llmchat.chat import Chat
from llmchat.commands import registry
from llmchat.commands.server import greeting, notable, suit_model
from llmchat.config.settings import Settings
from llmchat.errors import UsageError
from llmchat.input.lines import Line, as_typed, is_command, is_farewell, shell_line, split_command
from llmchat.input.piped import all_of_it
from llmchat.launch.opening import attach_files, resume_or_connect, say, store_of, where_kept
from llmchat.repl import Repl
from llmchat.results import Quit
from llmchat.terminal.no_prompt import NoPrompt, on_command_line
from llmchat.terminal.screen import Screen


def one_shot(settings: Settings, flags: argparse.Namespace) -> None:
    """Do what the command line says. Raises LlmchatError, and KeyboardInterrupt when it was stopped."""
    lines = lines_of(flags)
    # Then the replies are what is wanted; else it is what the commands show.
    asks = not all(map(_is_command, lines))
    with contextlib.closing(Chat(settings, store_of(settings, flags))) as chat:
        if sys.stderr and sys.stderr.isatty():
            say(where_kept(chat))
        resume_or_connect(chat, flags, None)
        attach_files(chat, flags)
        found = chat.connection.found() if asks else None
        if found and found.reachable and notable(chat):
            say(greeting(chat))
        suit_model(chat)
        chat.meter.asks = False
        screen = Screen(
            sys.stdout,
            sys.stderr,
            with_results=not (asks or flags.json),
            phrase=on_command_line,
            styles=settings.styles,
        )
        screen.apply(settings.preferences)
        try:
            _perform(lines, Repl(chat, NoPrompt(lambda: chat.preferences.bell), screen, json=flags.json))
            sys.stdout.flush()
        finally:
            for warning in chat.told():
                say(warning)


def _perform(lines: Sequence[Line], repl: Repl) -> None:
    for line in lines:
        if repl.perform(line) is Quit:
            return
        if repl.stopped:
            raise KeyboardInterrupt


def lines_of(flags: argparse.Namespace) -> list[Line]:
    """The lines, the question as the last; raises UsageError when there is none.

    What was piped in belongs to the question, else to the first message among the lines.
    """
    lines = [Line(line) for line in flags.execute if line.strip()]
    if shell := next(filter(None, map(shell_line, lines)), ""):
        raise UsageError(
            f"-x runs nothing in the shell, such as {shell!r}.", "A pipe does: COMMAND | llmchat …"
        )
    piped = all_of_it()
    question = " ".join(flags.question)
    if question.startswith("/") and registry.knows(split_command(question)[0]):
        say(f"This is sent as a question; `llmchat -x {shlex.quote(question)}` runs the command.")
    first = next((n for n, line in enumerate(lines) if not _is_command(line)), None)
    if question or first is None or flags.sweep:
        text = "\n\n".join(filter(None, [question, piped]))
        asking = as_typed(text, registry.knows)
        if flags.sweep:
            asking = f"/sweep {' '.join(flags.sweep)} -- {text}"
        lines += [Line(asking, piped=bool(piped))] if asking.strip() else []
    elif piped:
        lines[first] = Line(f"{lines[first].text}\n\n{piped}", piped=True)
    goes_on = flags.go_on or flags.open is not None
    if not lines or (flags.sweep and not (text or goes_on)):
        raise UsageError("Nothing was asked.", 'Like this: llmchat "Why is the sky blue?"')
    return lines


def _is_command(line: Line) -> bool:
    return is_command(line, registry.knows) or is_farewell(line.text)
