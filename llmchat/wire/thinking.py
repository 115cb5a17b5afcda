"""Reasoning that a model writes into its answer, taken out again while it streams.

Three forms: `<think>…</think>` at the very start of the answer; only a closing `</think>`, when the
chat template has written the opening one into the prompt; Kimi's `◁think▷`. A tag may be cut
anywhere between two deltas. A tag inside a line or inside code is text: somebody may talk about it.
"""

from enum import Enum, auto

from llmchat.wire.deltas import Delta, Reasoning, Text, WasReasoning

_TAGS = {"<think>": "</think>", "◁think▷": "◁/think▷"}
_CLOSING = tuple(_TAGS.values())


class _Phase(Enum):
    START = auto()  # nothing but white space has come
    THINKING = auto()  # after an opening tag
    GAP = auto()  # white space between the closing tag and the answer
    UNSURE = auto()  # text; it is reasoning if a lone closing tag comes
    ANSWER = auto()  # text for certain


class Splitter:
    """The text of one choice in, text and reasoning out."""

    def __init__(self, choice: int = 0) -> None:
        self._choice = choice
        self._phase = _Phase.START
        self._held = ""
        self._closing = ""
        self._line = ""  # of the current line, what has been given out
        self._fence = ""  # that began the code block around the current line

    def expect_answer(self) -> None:
        """The server keeps reasoning apart by itself: all that comes here is the answer."""
        self._phase = _Phase.ANSWER

    def feed(self, text: str, *, final: bool = False) -> list[Delta]:
        """The deltas that are certain after `text`; what may become a tag is held back."""
        self._held += text
        out: list[Delta] = []
        while self._held:
            before = (self._phase, self._held)
            self._step(out, final)
            if (self._phase, self._held) == before:
                break
        return out

    def _step(self, out: list[Delta], final: bool) -> None:
        match self._phase:
            case _Phase.START:
                self._start(final)
            case _Phase.THINKING:
                self._think(out, final)
            case _Phase.GAP:
                self._held = self._held.lstrip()
                if self._held:
                    self._phase = _Phase.ANSWER
            case _Phase.UNSURE:
                self._read_line(out, final)
            case _Phase.ANSWER:
                out.append(Text(self._held, self._choice))
                self._held = ""

    def _start(self, final: bool) -> None:
        text = self._held.lstrip()
        for opening, closing in _TAGS.items():
            if text.startswith(opening):
                self._phase, self._closing = _Phase.THINKING, closing
                self._held = text.removeprefix(opening)
                return
        if final or not any(opening.startswith(text) for opening in _TAGS):
            self._phase = _Phase.UNSURE

    def _think(self, out: list[Delta], final: bool) -> None:
        before, tag, after = self._held.partition(self._closing)
        kept = "" if tag or final else _tag_begun_at_end(before, (self._closing,))
        ready = before.removesuffix(kept)
        if ready:
            out.append(Reasoning(ready, self._choice))
        self._held = after if tag else kept
        if tag:
            self._phase = _Phase.GAP

    def _read_line(self, out: list[Delta], final: bool) -> None:
        """Give out the current line as far as it is certain that no closing tag begins or ends it."""
        line, newline, rest = self._held.partition("\n")
        ended = bool(newline) or final
        around = None if self._fence else self._around_tag(line, ended)
        if around:
            before, after = around
            self._turn_into_reasoning(out, before, after + newline + rest)
            return
        kept = "" if ended else _tag_begun_at_end(line, _CLOSING)
        ready = line.removesuffix(kept) + newline
        if ready:
            out.append(Text(ready, self._choice))
        self._held = rest if newline else kept
        self._line += ready
        if newline:
            self._fence = _fence_after(self._line, self._fence)
            self._line = ""

    def _around_tag(self, line: str, ended: bool) -> tuple[str, str] | None:
        """What stands around a closing tag that begins or ends the line; None when there is none."""
        for tag in _CLOSING:
            # The beginning of a line comes first, however much of the line is here.
            if not self._line and line.startswith(tag):
                return "", line.removeprefix(tag)
        for tag in _CLOSING:
            if ended and line.rstrip().endswith(tag) and (self._line + line).count("`") % 2 == 0:
                before, _, after = line.rpartition(tag)
                return before, after
        return None

    def _turn_into_reasoning(self, out: list[Delta], before: str, after: str) -> None:
        if before:
            out.append(Text(before, self._choice))
        out.append(WasReasoning(self._choice))
        self._held = after
        self._phase = _Phase.GAP


def _fence_after(line: str, open_fence: str) -> str:
    """The fence of the code block that is open after this line, "" when none is."""
    line = line.strip()
    fence = next((fence for fence in ("```", "~~~") if line.startswith(fence)), "")
    if not fence or open_fence not in ("", fence) or "`" in line.lstrip("`"):
        return open_fence
    return "" if open_fence else fence


def _tag_begun_at_end(text: str, tags: tuple[str, ...]) -> str:
    """The end of `text` that may belong to a tag: the start of one, or a whole one and blanks."""
    body = text.rstrip()
    for tag in tags:
        if body.endswith(tag):
            return text[len(body) - len(tag) :]
        for length in range(min(len(tag) - 1, len(text)), 0, -1):
            if text.endswith(tag[:length]):
                return text[-length:]
    return ""
