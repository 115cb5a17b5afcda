"""When a request is asked again by itself, as a value: never where a generation may be paid for twice.

| the server | the request is asked again |
|---|---|
| refuses the connection, and has answered before | twice |
| says that it is loading or busy (503), or busy until a time that it tells (429) | until it is ready |
| refuses (4xx) and names a field that the user did not set | once for each, without it |
| drops the connection without a byte, after `max_tokens: -1` that the user did not set | once, without it |

In none of these has the server begun to answer. Each is told to the user.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmchat.errors import DroppedError, LlmchatError, ServerError, UnreachableError
from llmchat.wire.refusal import is_loading, names_field

REFUSED_WAITS = (1.0, 2.0)
"""Seconds before a server that has gone is asked again: it may be restarting."""

LONGEST_WAIT = 300.0
"""Seconds; a server that wants a longer time is not waited for."""

_LONGEST_LOADING = 3600.0
_MOST_BUSY = 5
_FIRST_WAIT, _LAST_WAIT = 0.5, 4.0


@dataclass(frozen=True, slots=True)
class Repeat:
    """Ask again after `wait` seconds, without the field `without` if any; `told` says so to the user."""

    told: str
    wait: float = 0.0
    without: str = ""


def repeat(
    error: LlmchatError,
    body: Mapping[str, Any],
    optional: Sequence[str],
    earlier: Sequence[Repeat] = (),
    *,
    known: bool = False,
) -> Repeat | None:
    """Whether a request that failed is asked again, and how; None when it is not.

    `optional` are the fields of `body` that the user did not set, `earlier` the repeats that this
    request has had; `known` says whether the server has answered before.
    """
    match error:
        case UnreachableError(refused=True) if known:
            return _after_refused_connection(error, earlier)
        case ServerError(status=503) if is_loading(error):
            return _after_loading(earlier)
        case ServerError(status=429 | 503) if error.retry_after is not None:
            return _after_busy(error.retry_after, earlier)
        case ServerError():
            return _without(names_field(error, optional), body)
        case DroppedError(silent=True) if body.get("max_tokens") == -1 and "max_tokens" in optional:
            # mlx_lm validates in a way that ends the connection instead of answering.
            return _without("max_tokens", body)
    return None


def _after_refused_connection(error: LlmchatError, earlier: Sequence[Repeat]) -> Repeat | None:
    tried = sum(1 for one in earlier if not one.without)
    if tried >= len(REFUSED_WAITS):
        return None
    wait = REFUSED_WAITS[tried]
    return Repeat(f"{error.sentence.rstrip('.')} any more; asking again in {wait:g} s.", wait)


def _after_loading(earlier: Sequence[Repeat]) -> Repeat | None:
    if sum(one.wait for one in earlier) >= _LONGEST_LOADING:
        return None
    wait = min(_LAST_WAIT, _FIRST_WAIT * 2 ** min(len(earlier), 9))
    return Repeat("The server is not ready yet; asking again until it is.", wait)


def _after_busy(seconds: float, earlier: Sequence[Repeat]) -> Repeat | None:
    if seconds > LONGEST_WAIT or sum(1 for one in earlier if not one.without) >= _MOST_BUSY:
        return None
    wait = max(_FIRST_WAIT, seconds)
    return Repeat(f"The server is busy; asking again in {wait:g} s, as it says.", wait)


def _without(field: str, body: Mapping[str, Any]) -> Repeat | None:
    if not field:
        return None
    value = json.dumps(body[field])
    return Repeat(f"The server does not take {field} ({value}); asked again without it.", without=field)
