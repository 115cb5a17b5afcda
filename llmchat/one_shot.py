"""Without a prompt: run lines, answer a question, and leave, or go on at the prompt."""

import argparse
import contextlib
import sys
from collections.abc import Sequence

from llmchat.chat import Chat
from llmchat.commands import registry
from llmchat.commands.server import greeting, notable
from llmchat.errors import UsageError
from llmchat.lines import Line, as_typed, is_command, is_farewell
from llmchat.opening import resume_or_connect, say, store_of, where_kept
from llmchat.registry import Quit
from llmchat.repl import Repl
from llmchat.settings import Settings
from llmchat.terminal.no_prompt import NoPrompt
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
        found = chat.connection.found() if asks else None
        if found and found.reachable and notable(chat):
            say(greeting(chat))
        screen = Screen(sys.stdout, sys.stderr, results=None if asks else sys.stdout)
        screen.apply(settings.preferences)
        try:
            _perform(lines, Repl(chat, NoPrompt(), screen, json=flags.json), _is_piped())
            sys.stdout.flush()
        finally:
            for warning in chat.keeping.told():
                say(warning)


def _perform(lines: Sequence[str], repl: Repl, piped: bool) -> None:
    for line in lines:
        if repl.perform(Line(line, piped=piped)) is Quit:
            return
        if repl.stopped:
            raise KeyboardInterrupt


def lines_of(flags: argparse.Namespace) -> list[str]:
    """The lines, the question as the last; raises UsageError when there is none.

    What was piped in belongs to the question, else to the first message among the lines.
    """
    lines = [line for line in flags.execute if line.strip()]
    piped = _piped()
    question = " ".join(flags.question)
    first = next((n for n, line in enumerate(lines) if not _is_command(line)), None)
    if question or first is None:
        question = "\n\n".join(filter(None, [question, piped]))
    elif piped:
        lines[first] += f"\n\n{piped}"
    if question.strip():
        lines.append(as_typed(question, registry.knows))
    if not lines:
        raise UsageError("Nothing was asked.", 'Like this: llmchat "Why is the sky blue?"')
    return lines


def _piped() -> str:
    """Standard input when it is no terminal, in whatever encoding; a shell may have closed it."""
    if not _is_piped():
        return ""
    return sys.stdin.buffer.read().decode("utf-8", "replace").strip("\n")


def _is_piped() -> bool:
    return bool(sys.stdin) and not sys.stdin.isatty()


def _is_command(line: str) -> bool:
    return is_command(Line(line), registry.knows) or is_farewell(line)
