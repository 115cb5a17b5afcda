"""A whole conversation as a file, by its ending; and back from the JSON form, without loss."""

import html
import json
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, get_args

from llmchat.amounts import LARGEST
from llmchat.errors import UsageError
from llmchat.messages import (
    IMAGE_URL,
    ROOT,
    Attachment,
    Conversation,
    Message,
    Node,
    Role,
    State,
    Timings,
    ToolCall,
    Usage,
)
from llmchat.store import scripts
from llmchat.store.html_pages import from_markdown, page
from llmchat.store.records import Record, Request
from llmchat.wire.protocol import messages_array

FORMAT = 3
"""The version of the JSON form."""


def markdown(record: Record) -> str:
    """The path to the head, to be read."""
    parts = [f"# {record.title or 'A conversation'}"]
    if system := _system(record):
        parts += ["## system", system]
    for node in record.conversation.path():
        state = "" if node.message.state == "complete" else f" ({node.message.state})"
        parts.append(f"## {node.message.role}{state}")
        parts += [one.data if one.kind == "text" else f"[{one.label}]" for one in node.message.attachments]
        parts.append(node.message.content.strip("\n"))
    return "\n\n".join(parts) + "\n"


def jsonl(record: Record) -> str:
    """The message array of each branch, one a line: the form that training takes."""
    system = _system(record)
    conversation = record.conversation
    parents = {node.parent for node in conversation.nodes}
    ends = [n for n in conversation.nodes if n.number not in parents and n.message.role == "assistant"]
    lines = [
        json.dumps({"messages": messages_array(system, conversation.at(end.number).messages())})
        for end in ends
        if end.message.content.strip()
    ]
    return "".join(line + "\n" for line in lines)


def html_page(record: Record) -> str:
    """The path to the head as one page that loads nothing; light or dark as the reader's system is."""
    parts = []
    if system := _system(record):
        parts.append(f"<section><h2>system</h2><pre>{html.escape(system)}</pre></section>")
    for node in record.conversation.path():
        message = node.message
        body = from_markdown(message.content)
        if message.role == "user":
            attached = "".join(map(_attached_html, message.attachments))
            body = f"{attached}<pre>{html.escape(message.content)}</pre>"
        state = "" if message.state == "complete" else f" ({message.state})"
        parts.append(f'<section class="{message.role}"><h2>{message.role}{state}</h2>{body}</section>')
    return page(record.title or "A conversation", "\n".join(parts))


def _attached_html(attached: Attachment) -> str:
    label = html.escape(attached.label)
    if attached.kind == "image":
        return f'<p><img src="{html.escape(attached.data)}" alt="{label}"></p>'
    return f"<details><summary>{label}</summary><pre>{html.escape(attached.data)}</pre></details>"


def lossless(record: Record) -> str:
    """Everything, as JSON; `read` makes the same record of it."""
    data = {
        "llmchat": FORMAT,
        "title": record.title,
        "begun": record.begun,
        "head": record.conversation.head,
        "omitted": sorted(record.conversation.omitted),
        "messages": [_node_data(node) for node in record.conversation.nodes],
        "requests": [_request_data(request) for request in record.requests],
    }
    return json.dumps(data, indent=1) + "\n"


FORMATS: Mapping[str, Callable[[Record], str]] = MappingProxyType(
    {
        ".md": markdown,
        ".json": lossless,
        ".jsonl": jsonl,
        ".html": html_page,
        ".py": scripts.python_script,
        ".sh": scripts.shell_script,
    }
)
"""What writes a file, by its ending."""


def read(text: str) -> Record:
    """The record of a JSON export; raises UsageError."""
    try:
        data = json.loads(text)
        if data["llmchat"] > FORMAT:
            raise UsageError("This was exported by a newer llmchat.", "Update this one.")
        nodes = tuple(_node(item) for item in data["messages"])
        requests = tuple(_request(item) for item in data["requests"])
        conversation = Conversation(nodes, _whole(data["head"]), frozenset(data.get("omitted", ())))
        record = Record(str(data["title"]), conversation, requests, float(_number(data["begun"])))
        problem = next(_problems(record), "")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError("This is no conversation that llmchat has exported.", _IMPORTABLE) from error
    if problem:
        raise UsageError(f"This conversation is damaged: {problem}.", _IMPORTABLE)
    return record


