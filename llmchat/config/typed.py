"""A parameter's value as it is typed: also a word that takes it back, a step, or a text from a file."""

import os
from pathlib import Path

from llmchat import params
from llmchat.errors import UsageError, reason
from llmchat.sampling import EXTRA, Origin, Sampling

ALL = "all"
"""Stands for every parameter in `all=default`."""

_FROM_FILES = ("text", "list", "json")


def with_typed(sampling: Sampling, name: str, value: str, origin: Origin = "command") -> Sampling:
    """With the value that was typed: also `default`, a step, or `@FILE`; raises UsageError."""
    if name.lower() == ALL and value.lower() == "default":
        return Sampling()
    if name.lower().startswith(EXTRA):
        unset = value.lower() == "default"
        return sampling.without(name) if unset else sampling.with_text(name, value, origin)
    param = params.param(name)
    if param.unsets(value):
        return sampling.without(name)
    return sampling.with_text(name, _read(value) if param.type in _FROM_FILES else value, origin)


def _read(value: str) -> str:
    """The value, or the text of the file that `@FILE` names."""
    if not value.startswith("@"):
        return value
    try:
        return Path(os.path.expanduser(value[1:])).read_text(encoding="utf-8").rstrip("\n")
    except (OSError, ValueError) as error:
        raise UsageError(
            f"The file {value[1:]!r} cannot be read: {reason(error)}.", "@FILE is a path."
        ) from error
