"""The program: flags, assembly, exit code."""

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from llmchat import settings as settings_of
from llmchat.errors import EngineError, LlmchatError, UsageError
from llmchat.settings import Settings

if TYPE_CHECKING:
    from llmchat.chat import Chat
    from llmchat.repl import Repl
    from llmchat.terminal.prompt import Prompt

STORE = "chats.db"
"""The name of the store's file in the data folder."""

INTERRUPTED = 130
BROKEN_PIPE = 141

_SAID_LINES = 8


def main(argv: Sequence[str] | None = None) -> int:
    """Run llmchat; the exit code is 0, 1 (server or transport), 2 (usage), or 130 (interrupted)."""
    try:
        return _run(_parser().parse_args(argv))
    except LlmchatError as error:
        _say(f"{error.sentence} {error.hint}".rstrip())
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has left; Python would complain once more when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except OSError as error:
        _say(f"The output cannot be written: {error.strerror}.")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _run(flags: argparse.Namespace) -> int:
    if flags.version:
        from importlib.metadata import version

        sys.stdout.write(f"llmchat {version('llmchat')}\n")
        return 0
    if flags.render:
        from llmchat.terminal.screen import Screen

        Screen(sys.stdout, sys.stderr).render(sys.stdin.buffer)
        return 0
    settings = _settings(flags)
    if flags.question or flags.json or not _is_terminal(sys.stdin):
        return _one_shot(settings, flags)
    _interactive(settings, flags)
    return 0


def _one_shot(settings: Settings, flags: argparse.Namespace) -> int:
    from llmchat.chat import Chat
    from llmchat.commands.server import greeting, notable
    from llmchat.repl import one_shot
    from llmchat.terminal.screen import Screen

    # What is piped in may be in any encoding, and a shell may have closed standard input.
    piped = ""
    if sys.stdin and not sys.stdin.isatty():
        piped = sys.stdin.buffer.read().decode("utf-8", "replace")
    question = "\n\n".join(filter(None, [" ".join(flags.question), piped.strip("\n")]))
    if not question.strip():
        raise UsageError("Nothing was asked.", 'Like this: llmchat "Why is the sky blue?"')
    with contextlib.closing(Chat(settings, _store(settings, flags))) as chat:
        if _is_terminal(sys.stderr):
            _say(_where_kept(chat))
        _resume_or_connect(chat, flags, None)
        found = chat.connection.found()
        if found and found.reachable and notable(chat):
            _say(greeting(chat))
        try:
            stopped = one_shot(chat, question, Screen(sys.stdout, sys.stderr), json=flags.json)
            sys.stdout.flush()
            return INTERRUPTED if stopped else 0
        finally:
            for warning in chat.keeping.told():
                _say(warning)


def _interactive(settings: Settings, flags: argparse.Namespace) -> None:
    """Show the prompt at once; all that only an answer needs is imported while the user types."""
    from llmchat.history import InputHistory
    from llmchat.terminal.prompt import Prompt

    history = InputHistory(settings_of.data_folder(os.environ) / "history")
    terminal = sys.stdout if sys.stdout.isatty() else sys.stderr
    with Prompt(terminal, settings.preferences, history) as prompt, ThreadPoolExecutor(1) as meanwhile:
        built: list[Future[Repl]] = []
        prompt.open(lambda: built.append(meanwhile.submit(_repl, settings, flags, prompt)))
        built[0].result().run()


def _repl(settings: Settings, flags: argparse.Namespace, prompt: "Prompt") -> "Repl":
    from llmchat import completion, toolbar
    from llmchat.chat import Chat
    from llmchat.commands import registry
    from llmchat.commands.server import greeting, notable
    from llmchat.repl import Repl

    chat = Chat(settings, _store(settings, flags))
    lines = [_where_kept(chat)]

    def announce() -> None:
        try:
            lines.append(greeting(chat) if notable(chat) else "")
        except EngineError as error:
            lines.append(f"{error.sentence} {error.hint}")
        if any(lines):
            prompt.announce("\n".join(filter(None, lines)))
        prompt.refresh()

    try:
        if shown := _resume_or_connect(chat, flags, announce):
            prompt.announce(shown)
    except LlmchatError as error:
        prompt.announce(f"{error.sentence} {error.hint}")
        _connect(chat, flags, announce)
    prompt.serve(
        preferences=lambda: chat.preferences,
        complete=lambda line: completion.complete(registry, chat, line),
        toolbar=lambda columns: toolbar.line(toolbar.parts(chat), columns),
    )
    from llmchat.terminal.screen import Screen

    screen = Screen(sys.stdout, sys.stderr)
    screen.apply(settings.preferences)
    return Repl(chat, prompt, screen)


