"""Changing a line of a TOML file, the settings or the presets: its comments and its order stay."""

import contextlib
import json
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from llmchat.errors import UsageError, reason

_TABLE = re.compile(r"\s*\[")


def save(path: Path, table: str, name: str, value: Any) -> None:
    """Set `name` in this table ("" is the top) of the file; raises UsageError when it cannot be done."""
    edit(path, lambda text: changed(text, table, name, value))


def read(path: Path) -> dict[str, Any]:
    """The file's tables; none where there is no file. Raises UsageError."""
    if not path.exists():
        return {}
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise UsageError(f"The file {path} cannot be read: {reason(error)}.", "Mend it first.") from error


def edit(path: Path, change: Callable[[str], str]) -> None:
    """Write what `change` makes of the file's text; raises UsageError when it cannot be done."""
    try:
        before = path.read_text(encoding="utf-8-sig") if path.exists() else ""
        after = change(before)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _replace(path.resolve(), after)
    except (OSError, ValueError) as error:
        hint = "Nothing was saved." if isinstance(error, OSError) else "Mend it first."
        raise UsageError(f"The file {path} cannot be changed: {reason(error)}.", hint) from error


def changed(text: str, table: str, name: str, value: Any) -> str:
    """The text of a file with this value; raises UsageError when it is beyond a line's change."""
    import tomllib

    key = _key(name)
    lines = text.splitlines()
    start, end = _section(lines, table)
    if start is None:
        lines += ["", f"[{table}]"] if lines else [f"[{table}]"]
        start = end = len(lines)
    at = _line_of(lines, start, end, key)
    if at is None:
        lines.insert(_end_of(lines, start, end), f"{key} = {toml(value)}")
    else:
        lines[at] = f"{key} = {toml(value)}{_comment(lines[at])}"
    expected = tomllib.loads(text)
    section = expected.setdefault(table, {}) if table else expected
    if not isinstance(section, dict):
        raise UsageError(f"In the file, {table} is no table.", "Mend it first.")
    section[name] = value
    return _checked(lines, expected, name)


def without(text: str, table: str, name: str = "") -> str:
    """The text of a file without this value, or without the whole table; raises UsageError."""
    import tomllib

    lines, expected = text.splitlines(), tomllib.loads(text)
    start, end = _section(lines, table)
    if name:
        expected.get(table, {}).pop(name, None)
        at = None if start is None else _line_of(lines, start, end, _key(name))
        if at is not None:
            del lines[at]
    else:
        expected.pop(table, None)
        if start is not None:
            del lines[start - 1 : _end_of(lines, start, end)]
    return _checked(lines, expected, name or table)


def _checked(lines: list[str], expected: dict[str, Any], name: str) -> str:
    """The lines as a text, when they mean what is expected."""
    import tomllib

    result = "\n".join(lines) + "\n"
    with contextlib.suppress(tomllib.TOMLDecodeError):
        if tomllib.loads(result) == expected:
            return result
    raise UsageError(f"{name} stands in the file in a form that cannot be changed here.", "Edit it there.")


def _key(name: str) -> str:
    return name if re.fullmatch(r"[\w-]+", name) else json.dumps(name)


def _line_of(lines: list[str], start: int, end: int, key: str) -> int | None:
    assignment = re.compile(rf"\s*{re.escape(key)}\s*=")
    return next((i for i in range(start, end) if assignment.match(lines[i])), None)


def _comment(line: str) -> str:
    """The comment at the end of a line, with the blanks before it; a `#` in a text begins none."""
    import tomllib

    for at in (match.start() for match in re.finditer(r"\s*#", line)):
        with contextlib.suppress(tomllib.TOMLDecodeError):
            tomllib.loads(line[:at])
            return line[at:]
    return ""


def _end_of(lines: list[str], start: int, end: int) -> int:
    """Where a new line of a section goes: before the next one's comment and the blank lines."""
    while end < len(lines) and end > start and lines[end - 1].lstrip().startswith("#"):
        end -= 1
    while end > start and not lines[end - 1].strip():
        end -= 1
    return end


def toml(value: Any) -> str:
    """A value as TOML, on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    # What is left is written in TOML as in JSON; DEL is the one character that JSON lets stand.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _section(lines: list[str], table: str) -> tuple[int | None, int]:
    """Where the lines of a table begin and end; begins with None when there is no such table."""
    start: int | None = 0
    if table:
        header = re.compile(rf"\s*\[\s*{re.escape(table)}\s*\]\s*(#.*)?$")
        start = next((i + 1 for i, line in enumerate(lines) if header.match(line)), None)
    if start is None:
        return None, len(lines)
    return start, next((i for i in range(start, len(lines)) if _TABLE.match(lines[i])), len(lines))


def _replace(path: Path, text: str) -> None:
    """Write the whole file or leave it as it was."""
    file, name = tempfile.mkstemp(dir=path.parent, prefix=".settings-")
    try:
        with os.fdopen(file, "w", encoding="utf-8") as out:
            out.write(text)
        os.replace(name, path)
    except OSError:
        os.unlink(name)
        raise
