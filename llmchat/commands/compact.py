"""Making room in the context window: a summary of what was said, or the oldest questions left out."""

from dataclasses import replace

from llmchat.amounts import number_in
from llmchat.chat import Chat
from llmchat.commands import context
from llmchat.commands.context import turns
from llmchat.errors import UsageError
from llmchat.messages import ROOT, Conversation, Message, Node
from llmchat.results import Ask, Result, Send, is_yes
from llmchat.sampling import Sampling

_SUMMARISE = (
    "Summarise our conversation so far, so that you can go on from the summary alone: what was asked, "
    "found and decided, with all names, figures and code that still matter, and what is open. Be short."
)
_ASKED = "What have we said so far, in short?"
_NOT_SENT = "Nothing was sent; the question is back for editing."
_KEPT = "2"

_COMFORTABLE = 0.8
"""The part of the window that a request may fill, so that there is room for an answer."""

group = context.group
command = group.command

# What shapes an answer for other ends than a summary.
_NOT_FOR_A_SUMMARY = (
    *("n", "stop", "max_tokens", "ignore_eos", "logprobs", "top_logprobs"),
    *("response_format", "json_schema", "grammar"),
)


@command("compress", "summarize", examples=("/compact", "/compact 4"))
def compact(chat: Chat, keep: str = _KEPT) -> Result:
    """Put a summary in the place of what was said.

    The model writes it. The last questions with their answers follow it as they are: two, or as many
    as you say. All of it stays in the `/tree`, and `/goto` goes back.
    """
    questions = number_in(keep)
    if questions is None:
        raise UsageError(f"/compact takes the number of questions to keep, not {keep!r}.", "Like /compact 4")
    return _summarised(chat, questions)


def _summarised(chat: Chat, keep: int, next_: Result = None) -> Result:
    """Ask for a summary, go on from it, and then do what is `next_`; raises UsageError."""
    before = chat.conversation
    old = list(turns(before.sent()))
    kept = [old.pop() for _ in range(min(keep, len(old)))][::-1]
    if not old:
        raise UsageError("There is nothing to summarise yet.", "`/compact 0` keeps no question as it is.")
    asked = Message("user", _SUMMARISE)
    while old and not _fits(chat, before.at(old[-1][-1].number).add(asked)):
        kept.insert(0, old.pop())
    if not old:
        raise UsageError("Even the first answer is too long to summarise.", "`/forget` leaves it out.")

    def put() -> Result:
        answer = chat.conversation.last("assistant")
        if chat.conversation.head == before.head or answer is None or answer.message.state != "complete":
            chat.go(before.head)
            return "There is no summary; everything is as it was."
        _put_summary(chat, answer.message, [node for turn in kept for node in turn])
        last = {0: "", 1: ", with the last question as it was"}
        still = last.get(len(kept), f", with the last {len(kept)} questions as they were")
        back = f"`/goto {before.head}` goes back to all of it."
        return next_ or f"The conversation goes on from the summary{still}; {back}"

    return Send(asked, old[-1][-1].number, _plain(chat.sampling), put)


def _put_summary(chat: Chat, summary: Message, kept: list[Node]) -> None:
    """A summary and copies of these messages, as a branch of their own."""
    number = chat.put(Message("user", _ASKED), ROOT)
    number = chat.put(Message("assistant", summary.content), number)
    for node in kept:
        number = chat.put(node.message, number)


def _plain(sampling: Sampling) -> Sampling:
    for name in _NOT_FOR_A_SUMMARY:
        sampling = sampling.without(name)
    return sampling


def _fits(chat: Chat, asked: Conversation) -> bool:
    count = chat.meter.before(asked)
    return count is None or count.share <= _COMFORTABLE


def offer(
    chat: Chat, question: Message, after: int | None = None, sampling: Sampling | None = None
) -> Ask | None:
    """What to ask before a question that does not fit into the window; None when it does.

    Where nobody can be asked, it is said and sent.
    """
    place = chat.conversation if after is None else chat.conversation.at(after)
    count = chat.meter.before(place.add(question), sampling)
    if count is None or count.fits or question is chat.meter.waived:
        return None
    alone = chat.meter.before(_without_turns(place).add(question), sampling)
    can_have_room = alone is None or alone.fits
    told = f"This does not fit into the context window: {count}."
    if not can_have_room:
        told = f"This message alone does not fit into the context window: {alone}."
    if not chat.meter.asks:
        chat.meter.warn(told)
        return None
    send = Send(question, after, sampling)
    ask = _ask_for_room if can_have_room else _ask_to_send
    return ask(chat, question, send, told)


def _ask_for_room(chat: Chat, question: Message, send: Send, told: str) -> Ask:
    """Ask how to make room for a question."""

    def then(answer: str) -> Result:
        word = answer.strip().lower()[:1]
        if word == "s":
            return _all_the_same(chat, question, send)
        if word not in ("c", "f"):
            return _NOT_SENT
        if send.after is not None:
            chat.go(send.after)
        # It is offered again where the summary leaves too little room.
        here = replace(send, after=None)
        return (
            _summarised(chat, int(_KEPT), here) if word == "c" else _without_the_oldest(chat, question, here)
        )

    return Ask(f"{told} (c)ompact, (f)orget the oldest questions, or (s)end it all the same?", then)


def _ask_to_send(chat: Chat, question: Message, send: Send, told: str) -> Ask:
    """Ask whether to send a question for which no room can be made."""

    def then(answer: str) -> Result:
        return _all_the_same(chat, question, send) if is_yes(answer) else _NOT_SENT

    return Ask(f"{told} Send it all the same? [y/N]", then)


def _all_the_same(chat: Chat, question: Message, send: Send) -> Send:
    """The question, about which is not asked again."""
    chat.meter.waived = question
    return send


def _without_turns(conversation: Conversation) -> Conversation:
    """The conversation with all its questions and answers left out."""
    omitted = {node.number for turn in turns(conversation.sent()) for node in turn}
    return replace(conversation, omitted=conversation.omitted | omitted)


def _without_the_oldest(chat: Chat, question: Message, send: Send) -> Result:
    """Forget so many of the oldest questions with their answers that there is room: all, if need be."""
    omitted = chat.conversation.omitted
    for turn in turns(chat.conversation.sent()):
        omitted |= {node.number for node in turn}
        if _fits(chat, replace(chat.conversation, omitted=omitted).add(question)):
            break
    chat.omit(*omitted)
    return send
