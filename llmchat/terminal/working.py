"""Work that takes its time: a line that says how far it is, and goes away at the end."""

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from llmchat.terminal.sanitize import safe


def work(steps: Iterator[str], console: Console) -> str:
    """Show each line in the place of the one before; the last is not shown but returned."""
    line = ""
    with console.status("") as status:
        for line in steps:
            status.update(Text(safe(line), "dim"))
    return line
