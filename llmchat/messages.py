"""What a conversation is: messages in a tree, and the reply that a request brought. Frozen values.

Each message knows its parent and has one number in its conversation, counted from 1. An
alternative is a sibling; nothing is overwritten; the head says where the conversation goes on.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from llmchat.amounts import size_text

Role = Literal["system", "user", "assistant", "tool"]

State = Literal["complete", "cut short", "failed", "in progress"]
"""What became of a message: `failed` is a question that got no answer, `in progress` one on its way."""

IMAGE_URL = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}")
"""What an attached image is: nothing that would be fetched, or could run."""

ROOT = 0
"""The parent of a first message."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the model asks for; it is shown and never run. `arguments` is JSON text."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a message; `name` is its path as it was typed.

    `data` is what is sent, so that a request can be made again when the file has changed: a text
    with its name and fence, or an image as a data URL in base64.
    """

    kind: Literal["text", "image"]
    name: str
    data: str

    @property
    def size(self) -> int:
        """Bytes: of the text without its name and fence, of the image without its base64."""
        if self.kind == "text":
            fence = self.data.rpartition("\n")[2]
            begun = self.data.partition(f":\n{fence}")[2].partition("\n")[2]
            return len(begun.removesuffix(fence).encode("utf-8", "surrogatepass"))
        coded = self.data.partition(",")[2]
        return len(coded) * 3 // 4 - coded.count("=")

    @property
    def label(self) -> str:
        """Its name and size."""
        return f"{self.name} ({size_text(self.size)})"


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `content` is the raw text, `reasoning` is kept apart and never sent back.

    `logprobs` is the server's JSON text as it came.
    """

    role: Role
    content: str
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    state: State = "complete"
    attachments: tuple[Attachment, ...] = ()
    logprobs: str = ""

    @property
    def cut_short(self) -> bool:
        """Whether it ended before the model had ended it."""
        return self.state == "cut short"

    @property
    def shown(self) -> str:
        """Its text, and in a line of its own what is attached."""
        attached = ", ".join(one.label for one in self.attachments)
        return self.content.strip() + (f"\n[with {attached}]" if attached else "")


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the server counted them; `cached` are those of the prompt that it did not read again."""

    prompt: int
    completion: int
    cached: int | None = None


@dataclass(frozen=True, slots=True)
class Timings:
    """How long a reply took: seconds until the first token, and tokens a second after it.

    `prompt_per_second` are the tokens of the prompt that the server has read in a second; `drafted`
    those of the reply that a smaller model has proposed, `accepted` as many as were taken.
    """

    first_token: float | None = None
    tokens_per_second: float | None = None
    prompt_per_second: float | None = None
    drafted: int | None = None
    accepted: int | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What one request brought: every choice's message, in the order of their index."""

    choices: tuple[Message, ...]
    finish_reasons: tuple[str, ...] = ()
    usage: Usage | None = None
    timings: Timings = Timings()


@dataclass(frozen=True, slots=True)
class Node:
    """A message in its place: its number, and its parent's (`ROOT` for a first message)."""

    number: int
    parent: int
    message: Message


@dataclass(frozen=True, slots=True)
class Conversation:
    """All messages in the order in which they came, and the head: the number of the last one in use.

    `omitted` are the numbers of those that are no longer sent, wherever they stand on a path.
    """

    nodes: tuple[Node, ...] = ()
    head: int = ROOT
    omitted: frozenset[int] = frozenset()

    def node(self, number: int) -> Node:
        """The message with this number, from 1; raises IndexError when there is none."""
        if not 1 <= number <= len(self.nodes):
            raise IndexError(number)
        return self.nodes[number - 1]

    def path(self) -> tuple[Node, ...]:
        """From the first message to the head: what the next request is about."""
        path = []
        number = self.head
        while number != ROOT:
            node = self.nodes[number - 1]
            path.append(node)
            number = node.parent
        return tuple(reversed(path))

    def messages(self) -> tuple[Message, ...]:
        """The messages of the path."""
        return tuple(node.message for node in self.path())

    def sent(self) -> tuple[Node, ...]:
        """The path without what is omitted."""
        left_out = self.omissions()
        return tuple(node for node in self.path() if node.number not in left_out)

    def omissions(self) -> tuple[int, ...]:
        """The messages of the path that are not sent; a question at its end always is."""
        path = self.path() if self.omitted else ()
        asked = path[-1].number if path and path[-1].message.role == "user" else ROOT
        return tuple(node.number for node in path if node.number in self.omitted and node.number != asked)

    def add(self, *siblings: Message) -> "Conversation":
        """With these messages as children of the head; the first of them becomes the head."""
        first = len(self.nodes) + 1
        new = tuple(Node(first + i, self.head, message) for i, message in enumerate(siblings))
        return replace(self, nodes=self.nodes + new, head=first)

    def merged(self, news: Iterable[Node]) -> "Conversation":
        """With these in their places: new ones at the end, in the order of their numbers, others replaced."""
        nodes = list(self.nodes)
        for node in news:
            if node.number <= len(nodes):
                nodes[node.number - 1] = node
            else:
                nodes.append(node)
        return replace(self, nodes=tuple(nodes))

    def children(self, number: int) -> tuple[Node, ...]:
        """The messages whose parent is this one (or `ROOT`), in the order in which they came."""
        return tuple(node for node in self.nodes if node.parent == number)

    def at(self, number: int) -> "Conversation":
        """With the head at this message (or at `ROOT`)."""
        if number != ROOT:
            self.node(number)
        return replace(self, head=number)

    def last(self, role: Role) -> Node | None:
        """The last message of this role on the path."""
        number = self.head
        while number != ROOT:
            node = self.nodes[number - 1]
            if node.message.role == role:
                return node
            number = node.parent
        return None
