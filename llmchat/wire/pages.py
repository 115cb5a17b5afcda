"""What a server says to a question about itself, and how it is read: nothing in it is taken for granted."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said: HTTP status, headers by lower-case name, and the body's text."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The body decoded; None when it is no JSON."""
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            return None

    @property
    def told(self) -> Mapping[str, Any]:
        """The object that a successful answer is; empty for any other."""
        return mapping(self.json) if self.status == 200 else {}


Get = Callable[[str], Answer | None]
"""Asks the server for a path (`Address.url`); None when no answer came."""

Post = Callable[[str, Mapping[str, Any]], Answer | None]
"""The same with a JSON body."""


def told(get: Get, path: str) -> Mapping[str, Any]:
    """The object that `path` answers; empty when it does not."""
    answer = get(path)
    return answer.told if answer else {}


def posted(post: Post, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object that a POST of `body` to `path` answers; empty when it does not."""
    answer = post(path, body)
    return answer.told if answer else {}


def listed(get: Get, path: str, key: str = "data") -> list[Mapping[str, Any]]:
    """The objects under `key` of what `path` answers."""
    return objects(told(get, path).get(key))


def objects(value: Any) -> list[Mapping[str, Any]]:
    """The objects of an array; none when it is no array."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def mapping(value: Any) -> Mapping[str, Any]:
    """An object; an empty one in the place of anything else."""
    return value if isinstance(value, dict) else {}


def texts(value: Any) -> set[str]:
    """The texts of an array; none when it is no array."""
    return {item for item in value if isinstance(item, str)} if isinstance(value, list) else set()


def text(value: Any) -> str:
    """A text; "" in the place of anything else."""
    return value if isinstance(value, str) else ""


def whole(item: Mapping[str, Any], *names: str) -> int | None:
    """The first of these fields that is a number above 0."""
    return next(_wholes(item.get(name) for name in names), None)


def flag(item: Mapping[str, Any], name: str) -> bool | None:
    """A field that is true or false; None when it is neither."""
    value = item.get(name)
    return value if isinstance(value, bool) else None


def _wholes(values: Iterator[Any]) -> Iterator[int]:
    return (v for v in values if isinstance(v, int) and not isinstance(v, bool) and v > 0)
