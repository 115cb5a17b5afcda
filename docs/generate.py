"""Write docs/reference.md from the declarations of commands, parameters, settings and servers.

And the man page, and docs/fixtures.md from the table of what servers do in the tests.
`python docs/generate.py` writes them all; tests fail while they are stale.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from llmchat.commands import registry
from llmchat.commands.help import KEYS
from llmchat.config.preferences import PREFERENCES
from llmchat.launch.flags import options, parser
from llmchat.parameter import Param, show
from llmchat.params import ELSEWHERE, PARAMS
from llmchat.registry import Command
from llmchat.terminal.sanitize import safe
from llmchat.wire.servers import KINDS, Kind

if TYPE_CHECKING:
    from tests.fixtures import Fixture

REFERENCE = Path(__file__).parent / "reference.md"
MANUAL = Path(__file__).parent / "llmchat.1"
FIXTURES_PAGE = REFERENCE.with_name("fixtures.md")

_LONGEST_CELL = 90


def reference() -> str:
    """The whole page."""
    chat = (*_commands(), *_parameters(), *_settings(), *_keys())
    return "\n".join([*_head(), *chat, *_flags(), *_surroundings(), *_servers()]) + "\n"


def _head() -> Iterator[str]:
    yield "# Reference"
    yield ""
    yield "Written by `python docs/generate.py` from the program's own declarations; do not edit it here."
    yield ""


def _commands() -> Iterator[str]:
    yield "## Commands"
    yield ""
    yield "A command is found by its name, an alias, or the beginning of its name; case, `-` and `_` do not"
    yield "matter. Every parameter is a command too: `/top_p 0.9`."
    for group in registry.groups:
        yield ""
        yield f"### {group.title}"
        for command in group.commands:
            yield from _command(command)
    yield ""


def _command(command: Command) -> Iterator[str]:
    yield ""
    yield f"#### `{command.usage}`"
    yield ""
    yield from command.help.splitlines()
    yield ""
    yield "For example: " + ", ".join(f"`{example}`" for example in command.examples) + "."
    if command.aliases:
        yield ""
        yield "Also: " + ", ".join(f"`/{alias}`" for alias in command.aliases) + "."


def _parameters() -> Iterator[str]:
    yield "## Parameters"
    yield ""
    yield "What is not set is not sent, besides the two defaults; the server decides."
    yield ""
    yield "| parameter | example | values | default | meaning | known to be ignored or refused by |"
    yield "|---|---|---|---|---|---|"
    for param in PARAMS:
        names = ", ".join(f"`{name}`" for name in (param.name, *param.aliases))
        default = "" if param.default is None else show(param.default)
        cells = (names, f"`{param.example}`", param.range, default, param.meaning, _ignored_by(param))
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
    yield ""
    yield "Another name on the wire:"
    yield ""
    for param in PARAMS:
        for kind in KINDS:
            if (name := param.wire_name(kind.name)) != param.name and param.honoured_by(kind.name):
                yield f"- `{param.name}` is `{name}` for {kind.title}"
    yield ""
    yield "Not to be set with a request:"
    yield ""
    for name, where in ELSEWHERE.items():
        yield f"- `{name}`: {where}"
    yield ""


def _ignored_by(param: Param) -> str:
    return ", ".join(kind.title for kind in KINDS if not param.honoured_by(kind.name))


def _settings() -> Iterator[str]:
    yield "## Settings"
    yield ""
    yield "`/settings NAME VALUE` changes one, with `--save` for good: at the top of the settings file."
    yield ""
    yield "| setting | values | default | meaning |"
    yield "|---|---|---|---|"
    for known in PREFERENCES:
        yield f"| `{known.name}` | {known.range} | {show(known.default)} | {known.meaning} |"
    yield ""


def _keys() -> Iterator[str]:
    yield "## Keys"
    yield ""
    yield "| key | what it does |"
    yield "|---|---|"
    for key, meaning in KEYS:
        yield f"| {key} | {meaning} |"
    yield ""


def _flags() -> Iterator[str]:
    yield "## Flags"
    yield ""
    yield "`llmchat [FLAGS] [QUESTION]`: without a question a chat begins."
    yield ""
    yield "| flag | what it does |"
    yield "|---|---|"
    for action in options(parser()):
        value = "" if action.nargs == 0 else f" {_value(action)}"
        names = ", ".join(f"`{name}{value}`" for name in action.option_strings)
        if names:
            yield f"| {names} | {action.help} |"
    yield ""


def _value(action: argparse.Action) -> str:
    named = "".join(action.metavar or ()) or action.dest.upper()
    return "/".join(action.choices) if action.choices else f"[{named}]" if action.nargs == "?" else named


def _surroundings() -> Iterator[str]:
    from docs.manual import ENVIRONMENT, EXIT, FILES

    for title, head, rows in (
        ("Environment variables", "variable", ENVIRONMENT),
        ("Files", "file", FILES),
        ("Exit codes", "code", EXIT),
    ):
        yield f"## {title}"
        yield ""
        yield f"| {head} | what it is for |" if rows is not EXIT else f"| {head} | what it means |"
        yield "|---|---|"
        for names, meaning in rows:
            yield f"| {', '.join(f'`{name}`' for name in names.split(', '))} | {meaning} |"
        yield ""


def _servers() -> Iterator[str]:
    yield "## Servers"
    yield ""
    yield "`max_tokens: -1` means until the model stops by itself; not every server takes it as a number."
    yield ""
    yield "| server | usual port | `max_tokens: -1` is | an unknown field is | `/continue` |"
    yield "|---|---|---|---|---|"
    for kind in KINDS:
        yield f"| {kind.title} | {kind.port} | {_unlimited(kind)} | {_unknown(kind)} | {_continues(kind)} |"


def _unlimited(kind: Kind) -> str:
    words = {"send": "sent", "omit": "left out"}
    return words.get(str(kind.unlimited), f"{kind.unlimited} instead")


def _unknown(kind: Kind) -> str:
    return "an error, so left out" if kind.refuses_unknown else "ignored"


def _continues(kind: Kind) -> str:
    return "asks in words" if kind.continues is None else "goes on with the answer"


def fixtures(table: Mapping[str, "Fixture"]) -> str:
    """The page of what servers do, and what comes of it."""
    return "\n".join(_fixtures(table)) + "\n"


def _fixtures(table: Mapping[str, "Fixture"]) -> Iterator[str]:
    yield "# What servers do, and what comes of it"
    yield ""
    yield "Written by `python docs/generate.py` from `tests/fixtures.py`; do not edit it here."
    yield ""
    yield f"{len(table)} fixtures, each named after a server that does it. `python -m pytest"
    yield "tests/test_fixtures.py` plays each over a real socket, chunked and close-delimited, to the whole"
    yield "program, and checks all that stands here. In each the next turn is answered, and its request has"
    yield "the messages of the conversation and no others. Where it holds nothing of the turn, the question"
    yield "stands in the prompt again. Only those that say so are answered by a second request."
    yield ""
    yield "| fixture | server | shown | answer in the conversation | stored |"
    yield "|---|---|---|---|---|"
    for name, fixture in table.items():
        shown = " … ".join(_code(words) for words in fixture.shown)
        answer = "none" if fixture.answer is None else _code(fixture.answer)
        cells = (_code(name), fixture.server, shown, answer, _stored(fixture))
        yield "| " + " | ".join(cells) + " |"


def _stored(fixture: "Fixture") -> str:
    state = "question failed" if fixture.answer is None else f"answer {fixture.state}"
    return f"{state}, reasoning {_code(fixture.reasoning)}" if fixture.reasoning else state


def _code(text: str) -> str:
    """A text as code in one cell of a table, with every control character visible."""
    shown = text if len(text) <= _LONGEST_CELL else text[:_LONGEST_CELL] + "…"
    shown = safe(shown).replace("\n", "␊").replace("|", "\\|")
    return f"`` {shown} ``" if "`" in shown else f"`{shown}`"


if __name__ == "__main__":
    sys.path.insert(0, str(REFERENCE.parent.parent))
    from docs.manual import manual
    from tests.fixtures import FIXTURES

    FIXTURES_PAGE.write_text(fixtures(FIXTURES), encoding="utf-8")
    REFERENCE.write_text(reference(), encoding="utf-8")
    MANUAL.write_text(manual(), encoding="utf-8")
