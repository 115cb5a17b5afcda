"""Better titles, asked from the model while the prompt waits, for those who want that."""

import contextlib
import threading
from collections.abc import Iterator

from llmchat.chat import Chat
from llmchat.errors import LlmchatError
from llmchat.messages import ROOT
from llmchat.sampling import Sampling
from llmchat.store.records import title_of
from llmchat.wire.deltas import Text
from llmchat.wire.protocol import messages_array, optional_fields, request_body

IDLE = 3.0
"""Seconds that the prompt has waited before the model is asked."""

_REQUEST = "Give this conversation a title of at most six words. Answer with the title alone."
_LONGEST = 400
"""Characters; a model that says more has not understood."""

_MOST_TOKENS = 2000
"""Much, since some models think before they answer."""


class Titles:
    """Asks the model once for each conversation, after its first answer and with the setting `titles`.

    A title that somebody has given stays. The request is given up as soon as a line is entered.
    """

    def __init__(self, chat: Chat, idle: float = IDLE) -> None:
        self._chat = chat
        self._idle = idle
        self._asked: set[int] = set()
        self._asking: _Asking | None = None

    @property
    def asking(self) -> bool:
        """Whether the model is being asked, or will be in a moment."""
        return self._asking is not None and self._asking.running

    @contextlib.contextmanager
    def while_idle(self) -> Iterator[None]:
        """While a line is awaited: ask in a thread; at the end, take what came."""
        if not self._wanted():
            yield
            return
        asking = self._asking = _Asking(self._chat, self._idle)
        conversation = self._chat.keeping.id
        try:
            yield
        finally:
            if title := asking.end():
                self._chat.keeping.do(lambda store: store.rename(conversation, title))
            if asking.asked:
                self._asked.add(conversation)

    def _wanted(self) -> bool:
        chat = self._chat
        id = chat.keeping.id
        if chat.preferences.titles != "model" or not id or id in self._asked:
            return False
        if chat.conversation.last("assistant") is None or chat.connection.found_so_far() is None:
            return False
        first = next(node for node in chat.conversation.nodes if node.parent == ROOT)
        return chat.keeping.do(lambda store: store.title(id)) == title_of(first.message.content)


class _Asking:
    """One request for a title, in a thread, after a while."""

    def __init__(self, chat: Chat, idle: float) -> None:
        found = chat.connection.found(timeout=0)
        assert found
        messages = messages_array(chat.system, (node.message for node in chat.conversation.sent()))
        messages.append({"role": "user", "content": _REQUEST})
        sampling = Sampling().with_value("temperature", 0.0, "default")
        sampling = sampling.with_value("max_tokens", _MOST_TOKENS, "default")
        body = request_body(found.kind, chat.model, messages, sampling)
        self._client = chat.connection.client
        self._body = body
        self._optional = optional_fields(body, found.kind, sampling)
        self._idle = idle
        self._answer = ""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="llmchat-title", daemon=True)
        self.asked = False
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether the thread has still something to do."""
        return self._thread.is_alive()

    def end(self) -> str:
        """Give up what has not come yet; the title, "" when there is none."""
        self._ended.set()
        self._thread.join()
        line = next((line for line in self._answer.splitlines() if line.strip()), "")
        return title_of(line.strip(" \t#*_`\"'“”.").removeprefix("Title:"))

    def _run(self) -> None:
        if self._ended.wait(self._idle):
            return
        self.asked = True
        stream = self._client.chat(self._body, self._optional)
        answer = ""
        try:
            while not (stream.ended or self._ended.is_set() or len(answer) > _LONGEST):
                answer += "".join(delta.text for delta in stream.wait(0.05) if isinstance(delta, Text))
            if stream.ended:
                self._answer = answer
        except LlmchatError:
            pass  # the conversation keeps the title that it has
        finally:
            stream.close()
