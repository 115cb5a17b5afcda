"""Requests as something to run without llmchat: curl commands and Python scripts, without keys.

They ask for the whole answer at once, since a stream is not for reading; all else is as it was sent.
"""

import json
import pprint
import shlex
from collections.abc import Iterator, Mapping
from typing import Any
from unicodedata import category

from llmchat.messages import Conversation, Node
from llmchat.store.records import Record, Request, body_of, prefix_of
from llmchat.wire import address
from llmchat.wire.protocol import CHAT_PATH, messages_array

_STREAMING = ("stream", "stream_options")
_LONGEST_ARGUMENT = 100_000
"""Characters; Linux takes no more than 131,071 bytes in an argument."""

_KEY = "LLMCHAT_API_KEY"


def json_text(body: Mapping[str, Any]) -> str:
    """A request's body as JSON for reading: a field a line, and of the messages each on its own."""
    fields = [f"  {_json(name)}: {_field(name, value)}" for name, value in body.items()]
    return "{\n" + ",\n".join(fields) + "\n}"


def _field(name: str, value: Any) -> str:
    if name != "messages" or not value:
        return _json(value)
    return "[\n" + ",\n".join(f"    {_json(message)}" for message in value) + "\n  ]"


def _json(value: Any) -> str:
    """JSON whose letters stand for themselves; what cannot be seen is escaped."""
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(character: str) -> str:
    if character.isprintable() or category(character) == "Zs":
        return character
    return json.dumps(character)[1:-1]


def curl(request: Request, conversation: Conversation) -> str:
    """A request as a curl command."""
    body = json_text(_whole(body_of(request, conversation)))
    parts = ["curl -sS", shlex.quote(_url(request)), "-H 'Content-Type: application/json'"]
    if _wants_key(request):
        parts.append(f'-H "Authorization: Bearer ${_KEY}"')
    if len(body) <= _LONGEST_ARGUMENT:
        return " \\\n  ".join([*parts, f"-d {shlex.quote(body)}"])
    # No line of JSON is this word, so that it cannot end the document.
    return " \\\n  ".join([*parts, f"--data-binary @- <<'END'\n{body}\nEND"])


def python(request: Request, conversation: Conversation) -> str:
    """A request as a Python script with `requests`."""
    body = _whole(body_of(request, conversation))
    # An import may name any server: what stands in a script is a text, whatever is in it.
    url = json.dumps(_url(request), ensure_ascii=False)
    return _PYTHON.format(url=url, body=_literal(body), headers=_headers(request))


def shell_script(record: Record) -> str:
    """A shell script that sends each request on the path to the head again."""
    lines = ["#!/bin/sh", f"# {_one_line(record.title)}", f"# Needs curl; a key is taken from {_KEY}."]
    for request, _ in _steps(record):
        lines += ["", curl(request, record.conversation), "echo"]
    return "\n".join(lines) + "\n"


def python_script(record: Record) -> str:
    """A Python script that repeats the conversation on the path to the head, with new answers."""
    path = record.conversation.path()
    steps: list[dict[str, Any]] = []
    said = 0
    for request, answer in _steps(record):
        sent = body_of(request, record.conversation)
        new = [n for n in path[said : path.index(answer)] if n.number not in request.omissions]
        steps.append(
            {
                "url": _url(request),
                "headers": {"Authorization": _KEY} if _wants_key(request) else {},
                "system": request.system,
                "say": messages_array("", [n.message for n in new]),
                "prefix": prefix_of(request, record.conversation),
                "fields": {k: v for k, v in _whole(sent).items() if k != "messages"},
            }
        )
        said = path.index(answer) + 1
    return _CONVERSATION.format(title=_one_line(record.title), key=_KEY, steps=_literal(steps))


def _steps(record: Record) -> Iterator[tuple[Request, Node]]:
    """The requests that brought the answers of the path."""
    by_answer = {number: request for request in record.requests for number in request.answers}
    for node in record.conversation.path():
        if node.number in by_answer:
            yield by_answer[node.number], node


def _whole(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in _STREAMING}


def _url(request: Request) -> str:
    return address.parse(request.server).url(CHAT_PATH)


def _wants_key(request: Request) -> bool:
    return not address.parse(request.server).near


def _headers(request: Request) -> str:
    if not _wants_key(request):
        return "{}"
    return '{"Authorization": "Bearer " + os.environ["' + _KEY + '"]}'


def _literal(value: Any) -> str:
    return pprint.pformat(value, width=100, sort_dicts=False)


def _one_line(text: str) -> str:
    """A title that can end neither a comment nor a docstring."""
    return ascii(" ".join(text.split()))[1:-1].replace('"', "'").replace("{", "(").replace("}", ")")


_PYTHON = """\
import os

import requests

URL = {url}
HEADERS = {headers}
BODY = {body}

reply = requests.post(URL, json=BODY, headers=HEADERS, timeout=600)
reply.raise_for_status()
for choice in reply.json()["choices"]:
    print(choice["message"]["content"])
"""

_CONVERSATION = '''\
"""{title}

Repeats a conversation; needs `pip install requests`. A key is taken from {key}.
"""

import os

import requests

STEPS = {steps}

messages = []
for step in STEPS:
    messages += step["say"]
    for message in step["say"]:
        text = message["content"] if isinstance(message["content"], str) else message["content"][0]["text"]
        print(f"[{{message['role']}}] {{text}}\\n")
    sent = [{{"role": "system", "content": step["system"]}}] if step["system"] else []
    sent += messages
    if step["prefix"]:
        sent.append({{"role": "assistant", "content": step["prefix"]}})
    headers = {{name: "Bearer " + os.environ[key] for name, key in step["headers"].items()}}
    body = {{**step["fields"], "messages": sent}}
    reply = requests.post(step["url"], json=body, headers=headers, timeout=600)
    reply.raise_for_status()
    answer = step["prefix"] + (reply.json()["choices"][0]["message"]["content"] or "")
    print(f"[assistant] {{answer}}\\n")
    messages.append({{"role": "assistant", "content": answer}})
'''
