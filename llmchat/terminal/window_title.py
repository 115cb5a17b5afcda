"""The title of the terminal's window: set while the program runs, and given back."""

from prompt_toolkit.output import Output
from prompt_toolkit.output.vt100 import Vt100_Output

from llmchat.terminal.sanitize import safe_line

_LONGEST = 60
"""Characters of what is told besides the program's name."""

# xterm's stack of titles, which most terminals have and the others ignore.
_KEEP, _GIVE_BACK = "\x1b[22;2t", "\x1b[23;2t"


class WindowTitle:
    """The title of the window that `output` is in; prompt_toolkit sets none where there is no window."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._shown: str | None = None

    def __enter__(self) -> "WindowTitle":
        return self

    def __exit__(self, *_: object) -> None:
        self.show(None)

    def show(self, text: str | None) -> None:
        """Show the program's name and a text, which is made safe; None gives the title back."""
        if text is None:
            title = None
        else:
            line = safe_line(text)
            line = line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
            title = f"{line} · llmchat" if line else "llmchat"
        if title == self._shown:
            return
        if self._shown is None:
            self._stack(_KEEP)
        if title is None:
            # Emptied first, for terminals that keep no stack.
            self._output.clear_title()
            self._stack(_GIVE_BACK)
        else:
            self._output.set_title(title)
        self._shown = title
        self._output.flush()

    def _stack(self, sequence: str) -> None:
        if isinstance(self._output, Vt100_Output) and self._output.term not in ("linux", "eterm-color"):
            self._output.write_raw(sequence)
