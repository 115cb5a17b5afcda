"""What was typed, on disk: one file that several sessions may append to at once.

The format is prompt_toolkit's own: a comment with the time, then each line of the input after a
plus sign.
"""

import datetime
import os
import re
from collections.abc import Iterator
from pathlib import Path

_SECRET = re.compile(r"\s*/(key|api[-_]?key|login)\b", re.IGNORECASE)
"""A line of the command that takes a key, with the key in it by mistake."""

_READ = 256 * 1024
"""Bytes read from the end of the file: some thousand inputs, in a few milliseconds."""


class InputHistory:
    """The inputs of all sessions. A history that cannot be written is no reason to stop typing."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def newest_first(self) -> Iterator[str]:
        """All inputs, the latest first; a torn end of the file is passed over."""
        try:
            with self._path.open("rb") as file:
                file.seek(max(0, self._path.stat().st_size - _READ))
                text = file.read().decode("utf-8", "replace")
        except OSError:
            return
        entry: list[str] = []
        for line in reversed(text.split("\n")):
            if line.startswith("+"):
                entry.append(line[1:])
            elif entry:
                yield "\n".join(reversed(entry))
                entry = []

    def append(self, text: str) -> None:
        """Add an input in a single write, so that two sessions never mix their lines; never a key."""
        if _SECRET.match(text):
            return
        lines = "".join(f"+{line}\n" for line in text.split("\n"))
        data = f"\n# {datetime.datetime.now()}\n{lines}".encode("utf-8", "replace")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = os.open(self._path, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)
        except OSError:
            return
        try:
            os.write(file, data)
        except OSError:
            pass
        finally:
            os.close(file)
