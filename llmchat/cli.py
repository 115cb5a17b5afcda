"""The program: flags, assembly, exit code."""

import argparse
import contextlib
import os
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from llmchat import settings as settings_file
from llmchat.chat import Chat
from llmchat.commands import greeting, notable
from llmchat.errors import LlmchatError, UsageError
from llmchat.repl import INTERRUPTED, Repl, one_shot
from llmchat.settings import Settings

if TYPE_CHECKING:
    from llmchat.screen import Screen

BROKEN_PIPE = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run llmchat; the exit code is 0, 1 (server or transport), 2 (usage), or 130 (interrupted)."""
    try:
        return _run(_parser().parse_args(argv))
    except LlmchatError as error:
        _say(error.sentence)
        _say(error.hint)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has left; Python would complain once more when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE


def _run(flags: argparse.Namespace) -> int:
    if flags.render:
        _screen().render(sys.stdin.buffer)
        return 0
    chat = Chat(_settings(flags))
    with contextlib.closing(chat):
        if flags.question or not sys.stdin.isatty():
            return _one_shot(chat, flags)
        _interactive(chat, flags)
        return 0


def _one_shot(chat: Chat, flags: argparse.Namespace) -> int:
    piped = "" if sys.stdin.isatty() else sys.stdin.read()
    question = "\n\n".join(filter(None, [" ".join(flags.question), piped.strip("\n")]))
    if not question.strip():
        raise UsageError("Nothing was asked.", 'Like this: llmchat "Why is the sky blue?"')
    _connect(chat, flags, None)
    screen = _screen()
    found = chat.found()
    if found and found.reachable and notable(chat):
        _say(greeting(chat))
    return one_shot(chat, question, screen)


def _interactive(chat: Chat, flags: argparse.Namespace) -> None:
    from llmchat.prompt import Prompt

    def on_ready() -> None:
        _connect(chat, flags, announce)
        # What the first answer needs is imported while the user types.
        threading.Thread(target=_screen, daemon=True).start()

    def announce() -> None:
        with contextlib.suppress(LlmchatError):
            if notable(chat):
                prompt.announce(greeting(chat))

    terminal: TextIO = sys.stdout if sys.stdout.isatty() else sys.stderr
    prompt = Prompt(terminal, on_ready)
    Repl(chat, prompt, _screen).run()


def _connect(chat: Chat, flags: argparse.Namespace, then: Callable[[], None] | None) -> None:
    if flags.demo:
        chat.run_model(None, then)
    elif flags.local:
        chat.run_model(Path(flags.local), then)
    else:
        chat.connect(chat.settings.address, then)


@cache
def _screen() -> "Screen":
    from llmchat.screen import Screen

    return Screen(sys.stdout, sys.stderr)


def _say(line: str) -> None:
    if line:
        sys.stderr.write(line + "\n")


def _settings(flags: argparse.Namespace) -> Settings:
    settings = settings_file.load()
    if flags.url:
        settings = settings_file.with_url(settings, flags.url)
    pairs = dict(pair.partition("=")[::2] for pair in flags.param)
    if flags.temperature is not None:
        pairs["temperature"] = flags.temperature
    settings = settings_file.with_params(settings, pairs, "flag")
    return replace(settings, model=flags.model or settings.model, system=flags.system or settings.system)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="llmchat",
        description="Chat in the terminal with any OpenAI-compatible server.",
        epilog="Without a question, a chat begins; /help there lists the commands.",
    )
    add = parser.add_argument
    add("question", nargs="*", help="answer this and leave; piped input is added to it")
    add("-u", "--url", help="the server, such as localhost:8080 (default: http://localhost:1234)")
    add("-m", "--model", help="the model's name (default: what the server has loaded)")
    add("-s", "--system", metavar="TEXT", help="the system prompt")
    add("-t", "--temperature", metavar="T", help="0 is deterministic, 0.7 the default, 2 wild")
    add(
        "-p",
        "--param",
        metavar="K=V",
        action="append",
        default=[],
        help="set a parameter; may be repeated",
    )
    add("--render", action="store_true", help="show the markdown on standard input, while it comes")
    own = parser.add_mutually_exclusive_group()
    own.add_argument("--demo", action="store_true", help="run the small practice model")
    own.add_argument("--local", metavar="FILE", help="run your own model file (GGUF) with llama.cpp")
    add("--version", action="version", version=f"llmchat {version('llmchat')}")
    return parser
