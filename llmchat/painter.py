"""Rows in, terminal output out: finished rows are written once, open ones rewritten in place.

Pure: it returns what to write. The cursor rests at the end of the last open row, or at the start of
a fresh row when there is none. `CSI J` is never used: tmux scrolls the screen away with it.
"""

_BEGIN = "\x1b[?2026h\x1b[?25l\x1b[?7l"
_END = "\x1b[?7h\x1b[?25h\x1b[?2026l"
_WIPE = "\x1b[2K"


class Painter:
    """Remembers the open rows on the screen, so that only what changed is written."""

    def __init__(self) -> None:
        self._live: list[str] = []

    def frame(self, finished: list[str], live: list[str]) -> str:
        """The output that puts `finished` rows below what is there and shows the `live` ones after."""
        new = finished + live
        old = self._live
        same = 0
        while same < min(len(old), len(new)) and old[same] == new[same]:
            same += 1
        if same == len(old) == len(new) and not finished:
            return ""
        stale = max(0, len(old) - len(new))
        rows = [_WIPE + row for row in new[same:] + [""] * stale]
        out = self._to_row(same) + "\r\n".join(rows) if rows else ""
        up = stale if new else stale - 1
        if up > 0:
            out += f"\x1b[{up}A"
        if not live:
            out += "\r\n" if new else "\r"
        self._live = live
        return _BEGIN + out + _END

    def _to_row(self, index: int) -> str:
        """From the end of the last open row to the start of the row with this index."""
        up = len(self._live) - 1 - index
        if up > 0:
            return f"\r\x1b[{up}A"
        return "\r\n" if up < 0 and self._live else "\r"
