"""What a command makes happen: the values that stand between the commands and the loop."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from llmchat.lab.comparison import Change
from llmchat.lab.lane import Lane
from llmchat.messages import Message, Node
from llmchat.sampling import Sampling
from llmchat.store.answers import Answer


@dataclass(frozen=True, slots=True)
class Table:
    """Rows to show under column heads; `caption` is a line below.

    With `one_line`, the last column is cut where the screen ends, so that a row stays a row.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    one_line: bool = False


@dataclass(frozen=True, slots=True)
class Verbatim:
    """A text to be copied: shown in lines as long as they are, coloured when it is of a `language`."""

    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Turns:
    """Messages to look back on, under a line; `before` is how many came before them."""

    heading: str
    nodes: tuple[Node, ...]
    before: int = 0


@dataclass(frozen=True, slots=True)
class Markdown:
    """A message to be drawn as markdown."""

    text: str


@dataclass(frozen=True, slots=True)
class SideBySide:
    """Several answers, to be shown side by side, and below them what they have in common."""

    answers: tuple[Answer, ...]
    summary: Table


@dataclass(frozen=True, slots=True)
class Difference:
    """Two texts as one, with what is gone and what is new in it; `table` stands above."""

    table: Table
    runs: tuple[tuple[Change, str], ...]


@dataclass(frozen=True, slots=True)
class Copy:
    """Put a text on the clipboard; `name` says what it is."""

    text: str
    name: str


@dataclass(frozen=True, slots=True)
class Styled:
    """A text in pieces, each with the name of its style in `terminal/themes.py`; "" is none."""

    pieces: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Send:
    """Send this as the next message; None asks the last question once more.

    A text goes with what is attached and with the files that it names, a message as it is. It
    follows the message with the number `after`, else the head. `sampling` takes the place of the
    chat's own this once. With `then`, the message is not the user's own, and `then` is called when
    its turn has ended.
    """

    text: str | Message | None
    after: int | None = None
    sampling: Sampling | None = None
    then: "Callable[[], Result] | None" = None


@dataclass(frozen=True, slots=True)
class SendAll:
    """Send these one after the other, the first after the message with the number `after`."""

    questions: tuple[Message, ...]
    after: int


@dataclass(frozen=True, slots=True)
class SendLanes:
    """Ask a question once for each lane, and show the answers side by side; None asks the last one again.

    `parallel` are asked for at once. `told` says what is asked.
    """

    lanes: tuple[Lane, ...]
    question: str | None = None
    parallel: int = 1
    told: str = ""


@dataclass(frozen=True, slots=True)
class Perform:
    """Run or send these lines, one after another, as if typed; a macro among them is a plain command."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Continue:
    """Let the model go on with its last answer, or with `prefix` in place of it."""

    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """Put a question to the user and call `then` with the answer; `hidden` shows nothing of it."""

    question: str
    then: "Callable[[str], Result]"
    hidden: bool = False


def is_yes(answer: str) -> bool:
    """Whether the answer to a question that ends with [y/N] says yes."""
    return answer.strip().lower() in ("y", "yes")


@dataclass(frozen=True, slots=True)
class Edit:
    """Let the user edit a text in $EDITOR and call `then` with what has become of it."""

    text: str
    then: "Callable[[str], Result]"


@dataclass(frozen=True, slots=True)
class Quit:
    """Leave the program; `farewell` is a line to show."""

    farewell: str = ""


@dataclass(frozen=True, slots=True)
class Working:
    """Work that takes its time: lines that say how far it is. Ctrl-C interrupts `steps`.

    Each line takes the place of the one before, and the last is the result; those that are to `stay`
    stand one below the other.
    """

    steps: Iterator[str]
    stay: bool = False


Shown = str | Working | Table | Verbatim | Styled | Turns | Markdown | SideBySide | Difference | Copy
"""What the screen alone takes care of; a text is shown as it is."""

Result = Shown | Perform | Send | SendAll | SendLanes | Continue | Ask | Edit | Quit | None
"""All that a command can make happen."""
