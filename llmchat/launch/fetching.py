"""`--local`: a model file that is there, or one from the hub, fetched after asking."""

import os
import sys
import time
from pathlib import Path

from llmchat.amounts import size_text
from llmchat.config import settings as settings_of
from llmchat.errors import UsageError
from llmchat.local import engine, hub
from llmchat.local.hub import ModelFile
from llmchat.local.memory import free_memory
from llmchat.terminal.sanitize import safe_line

_EVERY = 0.1
_YES = ("", "y", "yes")


def local_model(words: str) -> Path:
    """The model file that `--local` means, fetched if need be; "" is the recommended one.

    Raises HubError, UsageError, and KeyboardInterrupt when it was stopped.
    """
    path = Path(os.path.expanduser(words))
    if " " in words and not path.exists():
        raise UsageError(f"There is no model file {words!r}.", "A question stands before `--local`.")
    if words and (path.exists() or not hub.reference(words)):
        return path
    repository, wanted = hub.reference(words) or (hub.RECOMMENDED, "")
    folder = settings_of.data_folder(os.environ) / "models"
    if there := hub.kept(repository, wanted, folder):
        return there
    engine.check_installed()
    free = free_memory()
    model = hub.chosen(hub.listed(repository), wanted, free)
    _ask(model, folder, free)
    progress = _Progress(model.size)
    try:
        return hub.fetch(model, folder, progress.show)
    finally:
        progress.end()


def _ask(model: ModelFile, folder: Path, free: int | None) -> None:
    """Say what would be fetched and how large it is; raises UsageError unless the user wants it."""
    room = f" {size_text(free)} of memory are free." if free else ""
    name = safe_line(f"{model.repository}: {model.name}")
    _write(f"{name}, {size_text(model.size)}.{room}\n")
    _write(f"It would be kept in {safe_line(str(model.path(folder).parent))}.\n")
    if begun := hub.begun(model, folder):
        _write(f"{size_text(begun)} of it are there already.\n")
    if free and model.size > free * hub.ROOM:
        _write("It may be too large for this machine.\n")
    if not (sys.stdin and sys.stdin.isatty()):
        raise UsageError("Nobody can be asked whether to fetch it.", "Run the same once in a terminal.")
    _write("Fetch it? [Y/n] ")
    if sys.stdin.readline().strip().lower() not in _YES:
        raise UsageError("Nothing was fetched.", "`llmchat --local FILE` runs a model file that you have.")


class _Progress:
    """One line on a terminal that tells how far a download is."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._begun = time.monotonic()
        self._first: int | None = None
        self._shown_at = 0.0
        self._shown = sys.stderr is not None and sys.stderr.isatty()

    def show(self, there: int) -> None:
        """Tell that so many bytes are there."""
        now = time.monotonic()
        if self._first is None:
            self._first = there
        if self._shown and (now - self._shown_at > _EVERY or there == self._size):
            self._shown_at = now
            speed = (there - self._first) / max(now - self._begun, _EVERY)
            done = f"{size_text(there)} of {size_text(self._size)}, {there * 100 // self._size} %"
            _write(f"\r\x1b[K{done}{_rest(self._size - there, speed)}")

    def end(self) -> None:
        """Leave the line."""
        if self._shown_at:
            _write("\n")


def _rest(missing: int, speed: float) -> str:
    """The speed and the time that is left; nothing at the beginning, when neither is known."""
    if not speed:
        return ""
    minutes, seconds = divmod(round(missing / speed), 60)
    return f", {size_text(round(speed))}/s, {minutes}:{seconds:02} left"


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
