"""What a server says when it refuses: its own words out of every shape, and what can be done."""

import html
import json
import re
from collections.abc import Collection, Mapping
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Any

from llmchat.errors import ServerError

_HINTS = {
    200: "Is this the address of a chat server? `/server` shows it.",
    401: "The server wants a key: `/key` in a chat, or LLMCHAT_API_KEY.",
    403: "The server wants another key (`/key`, LLMCHAT_API_KEY), or does not serve this address.",
    404: "`/models` lists the models, `/server` shows the address.",
    408: "The server took too long; ask again.",
    413: "The conversation is too long for this server: `/clear` starts a new one.",
    429: "The server has too much to do, or the quota is used up; wait a little and ask again.",
    503: "The server is busy or still loading the model; wait a little and ask again.",
}
MAKE_ROOM = "`/compact` or `/forget` makes room, `/clear` starts anew."
"""What can be done when the context window is too small."""

_LOADING = re.compile(r"loading|starting|warming|busy", re.I)
_NO_VISION = re.compile(
    r"support images?\b|support image input|image input is not supported|image urls? .*not supported"
    r"|not a multimodal model|only 'text' content|unknown variant .?image_url",
    re.I,
)
_CONTEXT = re.compile(
    r"context (size|length|window)|exceed_context|context the overflows|(prompt|input) is too long", re.I
)
# SGLang and OpenAI's reasoning models speak of max_tokens by another name.
_OTHER_NAMES = {"max_tokens": ("max_tokens", "max_new_tokens", "max_completion_tokens")}
# These have to stand in quotes, or where only a name can stand.
_WORDS_TOO = ("n", "stop", "seed")
_NOT_SHOWN = re.compile(r"<(script|style)\b.*?(</\1\s*>|\Z)|<!--.*?(-->|\Z)|<[^>]*(>|\Z)", re.I | re.S)
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_LONGEST = 1000  # characters of a server's words that a sentence quotes


def refusal(status: int, body: str, headers: Mapping[str, str] = _NO_HEADERS) -> ServerError:
    """The error for an answer with this HTTP status (0: an error inside a stream) and body text.

    `headers` are by lower-case name.
    """
    words = error_text(body)
    quoted = words if len(words) <= _LONGEST else words[:_LONGEST] + "…"
    if 300 <= status < 400:
        target = f" to {headers['location']}" if "location" in headers else ""
        return ServerError(
            f"The server sends us elsewhere{target} (HTTP {status}).",
            "If you trust that address: `/server URL`.",
            status=status,
            words=body,
        )
    code = f" (HTTP {status})" if status else ""
    what = "The server sent no chat reply" if status == 200 else f"The server refused{code}"
    hint = _HINTS.get(status, "")
    if _NO_VISION.search(words):
        what = f"The model sees no images{code}"
        hint = "`/models` shows what the others can; `/detach` takes an attached image away."
    elif _CONTEXT.search(words):
        hint = MAKE_ROOM
    elif status >= 500 and not hint:
        hint = "The fault is on the server's side; its log may say more."
    sentence = f"{what}: {quoted}" if words else f"{what}."
    return ServerError(sentence, hint, status=status, words=body, retry_after=_retry_after(headers))


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds of a Retry-After header: a number, or a date, which the Date header makes one."""
    told = headers.get("retry-after", "").strip()
    if told.isascii() and told.isdecimal():
        return float(told[:9])
    try:
        until, now = (parsedate_to_datetime(text) for text in (told, headers.get("date", "")))
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError):
        return None


def is_loading(error: ServerError) -> bool:
    """Whether a 503 says that the server is loading its model, or is busy with others."""
    return _LOADING.search(error_text(error.words)) is not None


def error_text(body: str) -> str:
    """The server's own words, out of JSON of any shape, HTML, or plain text."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return _html_text(body) if re.search(r"<(html|body|!doctype)", body, re.I) else body.strip()
    return error_in(data) or body.strip()


def error_in(data: Any) -> str:
    """The words of an error in decoded JSON; "" when there is none.

    Shapes: `{"error": "…"}`, `{"error": {"message": …}}` to any depth, `{"message": …}` beside
    `"object": "error"`, `{"detail": "…"}`, `{"detail": [{"loc": […], "msg": "…"}]}`.
    """
    try:
        return _error_in(data) if isinstance(data, Mapping) else ""
    except RecursionError:
        return "an error that is nested too deeply to be read"


def _error_in(data: Mapping[str, Any]) -> str:
    if data.get("error"):
        return _words(data["error"])
    if data.get("detail"):
        return _words(data["detail"])
    if data.get("object") == "error" or set(data) <= {"message", "code", "type", "status", "param"}:
        return _words(data.get("message", ""))
    return ""


def names_field(error: ServerError, fields: Collection[str]) -> str:
    """The first of `fields` that a 4xx names; "" when it names none."""
    if not 400 <= error.status < 500:
        return ""
    for field in fields:
        names = _OTHER_NAMES.get(field, (field.rpartition(".")[2],))
        if any(_named(name).search(error.words) for name in names):
            return field
    return ""


def advise(error: ServerError, commands: Mapping[str, str], *, wants_key: bool = False) -> None:
    """Where a 4xx names a field of `commands`, let its hint begin with the command of that field.

    A server of which it is known that it wants a key may hide that behind another status.
    """
    if wants_key:
        error.hint = _HINTS[401]
    if field := names_field(error, commands):
        error.hint = f"`{commands[field]}` leaves it out. {error.hint}".strip()


def _named(name: str) -> re.Pattern[str]:
    if name not in _WORDS_TOO:
        return re.compile(rf"(?<![A-Za-z_]){re.escape(name)}(?![A-Za-z_])")
    return re.compile(rf"""['"`]{name}['"`\\]|\b(parameter|field|argument)s?:? {name}\b|\b{name} must\b""")


def _words(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        return "; ".join(filter(None, map(_words, value)))
    if isinstance(value, Mapping):
        if "msg" in value:
            loc = value.get("loc")
            place = ".".join(map(str, loc)) if isinstance(loc, list) else ""
            return f"{place}: {value['msg']}" if place else str(value["msg"])
        inner = next((value[key] for key in ("message", "error", "detail") if value.get(key)), None)
        return _words(inner) if inner is not None else json.dumps(value)
    return str(value)


def _html_text(body: str) -> str:
    lines = html.unescape(_NOT_SHOWN.sub("\n", body)).splitlines()
    return " ".join(dict.fromkeys(line.strip() for line in lines if line.strip()))
