"""Writing a text to a file, which is never overwritten unasked, and never by half."""

import contextlib
import os
import shutil
from pathlib import Path

from llmchat.errors import UsageError, reason
from llmchat.results import Ask, Result, is_yes


def written(path: Path, text: str) -> Result:
    """Write a text to a file, or ask first where there is one. Raises UsageError."""

    def overwrite(answer: str) -> Result:
        return _write(path, text) if is_yes(answer) else "Nothing was written."

    if path.is_dir():
        raise UsageError(f"{path} is a folder.", f"A file in it: {path / 'NAME'}")
    if path.exists():
        return Ask(f"{path} exists. Overwrite it? [y/N]", overwrite)
    return _write(path, text)


def _write(path: Path, text: str) -> str:
    try:
        _replace(path.resolve(), text.encode("utf-8", "backslashreplace"))
    except (OSError, ValueError) as error:
        hint = "" if path.parent.is_dir() else "Is the folder there?"
        raise UsageError(f"{path} cannot be written: {reason(error)}.", hint) from error
    return f"Written to {path}."


def _replace(path: Path, data: bytes) -> None:
    """Write the whole file, or leave what was there."""
    if path.exists() and not path.is_file():
        path.write_bytes(data)  # a device or a pipe
        return
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(data)
        if path.exists():
            shutil.copymode(path, part)
        os.replace(part, path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
