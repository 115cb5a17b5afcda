"""Writing a text to a file, which is never overwritten unasked."""

from pathlib import Path

from llmchat.errors import UsageError
from llmchat.registry import Ask, Result


def written(path: Path, text: str) -> Result:
    """Write a text to a file, or ask first where there is one. Raises UsageError."""

    def overwrite(answer: str) -> Result:
        return _write(path, text, "w") if answer.strip().lower() in ("y", "yes") else "Nothing was written."

    if path.exists():
        return Ask(f"{path} exists. Overwrite it? [y/N]", overwrite)
    return _write(path, text, "x")


def _write(path: Path, text: str, mode: str) -> str:
    try:
        with path.open(mode, encoding="utf-8", errors="backslashreplace", newline="\n") as out:
            out.write(text)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.", "Is the folder there?") from error
    return f"Written to {path}."
