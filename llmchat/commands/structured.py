"""Commands about answers that are to be JSON."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llmchat.chat import Chat
from llmchat.errors import UsageError
from llmchat.messages import Message
from llmchat.registry import NO_FILE, Choice, File, Group
from llmchat.results import Result, Send
from llmchat.structured import ANY_JSON, EXTRA, FORM, can_validate, check_schema, fault, form_of

group = Group("Answers as JSON")
command = group.command

_FIX = "Your answer cannot be used: {fault}.\n\nAnswer again, with nothing but the corrected JSON."


def _switch(_: Chat) -> Iterator[Choice]:
    yield Choice("on", "answers are JSON")
    yield Choice("off", "answers are as the model likes")


@command(examples=("/json on", "/json off"), switch=_switch)
def json_(chat: Chat, switch: str = "") -> Result:
    """Have answers as JSON, of any form.

    Each answer is checked, and `/fix` asks for a better one. Some servers want the word JSON in
    the question too. `/schema` asks for a certain form.
    """
    match switch.lower():
        case "on":
            chat.tune(chat.sampling.with_value(FORM, ANY_JSON, "command"))
        case "off":
            return _off(chat)
        case "":
            pass
        case _:
            raise UsageError(
                f"/json is on or off, not {switch!r}.", "`/schema FILE` asks for a certain form."
            )
    return _told(chat)


@command(examples=("/schema person.json", "/schema", "/schema off"))
def schema(chat: Chat, file: File = NO_FILE) -> Result:
    """Have answers as JSON of a schema, which a file holds.

    The server keeps the model to it where it can; each answer is validated here too, and `/fix`
    feeds what is wrong back to the model. The schema may also stand here itself.
    """
    if not file:
        return _told(chat)
    if file.lower() == "off":
        return _off(chat)
    name, asked = _read(file)
    check_schema(asked)
    form = {"type": "json_schema", "json_schema": {"name": name, "strict": True, "schema": asked}}
    chat.tune(chat.sampling.with_value(FORM, form, "command"))
    return _told(chat)


def _read(file: str) -> tuple[str, Any]:
    """The name for a schema, and what a file or the line holds; raises UsageError."""
    path = Path(os.path.expanduser(file.removeprefix("@")))
    inline = file.startswith("{")
    try:
        text = file if inline else path.read_text(encoding="utf-8-sig")
        found = json.loads(text)
    except OSError as error:
        raise UsageError(
            f"{file!r} cannot be read: {error.strerror}.", "It is a file with a schema."
        ) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{'This' if inline else repr(file)} is no JSON: {error}.") from error
    letters = "".join(char if char.isascii() and char.isalnum() else "_" for char in path.stem)
    return "answer" if inline else letters[:64] or "answer", found


def _off(chat: Chat) -> str:
    chat.tune(chat.sampling.without(FORM).without("json_schema"))
    return _told(chat)


def _told(chat: Chat) -> str:
    wanted = form_of(chat.sampling)
    if wanted is None:
        return "Answers are as the model likes; `/json on` and `/schema FILE` ask for JSON."
    if not wanted:
        return "Answers are to be JSON."
    unchecked = (
        "" if can_validate() else f"\nWithout the package jsonschema only its JSON is checked. {EXTRA}"
    )
    return f"Answers are to be JSON of this schema: {json.dumps(wanted, ensure_ascii=False)}{unchecked}"


@command(examples=("/fix",))
def fix(chat: Chat) -> Result:
    """Ask the model to mend what is wrong with its last answer.

    It is told what `/json` or `/schema` finds wrong.
    """
    answer = chat.last("assistant").message.content
    wanted = form_of(chat.sampling)
    if wanted is None:
        raise UsageError("No form is asked of the answers.", "`/json on` and `/schema FILE` ask for JSON.")
    if not (wrong := fault(answer, wanted)):
        raise UsageError("There is nothing to fix: the answer is as it should be.", "`/regen` asks anew.")
    return Send(Message("user", _FIX.format(fault=wrong)))
