"""Commands about where an answer came from: what was asked of which server, and how to ask it again."""

import time
from collections.abc import Iterator

from llmchat.chat import Chat
from llmchat.commands.places import messages, numbered
from llmchat.errors import ServerError, UsageError
from llmchat.parameter import show
from llmchat.registry import Group
from llmchat.results import Result, Table, Verbatim
from llmchat.store import scripts
from llmchat.store.records import Request, body_of

group = Group("Where an answer came from")
command = group.command


@command(examples=("/info", "/info 2"), number=messages)
def info(chat: Chat, number: str = "") -> Result:
    """Show where an answer came from: model, parameters, speed.

    That is the last answer, or message `number`.
    """
    place, request = _request(chat, number)
    return Table((f"message {place}", ""), tuple(_facts(request)))


def _facts(request: Request) -> Iterator[tuple[str, str]]:
    yield "model", request.model
    yield "server", f"{request.kind} at {request.server}" + (f" ({request.engine})" if request.engine else "")
    yield "time", time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(request.time))
    yield (
        "parameters",
        " ".join(f"{name}={show(value)}" for name, value in request.chosen.items()) or "defaults",
    )
    yield "seed", show(request.chosen["seed"]) if "seed" in request.chosen else "not set"
    yield "system", request.system or "none"
    if usage := request.usage:
        yield "tokens", f"{usage.prompt:,} in the prompt, {usage.completion:,} in the reply"
    if request.timings.first_token is not None:
        yield "first token after", f"{request.timings.first_token:.3f} s"
    if request.timings.tokens_per_second:
        yield "speed", f"{request.timings.tokens_per_second:,.1f} tokens/s"
    if request.seconds is not None:
        yield "whole", f"{request.seconds:.2f} s"
    yield "ended by", ", ".join(filter(None, request.finish_reasons)) or "the user, or a fault"
    if request.error:
        yield "error", request.error


@command(examples=("/request", "/request 2"), number=messages)
def request(chat: Chat, number: str = "") -> Result:
    """Print the JSON that was sent for an answer.

    A field and a message a line; nothing is left out.
    """
    _, asked = _request(chat, number)
    return Verbatim(scripts.json_text(body_of(asked, chat.conversation)), "json")


@command(examples=("/curl", "/curl 2"), number=messages)
def curl(chat: Chat, number: str = "") -> Result:
    """Print the request for an answer as a curl command.

    It has no key in it, and asks for the whole answer at once.
    """
    _, asked = _request(chat, number)
    return Verbatim(scripts.curl(asked, chat.conversation), "bash")


@command("py", examples=("/python", "/python 2"), number=messages)
def python(chat: Chat, number: str = "") -> Result:
    """Print the request for an answer as a Python script.

    It has no key in it, and asks for the whole answer at once.
    """
    _, asked = _request(chat, number)
    return Verbatim(scripts.python(asked, chat.conversation), "python")


@command(examples=("/last_error",))
def last_error(chat: Chat) -> Result:
    """Show the last error whole: all that the server said."""
    error = chat.last_error
    if error is None:
        raise UsageError("There was no error.", "It is about what servers answer.")
    if isinstance(error, ServerError):
        return Verbatim(f"HTTP {error.status}:\n\n{error.words}" if error.status else error.words)
    return Verbatim("\n".join(filter(None, [error.sentence, error.hint, str(error.__cause__ or "")])))


def _request(chat: Chat, number: str) -> tuple[int, Request]:
    """The message that a number means (none: the last answer), and its request; raises UsageError."""
    place = numbered(chat, number).number if number else chat.last("assistant").number
    found = chat.keeping.do(lambda store: store.request(chat.keeping.id, place))
    if found is None:
        raise UsageError(f"No request is known for message {place}.", "It was edited or imported.")
    return place, found
