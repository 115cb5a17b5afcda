"""One turn in the store: its question before the request leaves, the reply while it grows, how it ended."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from llmchat.messages import ROOT, Conversation, Message, Reply, State
from llmchat.store.answers import Answer
from llmchat.store.keeping import Keeping
from llmchat.store.records import Request, fields_of
from llmchat.wire.deltas import Draft

KEEP_EVERY = 0.5
"""Seconds between two writes of a reply in progress, so that none is older than one second."""


class KeptTurn:
    """A turn that follows the message `parent`; None as its question asks the one that is there.

    `draft` is its reply as far as it has come, which begins with `prefix`.
    """

    def __init__(
        self, keeping: Keeping, parent: int, question: Message | None, draft: Draft, prefix: str
    ) -> None:
        self._keeping = keeping
        self._draft = draft
        self._prefix = prefix
        self._kept_at = 0.0
        self._news = False
        self._entry = keeping.begin(parent, replace(question, state="in progress") if question else None)

    @property
    def request(self) -> Request | None:
        """What was asked, and how it went; None before it leaves."""
        return self._entry.request

    def answers(self, reply: Reply) -> tuple[Answer, ...]:
        """Each choice of a reply with its request; none when that did not leave."""
        request, numbers = self._entry.request, self._entry.numbers
        if request is None:
            return ()
        choices = enumerate(reply.choices)
        return tuple(Answer(request, said, numbers.get(i, ROOT), i, i + 1) for i, said in choices)

    def leaves(self, request: Request) -> None:
        """Write what is asked, before it is sent."""
        self._entry.request = replace(request, parent=self._entry.asked)
        self._keeping.write(self._entry)

    def grows(self, *, news: bool) -> None:
        """Write what has come, every now and then; `news` says whether that is more than the last time."""
        now = time.monotonic()
        self._news = self._news or news
        if self._news and now - self._kept_at >= KEEP_EVERY:
            self._entry.answers = self._draft.answers(self._prefix, "in progress")
            if self._entry.answers:
                self._keeping.write(self._entry)
            self._news, self._kept_at = False, now

    def end(
        self, reply: Reply, body: Mapping[str, Any], state: State, error: BaseException | None
    ) -> Conversation:
        """Write how it ended; the conversation with all that is new in the store.

        `state` is that of the answers; when they are "failed", the head stays where it was. `body` is
        what was sent after all, {} when nothing was.
        """
        entry, failed = self._entry, state == "failed"
        if entry.question:
            entry.question = replace(entry.question, state="failed" if failed else "complete")
        if entry.request:
            entry.request = replace(
                entry.request,
                fields=fields_of(body) if body else entry.request.fields,
                finish_reasons=reply.finish_reasons,
                usage=reply.usage,
                timings=reply.timings,
                seconds=time.time() - entry.request.time,
                error=str(error or ""),
            )
            entry.answers = self._draft.answers(self._prefix, state)
        if entry.question or entry.request:
            self._keeping.write(entry, ended=True)
        grown = self._keeping.grown(entry)
        return grown if failed else grown.at(entry.head)
