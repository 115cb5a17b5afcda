"""The flags of the command line, and what they mean for the settings."""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from llmchat.config import settings as settings_of
from llmchat.config.settings import Settings
from llmchat.config.typed import with_typed
from llmchat.errors import UsageError
from llmchat.input.lines import system_prompt

SHELLS = ("bash", "zsh", "fish")
"""The shells that can be told how to complete our command line."""

FILE, MODEL = "FILE", "MODEL"
"""The metavars of values that are, or may be, files."""

_COLOR = {"auto": None, "always": "FORCE_COLOR", "never": "NO_COLOR"}
"""The variable that says the same to all that draws, and to other programs."""

_REPEATED: dict[str, Any] = {"action": "append", "default": []}


class _Help(argparse.Action):
    """`--help`; argparse's own says nothing where its output cannot be written."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        sys.stdout.write(parser.format_help())
        parser.exit()


class _Parser(argparse.ArgumentParser):
    """One that tells what is wrong as everything here does, in a sentence and a hint."""

    def error(self, message: str) -> NoReturn:
        import difflib  # only an error needs it

        unknown = message.removeprefix("unrecognized arguments: ").split()[0].partition("=")[0]
        near = difflib.get_close_matches(unknown, self._option_string_actions, n=1)
        did_you_mean = f"Did you mean {near[0]}? " if near else ""
        raise UsageError(
            f"{message[0].upper()}{message[1:]}.", f"{did_you_mean}`llmchat --help` lists the flags."
        )


def parser() -> argparse.ArgumentParser:
    """The parser of the command line; completion and the man page are read from it too."""
    made = _Parser(
        prog="llmchat",
        add_help=False,
        description="Chat in the terminal with any OpenAI-compatible server.",
        epilog="Without a question, a chat begins; /help there lists the commands.",
    )
    made.add_argument("question", nargs="*", help="answer this and leave; piped input is added to it")
    made.add_argument("-h", "--help", action=_Help, nargs=0, help="show this help message and leave")
    made.add_argument(
        "--doctor", action="store_true", help="tell what is installed and which servers answer, and leave"
    )
    made.add_argument("--version", action="store_true", help="tell the version and leave")
    scripts = "print what a shell needs to complete this command line"
    made.add_argument("--completion", choices=SHELLS, help=scripts)
    # What the scripts call, with the words of the line that is being typed.
    made.add_argument("--names", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    _add_server(made.add_argument_group("what answers"))
    _add_conversation(made.add_argument_group("what is asked"))
    _add_output(made.add_argument_group("how it is shown"))
    return made


def options(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """The flags that the user is told of."""
    return [flag for flag in parser._actions if flag.option_strings and flag.help != argparse.SUPPRESS]


def _add_server(group: argparse._ArgumentGroup) -> None:
    where = group.add_mutually_exclusive_group()
    where.add_argument(
        "-u",
        "--url",
        help="the server, such as localhost:8080, or its name in the settings (default: http://localhost:1234)",
    )
    where.add_argument("--demo", action="store_true", help="run the small practice model")
    where.add_argument(
        "--local",
        metavar=MODEL,
        nargs="?",
        const="",
        help="run a model with llama.cpp: a GGUF file, OWNER/REPO[:FILE] from the hub, or a recommended one",
    )
    add = group.add_argument
    add("-m", "--model", help="the model's name (default: what the server has loaded)")
    add("-s", "--system", metavar="TEXT", help="the system prompt; none takes that of the settings away")
    add("-t", "--temperature", metavar="T", help="0 is deterministic, 0.7 the default, 2 wild")
    add("-p", "--param", metavar="K=V", **_REPEATED, help="set a parameter; may be repeated")


def _add_conversation(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    files = "attach a file, a pattern or a folder to the first message; may be repeated"
    add("-f", "--file", metavar=FILE, **_REPEATED, help=files)
    lines = "run a line as if typed in the chat, such as '/set seed=7', and leave; may be repeated"
    add("-x", "--execute", metavar="LINE", **_REPEATED, help=lines)
    values = "ask once for each value, such as temperature=0,0.8, and show the answers side by side"
    add("--sweep", metavar="K=V,V", **_REPEATED, help=values)
    add("-i", "--interactive", action="store_true", help="go on in a chat after that")
    earlier = group.add_mutually_exclusive_group()
    earlier.add_argument(
        "-c", "--continue", dest="go_on", action="store_true", help="go on with the last chat"
    )
    earlier.add_argument("--open", metavar="TITLE", help="go on with the chat of this title")
    add("--no-store", action="store_true", help="keep this chat in memory only")


def _add_output(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--plain", action="store_true", help="show replies as they come, without drawing markdown")
    colors = "colours on a terminal only, in pipes too (for less -R), or nowhere (default: auto)"
    add("--color", choices=_COLOR, help=colors)
    add("--no-stream", action="store_true", help="show a reply when it is whole")
    add("--json", action="store_true", help="print each answer as a JSON record with all that is known of it")
    add("--log", metavar="FILE", help="write each request and answer to this file, without keys")
    add("--render", action="store_true", help="show the markdown on standard input, while it comes")


def settings_of_line(words: Sequence[str]) -> Settings | None:
    """The settings with the server of a line that is not finished; None where it runs a model itself.

    Raises UsageError, argparse.ArgumentError.
    """
    made = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    _add_server(made.add_argument_group())
    flags = made.parse_known_args(words)[0]
    if flags.demo or flags.local is not None:
        return None
    settings = settings_of.load()
    return settings_of.with_url(settings, flags.url) if flags.url else settings


def use_color(flags: argparse.Namespace) -> None:
    """Draw in colours as `--color` says: the flag is stronger than the environment."""
    if not flags.color:
        return
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"):
        os.environ.pop(name, None)
    if variable := _COLOR[flags.color]:
        os.environ[variable] = "1"


def settings_with(flags: argparse.Namespace) -> Settings:
    """What the program is started with: the flags are stronger than all else. Raises UsageError."""
    settings = settings_of.load()
    if flags.url is not None:
        settings = settings_of.with_url(settings, flags.url)
    sampling = settings.sampling
    for pair in flags.param:
        name, _, value = map(str.strip, pair.partition("="))
        if not name:
            raise UsageError(f"{pair!r} names no parameter.", "Like this: -p temperature=0.2")
        sampling = with_typed(sampling, name, value, "flag")
    if flags.temperature is not None:
        sampling = with_typed(sampling, "temperature", flags.temperature, "flag")
    preferences = settings.preferences
    if flags.plain:
        preferences = preferences.set("markdown", False)
    if flags.no_stream:
        preferences = preferences.set("stream", False)
    return replace(
        settings,
        model=flags.model or settings.model,
        sampling=sampling,
        system=settings.system if flags.system is None else system_prompt(flags.system),
        preferences=preferences,
        log=Path(os.path.expanduser(flags.log)) if flags.log else None,
    )
