"""The context meter: how much of the window the next request takes."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from llmchat.connection import Connection
from llmchat.messages import Attachment, Conversation, Message, Reply
from llmchat.sampling import Sampling
from llmchat.wire import counting
from llmchat.wire.counting import Messages
from llmchat.wire.discovery import Found
from llmchat.wire.protocol import encode, messages_array, request_body

if TYPE_CHECKING:
    from llmchat.wire.client import Client

_REST = 0.1
"""Seconds without a change before a server is asked: while somebody types, not at every key."""

_REMEMBERED = 256
"""Exact counts that are kept."""

# A server's count below this part of ours means that it has cut the prompt.
_CUT_EXACT, _CUT_KNOWN = 0.9, 0.75


@dataclass(frozen=True, slots=True)
class Count:
    """Tokens of a prompt; `exact` when the server has counted them, else about so many.

    `window` is what there is room for, None where it is not known.
    """

    tokens: int
    exact: bool
    window: int | None = None

    @property
    def share(self) -> float:
        """The part of the window that they take; 0 where that is not known."""
        return self.tokens / self.window if self.window else 0.0

    @property
    def fits(self) -> bool:
        """Whether there is room for at least one token of an answer."""
        return self.window is None or self.tokens < self.window

    def __str__(self) -> str:
        window = f" of {self.window:,}" if self.window else ""
        return f"{'' if self.exact else '~'}{self.tokens:,}{window} tokens"


class Metered(Protocol):
    """What the meter looks at; see `Chat`."""

    system: str
    sampling: Sampling
    conversation: Conversation
    connection: Connection
    attached: tuple[Attachment, ...]

    @property
    def model(self) -> str: ...


@dataclass(frozen=True, slots=True)
class _Known:
    """What the last answer has told: these messages are so many tokens on this server with this model."""

    place: tuple[str, str]
    messages: Messages
    tokens: int


class Meter:
    """Counts the prompt of the next request.

    `shown` never waits: it estimates, and lets a thread ask a server that counts; `then` is called
    in that thread when the exact count is there. What the last answer's usage tells makes the
    estimate good: the messages that were sent are known, and only what is new is estimated.
    `asks` says whether somebody can be asked about a question that does not fit, `waived` is the
    question that was asked about.
    """

    def __init__(self, chat: Metered) -> None:
        self._chat = chat
        self._exact: dict[int, int] = {}
        self._known: _Known | None = None
        self._seen: tuple[Any, ...] = ()
        self._count: Count | None = None
        self._wanted: tuple[Client, Found, dict[str, Any]] | None = None
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._mute: Client | None = None
        self.then: Callable[[], None] = lambda: None
        self.asks = True
        self.waived: Message | None = None
        self._warnings: list[str] = []

    def shown(self, draft: str = "") -> Count | None:
        """The prompt of the request that would leave with this question; None when there would be none.

        With nothing typed or attached it is the conversation as it stands, where an answer has told that.
        """
        chat = self._chat
        found = chat.connection.found_so_far()
        if found is None or not (draft or chat.attached or chat.conversation.head):
            return None
        message = Message("user", draft, attachments=chat.attached)
        seen = (found, chat.model, chat.system, chat.conversation, chat.sampling, message)
        if seen != self._seen:
            self._seen = seen
            body = self._body(found, chat.conversation.add(message), chat.sampling)
            standing = None if draft or chat.attached else self._standing(found)
            self._count = standing or self._estimated(found, body)
            # Somebody else's server is not asked at every pause in the typing.
            if not self._count.exact and (found.address.near or not draft):
                self._ask_for(found, body)
        return self._count

    def before(self, asked: Conversation, sampling: Sampling | None = None) -> Count | None:
        """The prompt of a request that is about to leave; asks a server that counts when it may not fit."""
        found = self._chat.connection.found_so_far()
        if found is None:
            return None
        body = self._body(found, asked, sampling or self._chat.sampling)
        count = self._estimated(found, body)
        if not count.exact and count.share > 0.5:
            self._ask(self._chat.connection.client, found, body)
            count = self._estimated(found, body)
        return count

    def learn(self, found: Found | None, body: Mapping[str, Any], reply: Reply | None) -> None:
        """Take in what the answer to a request tells about its prompt, and compare it with our count."""
        usage = reply.usage if reply else None
        if found is None or reply is None or usage is None or not usage.prompt:
            return
        count = self._estimated(found, body)
        if self._is_cut(count, usage.prompt, body):
            about = "" if count.exact else "about "
            self.warn(
                f"The server has read only {usage.prompt:,} of {about}{count.tokens:,} tokens: it has cut "
                "the conversation in silence. `/compact` or `/forget` makes room."
            )
            return
        messages, tokens = list(body["messages"]), usage.prompt
        if messages[-1]["role"] == "assistant":
            messages.pop()  # the answer that was gone on with is part of the new one
        answer = reply.choices[0] if len(reply.choices) == 1 else None
        if answer and answer.content and not answer.reasoning and not answer.cut_short:
            messages, tokens = [*messages, *messages_array("", [answer])], tokens + usage.completion
        self._known = _Known(_place(found, body), messages, tokens)
        self._remember(found, body, usage.prompt)
        self._seen = ()
        used = found.model(str(body["model"]))
        if found.kind.loads and used and used.loaded is False:
            self._chat.connection.look_again()  # it has been loaded for this request, and has a window now

    def warn(self, text: str) -> None:
        """Let the user know, by `told`."""
        self._warnings.append(text)

    def told(self) -> list[str]:
        """What the user should know and has not been told."""
        warnings, self._warnings = self._warnings, []
        return warnings

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._thread = None
            self._changed.notify()

    def _body(self, found: Found, asked: Conversation, sampling: Sampling) -> dict[str, Any]:
        messages = messages_array(self._chat.system, (node.message for node in asked.sent()))
        return request_body(found.kind, self._chat.model, messages, sampling)

    def _standing(self, found: Found) -> Count | None:
        """The conversation with nothing new, when it is what the last answer has told."""
        body = self._body(found, self._chat.conversation, self._chat.sampling)
        known = self._known
        if known is None or known.place != _place(found, body) or known.messages != body["messages"]:
            return None
        return Count(known.tokens, True, found.context(str(body["model"])))

    def _estimated(self, found: Found, body: Mapping[str, Any]) -> Count:
        """The exact count when it is known, else what comes nearest to it."""
        window = found.context(str(body["model"]))
        exact = self._exact.get(_key(found, body))
        if exact is not None:
            return Count(exact, True, window)
        messages: Messages = body["messages"]
        tokens = counting.estimate(messages)
        if self._known and self._known.place == _place(found, body):
            begun = len(self._known.messages)
            if messages[:begun] == self._known.messages:
                tokens = self._known.tokens + counting.estimate(messages[begun:])
            else:
                ratio = self._known.tokens / max(1, counting.estimate(self._known.messages))
                tokens = round(tokens * min(2.0, max(0.5, ratio)))
        return Count(tokens, False, window)

    def _is_cut(self, count: Count, told: int, body: Mapping[str, Any]) -> bool:
        if count.exact:
            return told < _CUT_EXACT * count.tokens
        if count.window and count.share < _CUT_EXACT:
            return False  # there was room, so it is our estimate that is wrong
        known = self._known
        if known and list(body["messages"])[: len(known.messages)] == known.messages:
            return told < max(known.tokens, _CUT_KNOWN * count.tokens)
        return told < count.tokens / 2 and count.tokens > 1000

    def _ask_for(self, found: Found, body: dict[str, Any]) -> None:
        """Let the thread ask the server to count, if it can."""
        if not found.kind.counts or not found.reachable:
            return
        with self._changed:
            self._wanted = (self._chat.connection.client, found, body)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="llmchat-meter", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _run(self) -> None:
        while threading.current_thread() is self._thread:
            with self._changed:
                while self._wanted is None and threading.current_thread() is self._thread:
                    self._changed.wait()
                # Whoever types changes it again soon.
                while self._changed.wait(_REST):
                    pass
                wanted, self._wanted = self._wanted, None
            if wanted and self._ask(*wanted):
                self._seen = ()
                self.then()

    def _ask(self, client: "Client", found: Found, body: Mapping[str, Any]) -> bool:
        """Ask the server to count; whether it has. One that never does is not asked again."""
        if not found.kind.counts or client is self._mute:
            return False
        tokens = counting.ask(found.kind, body, client.post)
        if tokens is None:
            self._mute = client
        if not tokens:
            return False
        self._remember(found, body, tokens)
        return True

    def _remember(self, found: Found, body: Mapping[str, Any], tokens: int) -> None:
        if len(self._exact) >= _REMEMBERED:
            self._exact.clear()
        self._exact[_key(found, body)] = tokens


def _place(found: Found, body: Mapping[str, Any]) -> tuple[str, str]:
    return found.address.api, str(body["model"])


def _key(found: Found, body: Mapping[str, Any]) -> int:
    """What a count belongs to: the server, the model, the messages, and what changes its template."""
    counted = {name: body.get(name) for name in ("model", "messages", "chat_template_kwargs", "tools")}
    return hash((found.address.api, encode(counted)))
