"""How a reply ended, in words: what the user should know about it, and what can be done."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmchat.errors import ServerError
from llmchat.messages import Reply
from llmchat.wire.refusal import MAKE_ROOM


@dataclass(frozen=True, slots=True)
class Ending:
    """What is known of a reply when it has ended.

    `sent` are the fields of its request, `window` the model's context window in tokens (None: not
    known), `skipped` the number of events that could not be read; `stopped` says whether the user
    has ended it.
    """

    reply: Reply
    sent: Mapping[str, Any]
    window: int | None = None
    skipped: int = 0
    stopped: bool = False

    def remarks(self) -> list[str]:
        """A sentence for each thing that is not as it should be."""
        remarks = []
        if "length" in self.reply.finish_reasons:
            remarks.append(f"{self._limit()} ended the answer: {self._way_out()}")
        if "content_filter" in self.reply.finish_reasons:
            remarks.append("The server's content filter ended the answer.")
        if any(message.cut_short for message in self.reply.choices):
            kept = "Stopped; what came is kept" if self.stopped else "What came is kept"
            remarks.append(f"{kept}, marked as cut short; `/continue` goes on with it.")
        if self.skipped:
            events = "1 event was" if self.skipped == 1 else f"{self.skipped:,} events were"
            remarks.append(f"{events} skipped, being no JSON.")
        return remarks

    def emptiness(self, *, continued: bool) -> ServerError:
        """Why there is no answer; `continued` says whether the model had to go on with one."""
        calls = [call.name for message in self.reply.choices for call in message.tool_calls]
        if calls:
            return ServerError(
                f"The model only asks for a tool call ({', '.join(calls)}), which llmchat never runs.",
                "Ask it to answer in words.",
            )
        if "length" in self.reply.finish_reasons:
            return ServerError(f"{self._limit()} ended the reply before its answer.", self._way_out())
        if continued:
            return ServerError("The model has nothing to add to its answer.", "`/regen` asks for another.")
        if any(message.reasoning for message in self.reply.choices):
            return ServerError("The model thought, and gave no answer.", "Ask it once more.")
        return ServerError(
            "The server sent an empty reply.",
            "Its context window may be too small for the conversation (`/compact`, `/clear`); "
            "`/server` shows what is loaded there.",
        )

    def _limit(self) -> str:
        """What the finish reason `length` means here."""
        asked, window = self._asked, self.window
        if self._fills_window():
            return f"The context window ({window:,} tokens)"
        if self.reply.usage is None:
            return f"max_tokens ({asked:,}) or the context window" if asked else "The context window"
        # LM Studio counts one less than it was asked for.
        if asked and self._completion >= asked - 1:
            return f"max_tokens ({asked:,})"
        own = "A limit of the server's own"
        return own if window else f"{own}, or the context window,"

    def _way_out(self) -> str:
        if self._fills_window() or (self.reply.usage is None and not self._asked):
            return MAKE_ROOM
        return "`/continue` goes on, `/max_tokens` sets another limit."

    @property
    def _asked(self) -> int | None:
        """The limit of the request; None when it had none."""
        limits = (self.sent.get(name) for name in ("max_tokens", "max_completion_tokens"))
        return next((limit for limit in limits if isinstance(limit, int) and limit >= 0), None)

    @property
    def _completion(self) -> int:
        """Tokens of one choice: servers count them all together."""
        return self.reply.usage.completion // max(1, len(self.reply.choices)) if self.reply.usage else 0

    def _fills_window(self) -> bool:
        usage = self.reply.usage
        return bool(usage and self.window and usage.prompt + self._completion >= self.window - 1)
