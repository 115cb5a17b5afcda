"""JSON that nobody should send: a real answer with any value in place of any other."""

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value inside a value, and of the whole."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield from places(part, (*path, key))


def put(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    """`value` with `other` in that place."""
    if not path:
        return other
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(copy[path[0]], path[1:], other)
    return copy


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def odd(value: Any) -> st.SearchStrategy[Any]:
    """`value` with one thing in it, or the whole, replaced by arbitrary JSON."""
    return st.builds(put, st.just(value), st.sampled_from(list(places(value))), VALUES)
