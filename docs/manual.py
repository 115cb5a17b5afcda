"""The man page, from the declarations of flags, commands, parameters and settings."""

import argparse
from collections.abc import Iterator

from llmchat.commands import registry
from llmchat.commands.help import KEYS
from llmchat.config.preferences import PREFERENCES
from llmchat.launch.flags import options, parser
from llmchat.parameter import show
from llmchat.params import PARAMS

# Backticks are for markdown.
_MEANING_ITSELF = str.maketrans({"\\": "\\e", "-": "\\-", "`": "", "…": "...", "“": '"', "”": '"'})

ENVIRONMENT = (
    ("LLMCHAT_URL, LLMCHAT_MODEL, LLMCHAT_SYSTEM", "The server, the model and the system prompt."),
    ("LLMCHAT_API_KEY", "The key for the server that llmchat is started with."),
    ("OPENAI_API_KEY", "The key for api.openai.com, and for no other server."),
    ("LLMCHAT_HOME", "The folder for the settings and for all that llmchat keeps."),
    ("HF_ENDPOINT, HF_TOKEN", "Another hub for --local, and what opens what is private there."),
    ("VISUAL, EDITOR", "The editor for /edit and Ctrl-X Ctrl-E."),
    ("NO_COLOR", "When set, nothing is shown in colour, as with --color never."),
    ("FORCE_COLOR, CLICOLOR_FORCE", "When set and not 0, as with --color always."),
)
FILES = (
    ("~/.config/llmchat/settings.toml", "The settings; /settings tells where they are."),
    ("~/.local/share/llmchat/chats.db", "The conversations."),
    ("~/.local/share/llmchat/history", "What was typed at the prompt."),
)
EXIT = (
    ("0", "All went well."),
    ("1", "The server refused, no whole answer came, it has not the form asked for, or a file failed."),
    ("2", "What was typed or set is wrong; nothing was sent."),
    ("130", "Stopped with Ctrl-C."),
    ("141", "Whoever read the output has left."),
    ("128 + n", "Ended by signal n, in order: 143 is kill."),
)
_EXAMPLES = (
    ("llmchat --demo", "A chat with the practice model."),
    ("git diff | llmchat 'Review this.'", "A question about what is piped in."),
    ("llmchat -x '/set temperature=0' -x 'Why is the sky blue?'", "Lines of a chat, one after another."),
    ("llmchat -c -x /curl > ask.sh", "The last request as a command."),
)


def manual() -> str:
    """The whole page, in the man macros."""
    return "\n".join([*_head(), *_options(), *_declared(), *_rest()]) + "\n"


def _head() -> Iterator[str]:
    yield '.\\" Written by docs/generate.py; do not edit it here.'
    yield '.TH LLMCHAT 1 "" "llmchat" "User commands"'
    yield ".SH NAME"
    yield "llmchat \\- chat in the terminal with any OpenAI\\-compatible server"
    yield ".SH SYNOPSIS"
    yield ".B llmchat"
    yield "[\\fIoption\\fR ...] [\\fIquestion\\fR ...]"
    yield ".SH DESCRIPTION"
    yield _text("Without a question a chat begins. With one, or with piped input, it is answered, and")
    yield _text("llmchat leaves. The reply goes to standard output, everything else to standard error. In a")
    yield _text("chat, a line that begins with a slash is a command; /help explains each.")


def _options() -> Iterator[str]:
    yield ".SH OPTIONS"
    for action in options(parser()):
        yield ".TP"
        yield _usage(action)
        yield _text(_sentence(action.help or ""))


def _usage(action: argparse.Action) -> str:
    value = action.metavar or ("|".join(action.choices) if action.choices else action.dest.upper())
    names = ", ".join(f"\\fB{_text(name)}\\fR" for name in action.option_strings)
    return f"{names} \\fI{_text(str(value))}\\fR" if action.nargs != 0 else names


def _declared() -> Iterator[str]:
    yield ".SH COMMANDS"
    for command in registry.commands.values():
        yield from _item(command.usage, command.summary)
    yield ".SH PARAMETERS"
    yield _text("Each is a command too, such as /top_p 0.9, and goes with -p: -p top_p=0.9.")
    for param in PARAMS:
        default = "" if param.default is None else f" The default is {show(param.default)}."
        yield from _item(param.name, f"{param.meaning} It is {param.range}.{default}")
    yield ".SH SETTINGS"
    yield _text("In the chat: /settings NAME VALUE, with --save for good.")
    for known in PREFERENCES:
        yield from _item(known.name, f"{known.meaning} The default is {show(known.default)}.")
    yield ".SH KEYS"
    for key, meaning in KEYS:
        yield from _item(key, _sentence(meaning))


def _rest() -> Iterator[str]:
    for title, rows in (
        ("ENVIRONMENT", ENVIRONMENT),
        ("FILES", FILES),
        ("EXIT STATUS", EXIT),
        ("EXAMPLES", _EXAMPLES),
    ):
        yield f".SH {title}"
        for term, meaning in rows:
            yield from _item(term, meaning)


def _item(term: str, meaning: str) -> Iterator[str]:
    yield ".TP"
    yield f"\\fB{_text(term)}\\fR"
    yield _text(meaning)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."


def _text(text: str) -> str:
    """A text whose backslashes, hyphens and dots at the start mean themselves."""
    escaped = text.translate(_MEANING_ITSELF)
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
