"""Values in, rows out, and back."""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable
from types import MappingProxyType
from typing import Any

from llmchat.messages import Attachment, Message, Node, Timings, ToolCall, Usage
from llmchat.store.database import stored
from llmchat.store.records import Request

NODE_COLUMNS = "number, parent, role, content, reasoning, tool_calls, state, attachments, logprobs"
REQUEST_COLUMNS = (
    "parent, continues, prefix, omissions, server, engine, kind, model, fields.text, chosen.text,"
    ' system.text, "group", lane, time, finish_reasons, prompt_tokens, completion_tokens, cached_tokens,'
    " first_token, tokens_per_second, seconds, error,"
    " (SELECT json_group_array(number) FROM messages WHERE request = requests.id)"
)
REQUEST_TABLES = (
    "requests JOIN texts fields ON fields.id = requests.fields"
    " JOIN texts chosen ON chosen.id = requests.chosen JOIN texts system ON system.id = requests.system"
)


def message_values(message: Message) -> tuple[Any, ...]:
    """Role, content, reasoning, tool calls, state, logprobs."""
    calls = [[call.name, call.arguments] for call in message.tool_calls]
    return (
        message.role,
        stored(message.content),
        stored(message.reasoning),
        json.dumps(calls),
        message.state,
        stored(message.logprobs),
    )


def node_of(row: tuple[Any, ...], file: Callable[[int], str]) -> Node:
    """A row of `NODE_COLUMNS` as a message in its place; `file` tells what was attached by its id."""
    number, parent, role, content, reasoning, calls, state, attachments, logprobs = row
    tool_calls = tuple(ToolCall(*call) for call in json.loads(calls))
    attached = tuple(Attachment(kind, name, file(id)) for kind, name, id in json.loads(attachments))
    return Node(number, parent, Message(role, content, reasoning, tool_calls, state, attached, logprobs))


def add_files(db: sqlite3.Connection, attachments: Iterable[Attachment]) -> str:
    """Store what was attached, each once; the JSON that stands with the message."""
    rows = []
    for one in attachments:
        data = stored(one.data)
        digest = hashlib.sha256(data).digest()
        db.execute("INSERT OR IGNORE INTO files (digest, data) VALUES (?, CAST(? AS TEXT))", (digest, data))
        (id,) = db.execute("SELECT id FROM files WHERE digest = ?", (digest,)).fetchone()
        rows.append([one.kind, one.name, id])
    return json.dumps(rows)


def add_request(db: sqlite3.Connection, conversation: int, request: Request) -> int:
    """Insert a request; its id."""
    texts = [
        _text_id(db, text) for text in (request.fields, json.dumps(dict(request.chosen)), request.system)
    ]
    values = (
        conversation,
        request.parent,
        request.continues,
        stored(request.prefix),
        json.dumps(request.omissions),
        stored(request.server),
        stored(request.engine),
        request.kind,
        stored(request.model),
        *texts,
        request.group,
        request.lane,
        request.time,
        *_outcome(request),
    )
    cursor = db.execute(
        "INSERT INTO requests (conversation, parent, continues, prefix, omissions, server, engine, kind,"
        ' model, fields, chosen, system, "group", lane, time, finish_reasons, prompt_tokens,'
        " completion_tokens, cached_tokens, first_token, tokens_per_second, seconds, error) VALUES"
        " (?, ?, ?, CAST(? AS TEXT), ?, CAST(? AS TEXT), CAST(? AS TEXT), ?, CAST(? AS TEXT), ?, ?, ?, ?, ?,"
        " ?, ?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT))",
        values,
    )
    assert cursor.lastrowid
    return cursor.lastrowid


def end_request(db: sqlite3.Connection, id: int, request: Request) -> None:
    """Note how a request went, and the fields that were sent after all."""
    db.execute(
        "UPDATE requests SET fields = ?, finish_reasons = ?, prompt_tokens = ?, completion_tokens = ?,"
        " cached_tokens = ?, first_token = ?, tokens_per_second = ?, seconds = ?, error = CAST(? AS TEXT)"
        " WHERE id = ?",
        (_text_id(db, request.fields), *_outcome(request), id),
    )


def request_of(row: tuple[Any, ...]) -> Request:
    """A row of `REQUEST_COLUMNS` as a request."""
    parent, continues, prefix, omissions, server, engine, kind, model, fields, chosen, system, *rest = row
    group, lane, time, reasons, prompt, completion, cached, first, speed, seconds, error, answers = rest
    return Request(
        server=server,
        kind=kind,
        model=model,
        fields=fields,
        parent=parent,
        continues=continues,
        prefix=prefix,
        omissions=tuple(json.loads(omissions)),
        system=system,
        chosen=MappingProxyType(json.loads(chosen)),
        engine=engine,
        group=group,
        lane=lane,
        time=time,
        answers=tuple(sorted(json.loads(answers))),
        finish_reasons=tuple(json.loads(reasons)),
        usage=None if prompt is None else Usage(prompt, completion, cached),
        timings=Timings(first, speed),
        seconds=seconds,
        error=error,
    )


def _outcome(request: Request) -> tuple[Any, ...]:
    usage = request.usage
    return (
        json.dumps(request.finish_reasons),
        *((usage.prompt, usage.completion, usage.cached) if usage else (None, None, None)),
        request.timings.first_token,
        request.timings.tokens_per_second,
        request.seconds,
        stored(request.error),
    )


def _text_id(db: sqlite3.Connection, text: str) -> int:
    raw = stored(text)
    found = db.execute("SELECT id FROM texts WHERE text = CAST(? AS TEXT)", (raw,)).fetchone()
    if found:
        return int(found[0])
    added = db.execute("INSERT INTO texts (text) VALUES (CAST(? AS TEXT))", (raw,)).lastrowid
    assert added
    return added