_IMPORTABLE = "`/export FILE.json` writes one."


def _problems(record: Record) -> Iterator[str]:
    count = len(record.conversation.nodes)
    for number, node in enumerate(record.conversation.nodes, 1):
        if node.number != number or not ROOT <= node.parent < number:
            yield f"message {number} is not in its place"
        if node.message.role not in get_args(Role) or node.message.state not in get_args(State):
            yield f"message {number} has an unknown role or state"
    if not ROOT <= record.conversation.head <= count:
        yield "its head is no message"
    if not all(isinstance(n, int) and ROOT < n <= count for n in record.conversation.omitted):
        yield "what is omitted is no message"
    for request in record.requests:
        known = (request.parent, request.continues, *request.omissions, *request.answers)
        if not all(ROOT <= number <= count for number in known):
            yield "a request is about no message"
        if not isinstance(json.loads(request.fields), dict):
            yield "a request has no fields"


def _system(record: Record) -> str:
    """The last system prompt on the path to the head."""
    path = {node.number for node in record.conversation.path()}
    return next((r.system for r in reversed(record.requests) if path & {*r.answers}), "")


def _node_data(node: Node) -> dict[str, Any]:
    message = node.message
    return {
        "number": node.number,
        "parent": node.parent,
        "role": message.role,
        "content": message.content,
        "reasoning": message.reasoning,
        "tool_calls": [[call.name, call.arguments] for call in message.tool_calls],
        "state": message.state,
        "attachments": [[one.kind, one.name, one.data] for one in message.attachments],
        "logprobs": message.logprobs,
    }


def _node(data: Mapping[str, Any]) -> Node:
    message = Message(
        data["role"],
        _text(data["content"]),
        _text(data["reasoning"]),
        tuple(ToolCall(_text(name), _text(arguments)) for name, arguments in data["tool_calls"]),
        data["state"],
        tuple(map(_attachment, data["attachments"])),
        _text(data["logprobs"]),
    )
    return Node(_whole(data["number"]), _whole(data["parent"]), message)


def _attachment(data: Any) -> Attachment:
    kind, name, content = data
    if kind not in ("text", "image") or (kind == "image" and not IMAGE_URL.fullmatch(content)):
        raise ValueError(kind)
    return Attachment(kind, _text(name), _text(content))


_TEXTS = ("server", "kind", "model", "fields", "system", "engine", "group", "error")
_OTHERS = ("parent", "continues", "time", "seconds", "omissions", "answers", "finish_reasons")

_LATEST = 3e10
"""Unix seconds that every system's clock still takes."""


def _request_data(request: Request) -> dict[str, Any]:
    usage, timings = request.usage, request.timings
    return {
        **{name: getattr(request, name) for name in (*_TEXTS, *_OTHERS)},
        "prefix": request.prefix,
        "lane": request.lane,
        "chosen": dict(request.chosen),
        "usage": [usage.prompt, usage.completion, usage.cached] if usage else None,
        "timings": [timings.first_token, timings.tokens_per_second],
    }


def _request(data: Mapping[str, Any]) -> Request:
    texts: dict[str, Any] = {name: _text(data[name]) for name in _TEXTS}
    return Request(
        **texts,
        parent=_whole(data["parent"]),
        continues=_whole(data["continues"]),
        omissions=tuple(map(_whole, data["omissions"])),
        time=_number(data["time"]),
        answers=tuple(map(_whole, data["answers"])),
        finish_reasons=tuple(map(_text, data["finish_reasons"])),
        seconds=_or_none(_number, data["seconds"]),
        # What was exported before there were any has none.
        prefix=_text(data.get("prefix", "")),
        lane=_whole(data.get("lane", 0)),
        chosen=MappingProxyType(dict(data["chosen"])),
        usage=_usage(*data["usage"]) if data["usage"] else None,
        timings=Timings(*(_or_none(_number, seconds) for seconds in data["timings"])),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _usage(prompt: Any, completion: Any, cached: Any = None) -> Usage:
    return Usage(_whole(prompt), _whole(completion), _or_none(_whole, cached))


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _LATEST:
        raise TypeError(value)
    return value


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not abs(value) < LARGEST:
        raise TypeError(value)
    return value


def _or_none(checked: Callable[[Any], Any], value: Any) -> Any:
    return None if value is None else checked(value)
