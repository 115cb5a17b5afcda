"""How fast the replies came, and what they cost."""

from collections.abc import Iterator

from llmchat.chat import Chat
from llmchat.commands.conversation import group
from llmchat.errors import UsageError
from llmchat.messages import Reply
from llmchat.parameter import show
from llmchat.registry import Choice
from llmchat.results import Result, Table

command = group.command


def _switches(_: Chat) -> Iterator[Choice]:
    yield Choice("all", "every reply of this session")
    yield Choice("on", "a line after each reply")
    yield Choice("off", "no line after a reply")


@command("usage", examples=("/stats", "/stats all", "/stats off"), switch=_switches)
def stats(chat: Chat, switch: str = "") -> Result:
    """Show the numbers of the last reply, or of `all`.

    `on` and `off` switch the line after each reply. What the server does not tell is left out.
    """
    if switch and switch.lower() != "all":
        try:
            chat.preferences = chat.preferences.set("stats", switch)
        except UsageError as error:
            raise UsageError(
                f"/stats takes all, on or off, not {switch!r}.", "Alone it tells of the last reply."
            ) from error
        return f"The line after each reply is {show(chat.preferences.stats)}."
    if not chat.replies or (chat.last_reply is None and not switch):
        raise UsageError("There is no reply yet.", "Type a question.")
    if switch:
        return _every(tuple(chat.replies))
    return Table(("last reply", ""), (("model", chat.model), *_facts(chat.last_reply or chat.replies[-1])))


def _facts(reply: Reply) -> Iterator[tuple[str, str]]:
    usage, timings = reply.usage, reply.timings
    if usage:
        cached = "" if usage.cached is None else f", {usage.cached:,} of them cached"
        yield "prompt", f"{usage.prompt:,} tokens{cached}"
    if timings.prompt_per_second:
        yield "read at", f"{timings.prompt_per_second:,.1f} tokens/s"
    if usage:
        yield "reply", f"{usage.completion:,} tokens"
    if timings.first_token is not None:
        yield "first token after", f"{timings.first_token:.3f} s"
    if timings.tokens_per_second:
        yield "speed", f"{timings.tokens_per_second:,.1f} tokens/s"
    if timings.drafted:
        accepted = timings.accepted or 0
        share = f"{accepted / timings.drafted:.0%}"
        yield "draft", f"{accepted:,} of {timings.drafted:,} tokens accepted ({share})"
    yield "ended by", ", ".join(filter(None, reply.finish_reasons)) or "the user, or a fault"


_HEADS = ("", "prompt", "cached", "read/s", "reply", "tokens/s", "first token", "draft")


def _every(replies: tuple[Reply, ...]) -> Table:
    """A row for each reply of the session, without the columns that no server has told."""
    rows = [(str(n), *_row(reply)) for n, reply in enumerate(replies, 1)]
    used = [n for n in range(len(_HEADS)) if any(row[n] for row in rows)]
    return Table(
        tuple(_HEADS[n] for n in used),
        tuple(tuple(row[n] for n in used) for row in rows),
        "The replies of this session, the last one below.",
        one_line=True,
    )


def _row(reply: Reply) -> tuple[str, ...]:
    usage, timings = reply.usage, reply.timings
    return (
        f"{usage.prompt:,}" if usage else "",
        f"{usage.cached:,}" if usage and usage.cached is not None else "",
        f"{timings.prompt_per_second:,.0f}" if timings.prompt_per_second else "",
        f"{usage.completion:,}" if usage else "",
        f"{timings.tokens_per_second:,.0f}" if timings.tokens_per_second else "",
        f"{timings.first_token:.2f} s" if timings.first_token is not None else "",
        f"{(timings.accepted or 0) / timings.drafted:.0%}" if timings.drafted else "",
    )