def _where_kept(chat: "Chat") -> str:
    """On the first run, where chats are kept."""
    path = chat.keeping.path
    return f"Chats are kept in {path.parent} (--no-store keeps none)." if path and not path.exists() else ""


def _store(settings: Settings, flags: argparse.Namespace) -> Path | None:
    """The file that chats are kept in; None when they are not to be kept."""
    if flags.no_store or not settings.preferences.store:
        return None
    return settings_of.data_folder(os.environ) / STORE


def _resume_or_connect(chat: "Chat", flags: argparse.Namespace, then: Callable[[], None] | None) -> str:
    """Go on with a stored conversation if a flag says so, and connect; what there is to show of it."""
    from llmchat.commands.chats import meant, opened
    from llmchat.store.restoring import restore

    if not (flags.go_on or flags.open):
        _connect(chat, flags, then)
        return ""
    id = meant(chat, flags.open) if flags.open else chat.keeping.do(lambda store: store.last())
    if id is None:
        raise UsageError("There is no conversation to go on with.", "Without -c a new one begins.")
    asked = chat.open(id)
    own_server = bool(flags.url or flags.demo or flags.local)
    if asked:
        restore(chat, asked, server=not own_server, model=not flags.model, system=not flags.system, then=then)
    if own_server or not asked:
        _connect(chat, flags, then)
    return opened(chat)


def _connect(chat: "Chat", flags: argparse.Namespace, then: Callable[[], None] | None) -> None:
    if flags.demo:
        chat.connection.run_model(None, then)
    elif flags.local:
        chat.connection.run_model(Path(flags.local), then)
    else:
        chat.connection.connect(chat.settings.address, then)


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def _say(text: str) -> None:
    """Write to standard error: a server's words made safe, and no more than a few lines of them."""
    if not text:
        return
    from llmchat.terminal.sanitize import safe

    lines = safe(text).splitlines()
    sys.stderr.write("\n".join(lines[:_SAID_LINES] + ["…"] * (len(lines) > _SAID_LINES)) + "\n")


def _settings(flags: argparse.Namespace) -> Settings:
    settings = settings_of.load()
    if flags.url:
        settings = settings_of.with_url(settings, flags.url)
    pairs = dict(pair.partition("=")[::2] for pair in flags.param)
    if flags.temperature is not None:
        pairs["temperature"] = flags.temperature
    settings = settings_of.with_params(settings, pairs, "flag")
    return replace(settings, model=flags.model or settings.model, system=flags.system or settings.system)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="llmchat",
        description="Chat in the terminal with any OpenAI-compatible server.",
        epilog="Without a question, a chat begins; /help there lists the commands.",
    )
    add = parser.add_argument
    add("question", nargs="*", help="answer this and leave; piped input is added to it")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "-u", "--url", help="the server, such as localhost:8080 (default: http://localhost:1234)"
    )
    where.add_argument("--demo", action="store_true", help="run the small practice model")
    where.add_argument("--local", metavar="FILE", help="run your own model file (GGUF) with llama.cpp")
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
    earlier = parser.add_mutually_exclusive_group()
    earlier.add_argument(
        "-c", "--continue", dest="go_on", action="store_true", help="go on with the last chat"
    )
    earlier.add_argument("--open", metavar="TITLE", help="go on with the chat of this title")
    add("--no-store", action="store_true", help="keep this chat in memory only")
    add("--json", action="store_true", help="print the answer as a JSON record, with all that is known of it")
    add("--render", action="store_true", help="show the markdown on standard input, while it comes")
    add("--version", action="store_true", help="tell the version and leave")
    return parser
