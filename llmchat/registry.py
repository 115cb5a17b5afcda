"""What a slash command is: one decorated function. Name, usage, help, completion and docs are read from it.

The function takes the chat and then the words of the line: a parameter annotated `str` takes one
word, `Rest` or `File` the rest of the line; a default makes it optional. It returns what should happen, a
`Result`, and never prints.
"""

import difflib
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NewType

from llmchat import params
from llmchat.chat import Chat
from llmchat.config.macros import NONE, Macros, expanded
from llmchat.errors import UsageError
from llmchat.input.lines import split_command
from llmchat.lab.comparison import Change
from llmchat.lab.run import Lane
from llmchat.messages import Message, Node
from llmchat.params import normalise
from llmchat.sampling import Sampling
from llmchat.store.answers import Answer

Rest = NewType("Rest", str)
"""The rest of the line, spaces and all."""

NOTHING = Rest("")

File = NewType("File", str)
"""The rest of the line, which is a path: completed from the folder."""

NO_FILE = File("")


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
    """A text to be copied: shown in lines as long as they are."""

    text: str


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
    """Several answers, to be shown side by side."""

    answers: tuple[Answer, ...]


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
class Steps:
    """Something that takes long: a line to show after each step; `stop` ends it."""

    lines: Iterator[str]
    stop: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Ask:
    """Put a question to the user and call `then` with the answer; `hidden` shows nothing of it."""

    question: str
    then: "Callable[[str], Result]"
    hidden: bool = False


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
    """Work that takes its time: lines that say how far it is, of which the last is the result.

    Ctrl-C closes `steps`.
    """

    steps: Iterator[str]


Shown = str | Working | Table | Verbatim | Styled | Turns | Markdown | SideBySide | Difference | Copy
"""What the screen alone takes care of; a text is shown as it is."""

Result = Shown | Perform | Send | SendAll | SendLanes | Continue | Steps | Ask | Edit | Quit | None
"""All that a command can make happen."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A word that completes a line, and what it means."""

    text: str
    meaning: str = ""


Completer = Callable[[Chat], Iterable[Choice]]
"""What may stand at one place of a command's line."""


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command, as read from its function."""

    name: str
    aliases: tuple[str, ...]
    usage: str
    help: str
    examples: tuple[str, ...]
    completers: Mapping[str, Completer]
    run: Callable[..., Result]

    @property
    def summary(self) -> str:
        """The first line of its help."""
        return self.help.partition("\n")[0]

    @property
    def words(self) -> tuple[str, ...]:
        """All that it is called by."""
        return (self.name, *self.aliases)


class Group:
    """The commands of one subject; each file of commands has one."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.commands: list[Command] = []

    def command(
        self, *aliases: str, examples: Sequence[str] = (), **completers: Completer
    ) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
        """Make the decorated function a command of its name; `completers` by parameter."""

        def register(function: Callable[..., Result]) -> Callable[..., Result]:
            name = function.__name__.rstrip("_")
            help_text = inspect.cleandoc(function.__doc__ or "")
            shown = tuple(examples) or (f"/{name}",)
            usage = _usage(name, function)
            made = Command(name, aliases, usage, help_text, shown, completers, function)
            self.commands.append(made)
            return function

        return register


class Registry:
    """All commands, and how a line finds its own."""

    def __init__(self, *groups: Group) -> None:
        self.groups = groups
        self.commands = {command.name: command for group in groups for command in group.commands}
        self._by_word = {
            normalise(word): command for command in self.commands.values() for word in command.words
        }

    def run(self, chat: Chat, line: str, macros: Macros = NONE) -> Result:
        """Run a line that begins with a slash; raises UsageError when there is no such command."""
        if lines := expanded(macros, line):
            return Perform(lines)
        word, rest = split_command(line)
        if "=" in word and params.find(word.partition("=")[0]):
            word, rest = "set", f"{word} {rest}"
        command = self.find(word)
        if command is None and (param := params.find_begun(word)):
            command, rest = self.commands["set"], f"{param.name} {rest}"
        if command is None:
            params.refuse_elsewhere(word)
            raise self._unknown(word)
        return command.run(chat, *bind(command, rest))

    def find(self, word: str) -> Command | None:
        """The command meant by a word: by its name, an alias, or a prefix that no other begins with.

        None when a parameter is meant, or nothing. Raises UsageError for an ambiguous prefix.
        """
        wanted = normalise(word)
        if wanted in self._by_word:
            return self._by_word[wanted]
        if not wanted or params.find(word):
            return None
        begun = [c for c in self.commands.values() if normalise(c.name).startswith(wanted)]
        if len(begun) > 1:
            names = ", ".join(f"/{command.name}" for command in begun)
            raise UsageError(f"/{word} may be {names}.", "Type one more letter.")
        return begun[0] if begun else None

    def knows(self, word: str) -> bool:
        """Whether a word means a command or a parameter, or may mean several."""
        try:
            return self.find(word) is not None or params.find_begun(word) is not None
        except UsageError:
            return True

    def _unknown(self, word: str) -> UsageError:
        known = [*self._by_word, *(normalise(p.name) for p in params.PARAMS)]
        hint = "`/help` lists the commands; `//` at the start sends a slash."
        near = difflib.get_close_matches(normalise(word), known, n=1, cutoff=0.6)
        if near:
            command = self._by_word.get(near[0])
            name = command.name if command else params.param(near[0]).name
            hint = f"Did you mean /{name}? {hint}"
        return UsageError(f"There is no command /{word}; nothing was sent.", hint)


def arguments(command: Command) -> list[inspect.Parameter]:
    """What a command takes after the chat."""
    return list(inspect.signature(command.run).parameters.values())[1:]


def bind(command: Command, rest: str) -> Sequence[str]:
    """The words of `rest` for the command's parameters; raises UsageError with the usage."""
    values: list[str] = []
    rest = rest.strip()
    for parameter in arguments(command):
        if not rest:
            if parameter.default is inspect.Parameter.empty:
                raise UsageError(f"/{command.name} needs {parameter.name}.", f"Usage: {command.usage}")
            break
        if parameter.annotation in (Rest, File):
            values.append(rest)
            rest = ""
        else:
            word, *following = rest.split(maxsplit=1)
            values.append(word)
            rest = following[0] if following else ""
    if rest:
        raise UsageError(f"/{command.name} takes no {rest!r}.", f"Usage: {command.usage}")
    return values


def _usage(name: str, function: Callable[..., Result]) -> str:
    shown = []
    for parameter in list(inspect.signature(function).parameters.values())[1:]:
        if parameter.name.startswith("_"):
            continue  # taken only to say something better about it
        optional = parameter.default is not inspect.Parameter.empty
        shown.append(f"[{parameter.name}]" if optional else parameter.name.upper())
    return " ".join([f"/{name}", *shown])
