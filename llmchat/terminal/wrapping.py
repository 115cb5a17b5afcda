"""Plain text in rows that break between words, for what the prompt writes by itself.

Rich would do it, but the first prompt is shown before rich is imported.
"""

from prompt_toolkit.output import Output
from prompt_toolkit.utils import get_cwidth

from llmchat.terminal.sanitize import safe


def in_rows(text: str, output: Output) -> str:
    """A text that is safe to show, in rows that leave room for the cursor."""
    return wrapped(safe(text), output.get_size().columns - 1)


def wrapped(text: str, columns: int) -> str:
    """The text in rows of at most so many columns; a word that is longer stands alone."""
    rows: list[str] = []
    for line in text.split("\n"):
        row, *words = line.split(" ")
        for word in words:
            if get_cwidth(row) + 1 + get_cwidth(word) <= columns:
                row += f" {word}"
            else:
                rows.append(row)
                row = word
        rows.append(row)
    return "\n".join(rows)
