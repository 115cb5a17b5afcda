"""What a terminal makes of the rows it has when its width changes."""

import math
import os


def terminal_reflows() -> bool:
    """Whether it wraps them anew, as nearly all do; xterm, GNU screen and the Linux console do not."""
    if "TMUX" in os.environ:
        return True
    return not ("XTERM_VERSION" in os.environ or "STY" in os.environ or os.environ.get("TERM") == "linux")


def wrapped_height(cells: int, columns: int) -> int:
    """The rows that a row of so many cells takes up when it has been wrapped at this width."""
    return max(1, math.ceil(cells / columns))
