"""What the system tells the program: to stop a reply, to end, to make room for the shell.

What is under way is brought to its end first, and the terminal is left as it was found. A signal that
was ignored when the program started stays so: nohup means it.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

_ENDING = [signal.Signals[name] for name in ("SIGTERM", "SIGHUP", "SIGQUIT") if hasattr(signal, name)]
_SUSPENDING = [signal.Signals[name] for name in ("SIGTSTP",) if hasattr(signal, name)]

if sys.platform == "win32":
    _APART = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
else:
    _APART = {"start_new_session": True}

APART: Mapping[str, Any] = MappingProxyType(_APART)
"""How a child process is started that Ctrl-C in the terminal is not meant for."""

_came: list[int] = []


def end_in_order() -> None:
    """Let SIGTERM, SIGHUP and SIGQUIT end the program as an exception does, so that all is closed."""
    for number in _ENDING:
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _end)


def exit_code() -> int:
    """128 and the number of the signal that ends the program; 0 while none has come."""
    return 128 + _came[0] if _came else 0


@contextlib.contextmanager
def ctrl_c(stop: Callable[[], None]) -> Iterator[None]:
    """Let Ctrl-C call `stop` instead of breaking off whatever is being done, such as a frame."""
    with _handled([signal.SIGINT], lambda _: stop()):
        yield


@contextlib.contextmanager
def ctrl_c_breaks_off() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt in the block, whatever it does around it."""
    inside = True

    def break_off(_: int) -> None:
        if inside:
            raise KeyboardInterrupt

    with _handled([signal.SIGINT], break_off):
        try:
            yield
        finally:
            inside = False


@contextlib.contextmanager
def ending(stop: Callable[[], None]) -> Iterator[None]:
    """Let a signal that ends the program call `stop`, and end it after the block; a second one at once."""

    def handle(number: int) -> None:
        if _came:
            _end(number)
        _came.append(number)
        stop()

    try:
        with _handled(_ENDING, handle):
            yield
    finally:
        if _came:
            raise SystemExit(exit_code())


@contextlib.contextmanager
def ctrl_z(suspend: Callable[[], None]) -> Iterator[None]:
    """Let Ctrl-Z call `suspend`; see `Suspension`."""
    with _handled(_SUSPENDING, lambda _: suspend()):
        yield


class Suspension:
    """The process stands still until the shell continues it.

    `leave` gives the terminal back to the shell, `come_back` takes it again. `due` says that it was
    asked for and waits until it fits.
    """

    def __init__(
        self, leave: Callable[[], None] = lambda: None, come_back: Callable[[], None] = lambda: None
    ) -> None:
        self._leave = leave
        self._come_back = come_back
        self.due = False

    def ask(self) -> None:
        """Ask for it; for a signal handler."""
        self.due = True

    def take(self) -> None:
        """Stand still, and the whole job with us: it may be a pipe."""
        self.due = False
        self._leave()
        for number in _SUSPENDING:
            before = signal.signal(number, signal.SIG_DFL)
            os.kill(0, number)
            signal.signal(number, before)
        self._come_back()


def _end(number: int, _frame: Any = None) -> None:
    _came.append(number)
    raise SystemExit(exit_code())


@contextlib.contextmanager
def _handled(numbers: Iterable[int], handle: Callable[[int], None]) -> Iterator[None]:
    """Let these signals call `handle` with their number, unless they are ignored."""
    before = {number: signal.getsignal(number) for number in numbers}
    taken = [number for number, handler in before.items() if handler not in (signal.SIG_IGN, None)]
    try:
        # Inside, since one that comes now may raise already.
        for number in taken:
            signal.signal(number, lambda which, _frame: handle(which))
        yield
    finally:
        for number in taken:
            signal.signal(number, before[number])
