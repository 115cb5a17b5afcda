"""Work that takes its time: lines that say how far it is, in one place or below each other."""

from rich.text import Text

from llmchat.results import Working
from llmchat.terminal.results import Results
from llmchat.terminal.sanitize import safe


def work(working: Working, results: Results) -> None:
    """Show what is done, while it is done."""
    if working.stay:
        for line in working.steps:
            results.text(line)
    else:
        line = ""
        with results.console.status("") as status:
            for line in working.steps:
                status.update(Text(safe(line), "dim"))
        results.text(line)
