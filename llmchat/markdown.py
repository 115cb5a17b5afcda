"""Growing markdown in, finished blocks and an open tail out. Draws nothing.

Only the last top-level block of complete lines can still change; all before it is finished.
"""

from markdown_it import MarkdownIt

_PARSER = MarkdownIt().enable("strikethrough").enable("table")


class Blocks:
    """Feed it text as it comes; `tail` is what is not finished yet."""

    def __init__(self) -> None:
        self.tail = ""

    def feed(self, text: str) -> str:
        """The source that became finished with `text`; "" when none did."""
        self.tail += text
        if "\n" not in text:
            return ""
        complete = self.tail.rpartition("\n")[0] + "\n"
        tops = [token for token in _PARSER.parse(complete) if token.level == 0 and token.map]
        if len(tops) < 2 or not (first := (tops[-1].map or [0])[0]):
            return ""
        lines = complete.splitlines(keepends=True)
        finished = "".join(lines[:first])
        self.tail = self.tail[len(finished) :]
        return finished

    def finish(self) -> str:
        """What is left, when no more text comes."""
        rest, self.tail = self.tail, ""
        return rest
