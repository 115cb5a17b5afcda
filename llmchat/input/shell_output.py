"""What `!command` does: it runs in the shell, its output is shown, and offered to the next message."""

from llmchat.amounts import size_text
from llmchat.chat import Chat
from llmchat.commands.attachments import add
from llmchat.input.attachments import output_of
from llmchat.input.shell import Running
from llmchat.interruptions import ctrl_c, ending
from llmchat.results import Ask, Result, is_yes
from llmchat.terminal.screen import Screen


def in_shell(line: str, chat: Chat, screen: Screen) -> Result:
    """Run a line that the user typed, and show its output as it comes; what to ask about it."""
    running = Running(line)
    with ending(running.stop), ctrl_c(running.stop):
        for text in running:
            screen.results.verbatim(text, end="")
    if not running.output.endswith("\n"):
        screen.results.verbatim("")
    if running.status:
        ended = f"signal {-running.status}" if running.status < 0 else running.status
        screen.note("Stopped." if running.stopped else f"It ended with {ended}.")
    if not running.output.strip():
        return None
    attachment = output_of(line, running.output)

    def attached(answer: str) -> Result:
        return add(chat, (attachment,)) if is_yes(answer) else None

    return Ask(f"Attach its output ({size_text(attachment.size)}) to the next message? [y/N]", attached)
