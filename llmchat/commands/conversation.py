"""Commands about the conversation and its replies."""

from collections.abc import Iterator

from llmchat.amounts import number_in
from llmchat.chat import Chat
from llmchat.commands.assignments import assignments, names
from llmchat.commands.places import first_line
from llmchat.config.typed import with_typed
from llmchat.errors import UsageError
from llmchat.input.lines import system_prompt
from llmchat.parameter import show as shown_value
from llmchat.registry import NOTHING, Choice, Group, Rest
from llmchat.results import Ask, Continue, Result, Send, Table

group = Group("The conversation")
command = group.command

_LONGEST_LINE = 70
_GO_ON = "Please go on exactly where you stopped."


@command(
    "system_prompt", "sp", "prompt", examples=("/system Answer in one sentence.", "/system", "/system none")
)
def system(chat: Chat, text: Rest = NOTHING) -> Result:
    """Show the system prompt, or set it; `none` takes it away.

    `off`, `clear` and `reset` do so, too. It is sent before the conversation each time, without quotes
    around the whole of it, and `/clear` keeps it.
    """
    if text:
        chat.system = system_prompt(text)
    return f"System prompt: {chat.system}" if chat.system else "There is no system prompt."


@command("new", "reset", examples=("/clear",))
def clear(chat: Chat) -> Result:
    """Begin a new conversation.

    Parameters, model and system prompt stay.
    """
    chat.clear()
    return "A new conversation. Parameters, model and system prompt stay."


@command("retry", "r", examples=("/regen", "/regen temperature=1 seed=7"), values=names)
def regen(chat: Chat, values: Rest = NOTHING) -> Result:
    """Ask the last question once more.

    The earlier answer is kept beside the new one; `/pick` goes back to it. With `k=v …` these
    parameters count this once.
    """
    sampling = chat.sampling
    for name, value in assignments(values) if values else ():
        sampling = with_typed(sampling, name, value)
    return Send(None, sampling=sampling)


@command("cont", examples=("/continue",))
def continue_(chat: Chat) -> Result:
    """Let the model go on with its last answer.

    The whole stands beside the earlier one. Where a server is not known to do that, it offers to
    ask the model in words.
    """
    if chat.conversation.last("assistant") is None:
        raise UsageError("There is no answer yet.", "Type a question.")
    if chat.continues:
        return Continue()

    def ask_in_words(answer: str) -> Result:
        return "Nothing was sent." if answer.strip().lower().startswith("n") else Send(_GO_ON)

    return Ask(
        "This server is not known to go on with an answer. Ask in words for the rest? [Y/n]", ask_in_words
    )


@command(examples=("/undo", "/undo 2"))
def undo(chat: Chat, n: str = "1") -> Result:
    """Take the last question and its answer back.

    With a number, the last `n`. They stay in the `/tree`.
    """
    questions = number_in(n)
    if not questions:
        raise UsageError(f"/undo takes a number of questions, not {n!r}.", "For example: /undo 2")
    last = chat.last("user")
    for _ in range(questions - 1):
        before = chat.conversation.at(last.parent).last("user")
        if before is None:
            raise UsageError(f"There are not {n} questions to take back.", "`/history` shows them.")
        last = before
    chat.go(last.parent)
    return f"Took back: {first_line(last)}"


@command(examples=("/history",))
def history(chat: Chat) -> Result:
    """List the messages that the next request sends."""
    rows = [("", "system", chat.system.partition("\n")[0][:_LONGEST_LINE])] if chat.system else []
    path, omitted = chat.conversation.path(), chat.conversation.omitted
    for node in path:
        forgotten = " (forgotten)" if node.number in omitted else ""
        rows.append((str(node.number), node.message.role + forgotten, first_line(node)))
    if not rows:
        return "The conversation has not begun."
    left_out = omitted & {node.number for node in path}
    caption = "What is forgotten is not sent; `/remember` takes it back." if left_out else ""
    return Table(("#", "role", "message"), tuple(rows), caption, one_line=True)


def _aspects(_: Chat) -> Iterator[Choice]:
    yield Choice("parameters", "what is set")
    yield Choice("system", "the system prompt")
    yield Choice("model", "the model")


@command("status", examples=("/show", "/show parameters"), aspect=_aspects)
def show(chat: Chat, aspect: str = "") -> Result:
    """Show in short what the next request is made of.

    That is the server, the model, the system prompt and the parameters.
    """
    connection = chat.connection
    found = connection.found_so_far()
    where = str(connection.address or "starting") + (f" ({found.title})" if found and found.reachable else "")
    parameters = " ".join(f"{name}={shown_value(s.value)}" for name, s in chat.sampling.effective.items())
    rows = {
        "server": where,
        "model": chat.model,
        "system": chat.system or "none",
        "messages": str(len(chat.conversation.path())),
        "parameters": parameters,
    }
    if aspect:
        begun = [name for name in rows if name.startswith(aspect.lower().rstrip("s"))]
        if not begun:
            raise UsageError(f"/show has no {aspect!r}.", f"There are: {', '.join(rows)}.")
        return f"{begun[0]}: {rows[begun[0]]}"
    return Table(("", ""), tuple(rows.items()))
