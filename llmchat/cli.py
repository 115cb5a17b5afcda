"""The program: one question, or a chat; and the exit code."""

import argparse
import io
import os
import sys
from collections.abc import Iterator, Sequence

from llmchat import interruptions
from llmchat.errors import LlmchatError, UsageError
from llmchat.launch.flags import parser, settings_with, use_color
from llmchat.launch.opening import say

INTERRUPTED = 130
BROKEN_PIPE = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run llmchat; the exit code, of which `docs/manual.py` tells what each means."""
    interruptions.end_in_order()
    closed = _take_streams()
    try:
        if closed:
            raise UsageError("Standard output is closed; an answer has nowhere to go.", "Leave `>&-` out.")
        code = _run(_flags(argv))
        sys.stdout.flush()  # here, where an error has a sentence
        return code
    except LlmchatError as error:
        say(_told(error))
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has left; Python would complain once more when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not interruptions.exit_code():
            say(f"The output cannot be written: {error.strerror}.")
        return interruptions.exit_code() or 1


def _flags(argv: Sequence[str] | None) -> argparse.Namespace:
    """The flags of the command line; `--help` is written, and leaves. All after `--` is the question."""
    words = list(sys.argv[1:] if argv is None else argv)
    end = words.index("--") if "--" in words and "--names" not in words else len(words)
    try:
        # Flags may stand between the words of the question, which only this way of argparse allows.
        flags = parser().parse_intermixed_args(words[:end])
        flags.question += words[end + 1 :]
        return flags
    finally:
        sys.stdout.flush()


def _told(error: LlmchatError) -> str:
    """An error with what helps where there is no prompt."""
    from llmchat.terminal.no_prompt import on_command_line

    whole = "`/last_error` shows it whole." if error.sentence.endswith("…") else ""
    return on_command_line(" ".join(filter(None, [error.sentence, whole, error.hint])))


def _take_streams() -> bool:
    """Have three standard streams that take every text; whether standard output was closed."""
    closed = sys.stdout is None
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            # It gets the number of the stream, which a file of ours would get otherwise.
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal shows its own encoding; a file or a pipe gets what came.
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="replace")
    return closed


def _run(flags: argparse.Namespace) -> int:
    use_color(flags)
    if flags.version or flags.completion or flags.names:
        sys.stdout.writelines(_lines(flags))
        return 0
    if flags.render:
        from llmchat.input.piped import Pieces
        from llmchat.terminal.drawn_replies import render

        render(Pieces(), sys.stdout)
        return 0
    if flags.doctor:
        return _doctor(flags)
    if flags.local is not None:
        from llmchat.launch.fetching import local_model

        flags.local = str(local_model(flags.local))
    settings = settings_with(flags)
    piped = not (sys.stdin and sys.stdin.isatty())
    if not (flags.question or flags.execute or flags.sweep or flags.json or piped):
        from llmchat.launch.interactive import interactive

        interactive(settings, flags)
    elif flags.interactive:
        from llmchat.launch.interactive import interactive_after

        interactive_after(settings, flags)
    else:
        from llmchat.launch.one_shot import one_shot

        one_shot(settings, flags)
    return 0


def _lines(flags: argparse.Namespace) -> Iterator[str]:
    """What is told to scripts and shells: the version, what completes our command line, names for it."""
    if flags.version:
        from importlib.metadata import version

        yield f"llmchat {version('llmchat')}\n"
    elif flags.completion:
        from llmchat.launch.shell_completion import script

        yield script(flags.completion, parser())
    else:
        from llmchat.launch.names import names

        yield from (f"{line}\n" for line in names(flags.names[0], flags.names[1:]))


def _doctor(flags: argparse.Namespace) -> int:
    """Show what there is to find, as it is found; 1 when something is wrong."""
    from llmchat.launch.doctor import examine
    from llmchat.results import Verbatim
    from llmchat.terminal.screen import Screen

    screen = Screen(sys.stdout, sys.stderr, with_results=True)
    wrong = False
    for finding in examine(lambda: settings_with(flags)):
        screen.show(Verbatim(str(finding)))
        wrong = wrong or finding.state == "wrong"
    return int(wrong)
