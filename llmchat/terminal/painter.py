"""Rows in, terminal output out: finished rows are written once, open ones rewritten in place.

Pure: it returns what to write. The cursor rests at the end of the last open row, or at the start of
a fresh row when there is none. `CSI J` is never used: tmux scrolls the screen away with it.
"""

import unicodedata

_HIDE = "\x1b[?25l"
_SHOW = "\x1b[?25h"
# Synchronised output, so that no half of a frame is seen; and no wrapping, so that a glyph which the
# terminal draws wider than we think costs a cell and not a row.
_BEGIN = "\x1b[?2026h\x1b[?7l"
_END = "\x1b[?7h\x1b[?2026l"
_WIPE = "\x1b[2K"


class Painter:
    """Remembers the open rows on the screen, so that only what changed is written.

    The cursor is hidden from the first frame on; `close` gives it back.
    """

    def __init__(self) -> None:
        self.live: list[str] = []
        self._opened = False

    def frame(self, finished: list[str], live: list[str]) -> str:
        """The output that puts `finished` rows below what is there and shows the `live` ones after."""
        new = finished + live
        old = self.live
        same = 0
        while same < min(len(old), len(new)) and old[same] == new[same]:
            same += 1
        if same == len(old) == len(new) and not finished:
            return ""
        self.live = live
        return self._framed(_grown(old, new, same) or _rewritten(old, new, same), live, new)

    def wipe(self, height: int) -> str:
        """The output that empties the open rows, which take up `height` rows of the screen now."""
        if not self.live:
            return ""
        self.live = []
        up = "\r" + _up(height - 1)
        return _BEGIN + up + "\r\n".join([_WIPE] * height) + up + _END

    def close(self) -> str:
        """The output that leaves the terminal as it was."""
        opened, self._opened = self._opened, False
        return _END + _SHOW if opened else ""

    def _framed(self, out: str, live: list[str], new: list[str]) -> str:
        if not live:
            out += "\r\n" if new else "\r"
        hide = "" if self._opened else _HIDE
        self._opened = True
        return hide + _BEGIN + out + _END


def _grown(old: list[str], new: list[str], same: int) -> str:
    """The output if the last open row has only got longer, rows below it perhaps; else ""."""
    if not old or same < len(old) - 1 or len(new) < len(old) or not new[len(old) - 1].startswith(old[-1]):
        return ""
    more = new[len(old) - 1][len(old[-1]) :]
    if more and unicodedata.category(more[0]) in ("Mn", "Me", "Mc", "Cf", "Sk"):
        # It changes the character before it, and perhaps its width.
        return ""
    return more + "".join(f"\r\n{_WIPE}{row}" for row in new[len(old) :])


def _rewritten(old: list[str], new: list[str], same: int) -> str:
    """The output that rewrites the rows from index `same` on; those that are too many it empties first."""
    emptied = ""
    if len(old) > len(new):
        # The last row is written again in any case: the cursor has to end behind it.
        same = min(same, max(0, len(new) - 1))
        emptied = "\r\n".join([_WIPE] * (len(old) - same)) + "\r" + _up(len(old) - 1 - same)
    rows = [_WIPE + row for row in new[same:]]
    return _to_row(len(old), same) + emptied + "\r\n".join(rows) if rows or emptied else ""


def _to_row(rows: int, index: int) -> str:
    """From the end of the last of so many open rows to the start of the row with this index."""
    return "\r\n" if index == rows > 0 else "\r" + _up(rows - 1 - index)


def _up(rows: int) -> str:
    return f"\x1b[{rows}A" if rows > 0 else ""
