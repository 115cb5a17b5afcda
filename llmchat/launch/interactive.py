"""A chat at the prompt, which is shown before the rest of the program is imported."""

import argparse
import codecs
import os
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from llmchat.config import settings as settings_of
from llmchat.config.settings import Settings
from llmchat.errors import EngineError, LlmchatError, UsageError
from llmchat.launch.opening import attach_files, connect, resume_or_connect, store_of, where_kept

if TYPE_CHECKING:
    from llmchat.chat import Chat
    from llmchat.repl import Repl
    from llmchat.terminal.prompt import Prompt


def interactive(settings: Settings, flags: argparse.Namespace) -> None:
    """Show the prompt at once; all that only an answer needs is imported while the user types."""
    with _prompt(settings) as prompt, ThreadPoolExecutor(1) as meanwhile:
        built: list[Future[Repl]] = []
        prompt.open(lambda: built.append(meanwhile.submit(_repl, settings, flags, prompt)))
        built[0].result().run()


def interactive_after(settings: Settings, flags: argparse.Namespace) -> None:
    """Answer what the command line asks, then show the prompt; the keys come from the terminal."""
    from llmchat.launch.one_shot import lines_of
    from llmchat.terminal.no_prompt import take_terminal

    lines = lines_of(flags)
    take_terminal()
    with _prompt(settings) as prompt:
        _repl(settings, flags, prompt).run(lines)


def _prompt(settings: Settings) -> "Prompt":
    from llmchat.input.history import InputHistory
    from llmchat.terminal.prompt import Prompt

    history = InputHistory(settings_of.data_folder(os.environ) / "history")
    terminal = sys.stdout if sys.stdout.isatty() else sys.stderr
    return Prompt(terminal, settings.preferences, history, settings.styles)


def _encoding_told() -> str:
    """What a terminal cannot show, if anything; Python takes its encoding from the locale."""
    encoding = codecs.lookup(sys.stdout.encoding or "ascii").name
    return "" if encoding == "utf-8" else f"The locale is {encoding}: what it has no sign for is shown as ?."


def _repl(settings: Settings, flags: argparse.Namespace, prompt: "Prompt") -> "Repl":
    from llmchat.chat import Chat
    from llmchat.commands.server import greeting, notable
    from llmchat.repl import Repl
    from llmchat.terminal.screen import Screen

    screen = Screen(sys.stdout, sys.stderr, styles=settings.styles)
    screen.apply(settings.preferences)
    chat = Chat(settings, store_of(settings, flags))
    lines = [where_kept(chat), _encoding_told(), *chat.told()]

    def announce() -> None:
        try:
            lines.append(greeting(chat) if notable(chat) else "")
        except EngineError as error:
            lines.append(error.whole)
        if any(lines):
            prompt.announce("\n".join(filter(None, lines)))
        # The chat is changed where the prompt runs, not in the thread that has found the server.
        prompt.show_above(lambda: _suit(prompt, chat))
        prompt.refresh()

    try:
        if shown := resume_or_connect(chat, flags, announce):
            prompt.show_above(lambda: screen.turns(shown))
    except LlmchatError as error:
        prompt.announce(error.whole)
        connect(chat, flags, announce)
    try:
        if attached := attach_files(chat, flags):
            prompt.announce(attached)
    except LlmchatError as error:
        prompt.announce(error.whole)
    _serve(prompt, chat)
    chat.meter.then = prompt.refresh
    return Repl(chat, prompt, screen)


def _suit(prompt: "Prompt", chat: "Chat") -> None:
    """Take what presets set for the model that the server has, and say so above the prompt."""
    from llmchat.commands.server import suit_model

    try:
        told = suit_model(chat)
    except UsageError as error:
        told = error.whole
    if told:
        prompt.announce(told)


def _serve(prompt: "Prompt", chat: "Chat") -> None:
    """Let the prompt ask what only the assembled program knows."""
    from llmchat import toolbar
    from llmchat.commands import registry
    from llmchat.commands.parameters import told
    from llmchat.input import completion
    from llmchat.input.nudging import nudge
    from llmchat.terminal.prompt import Asked

    def nudge_and_tell(direction: int) -> None:
        name = nudge(chat, direction)
        if not chat.preferences.toolbar:
            prompt.announce(told(chat, name))

    prompt.serve(
        Asked(
            preferences=lambda: chat.preferences,
            complete=lambda line: completion.complete(registry, chat, line),
            toolbar=lambda columns, draft: toolbar.line(toolbar.parts(chat, draft), columns),
            nudge=nudge_and_tell,
            title=lambda: toolbar.window_title(chat),
        )
    )
