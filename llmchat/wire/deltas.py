"""What a reply is made of while it arrives, and the draft that it grows into."""

from dataclasses import dataclass, field

from llmchat.messages import Message, Reply, State, Timings, ToolCall, Usage


@dataclass(frozen=True, slots=True)
class Text:
    """More of an answer's text; `choice` counts from 0."""

    text: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class Reasoning:
    """More of what the model thinks before it answers."""

    text: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class WasReasoning:
    """All text of this choice until now turned out to be reasoning: a lone `</think>` has come."""

    choice: int = 0


@dataclass(frozen=True, slots=True)
class ToolCallPart:
    """A piece of a tool call; the pieces with one `position` belong together."""

    position: int
    name: str
    arguments: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class TokenLogprobs:
    """Log-probabilities of some more tokens: the server's JSON of each."""

    tokens: tuple[str, ...]
    choice: int = 0


@dataclass(frozen=True, slots=True)
class Finish:
    """Why a choice ended, in the server's word: `stop`, `length`, …"""

    reason: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of the prompt the server has read, in tokens."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Notice:
    """A line for the user about the request itself, such as a field left out after a refusal."""

    text: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """How many events of the stream could not be read."""

    events: int


Delta = (
    Text
    | Reasoning
    | WasReasoning
    | ToolCallPart
    | TokenLogprobs
    | Finish
    | Usage
    | Timings
    | Progress
    | Notice
    | Skipped
)


MOST_CHOICES = 128
"""More are never asked for (`n`)."""


@dataclass
class _Choice:
    content: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    calls: dict[int, tuple[str, str]] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    reason: str = ""


class Draft:
    """A reply while it grows: every choice by its index, and what is known about the request."""

    def __init__(self) -> None:
        self._choices: dict[int, _Choice] = {}
        self.usage: Usage | None = None
        self.timings = Timings()
        self.skipped = 0

    def add(self, delta: Delta) -> None:
        """Take in one delta; progress and notices leave no trace."""
        match delta:
            case Text(text, choice):
                self._choice(choice).content.append(text)
            case Reasoning(text, choice):
                self._choice(choice).reasoning.append(text)
            case WasReasoning(choice):
                taken = self._choice(choice)
                taken.reasoning += taken.content
                taken.content = []
            case ToolCallPart(position, name, arguments, choice):
                calls = self._choice(choice).calls
                old_name, old_arguments = calls.get(position, ("", ""))
                calls[position] = (old_name + name, old_arguments + arguments)
            case TokenLogprobs(tokens, choice):
                self._choice(choice).tokens += tokens
            case Finish(reason, choice):
                self._choice(choice).reason = reason
            case Usage():
                self.usage = delta
            case Timings():
                self.timings = delta
            case Skipped(events):
                self.skipped += events
            case Progress() | Notice():
                pass

    @property
    def has_content(self) -> bool:
        """Whether any choice has an answer; reasoning alone is none."""
        return any("".join(choice.content).strip() for choice in self._choices.values())

    def answers(self, prefix: str, state: State) -> dict[int, Message]:
        """What there is of each choice, by its index; one without any content has failed.

        {} when no choice has brought anything.
        """
        answers = {}
        for index, choice in sorted(self._choices.items()):
            blank = not "".join(choice.content).strip() and state != "in progress"
            answers[index] = _message(choice, prefix, "failed" if blank else state)
        begun = any(c.content or c.reasoning or c.calls for c in self._choices.values())
        return answers if begun else {}

    def reply(self, prefix: str = "", *, cut_short: bool = False) -> Reply:
        """The reply as it stands; `prefix` is what each choice goes on with."""
        ordered = [choice for _, choice in sorted(self._choices.items())]
        state: State = "cut short" if cut_short else "complete"
        return Reply(
            choices=tuple(_message(choice, prefix, state) for choice in ordered),
            finish_reasons=tuple(choice.reason for choice in ordered),
            usage=self.usage,
            timings=self.timings,
        )

    def _choice(self, index: int) -> _Choice:
        # Those below it are there from now on, so that what is kept first comes first by its index too.
        for below in range(min(index, MOST_CHOICES)):
            self._choices.setdefault(below, _Choice())
        return self._choices.setdefault(index, _Choice())


def _message(choice: _Choice, prefix: str, state: State) -> Message:
    return Message(
        role="assistant",
        content=prefix + "".join(choice.content),
        reasoning="".join(choice.reasoning),
        tool_calls=tuple(ToolCall(*call) for _, call in sorted(choice.calls.items())),
        state=state,
        logprobs=f"[{', '.join(choice.tokens)}]" if choice.tokens else "",
    )
