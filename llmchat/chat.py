"""Chat, the one thing that changes: what every command and every turn works on."""

from collections import deque
from dataclasses import replace
from pathlib import Path

from llmchat.config import presets
from llmchat.config.settings import Settings
from llmchat.connection import Connection
from llmchat.errors import LlmchatError, UsageError
from llmchat.messages import Attachment, Conversation, Message, Node, Reply, Role
from llmchat.meter import Meter
from llmchat.sampling import Sampling
from llmchat.store.keeping import Keeping
from llmchat.store.records import Record, Request
from llmchat.turn import Turn
from llmchat.wire.models import choose_model


class Chat:
    """One conversation over one connection, and what is set for it.

    `store` is the file that conversations are kept in; None keeps them in memory.
    """

    def __init__(self, settings: Settings, store: Path | None = None) -> None:
        self.settings = settings
        self.connection = Connection(settings)
        self.keeping = Keeping(store, lambda: self.conversation)
        self.system = settings.system
        self.sampling = settings.sampling
        self.preferences = settings.preferences
        self.macros = settings.macros
        self.named_model = settings.model
        self.presets_file = settings.file.parent / presets.FILE if settings.file else None
        self.conversation = Conversation()
        self.last_reply: Reply | None = None
        self.replies: deque[Reply] = deque(maxlen=100)
        """The latest of this session, of whatever conversation."""
        self.last_error: LlmchatError | None = None
        self.meter = Meter(self)
        self.attached: tuple[Attachment, ...] = ()
        """What goes with the next message."""
        self._earlier_sampling: list[Sampling] = []
        if settings.model:
            self.sampling = self.suiting(settings.model)

    @property
    def model(self) -> str:
        """The model that the user named, or the one that suits the server best."""
        found = self.connection.found_so_far()
        return self.named_model or choose_model(found.models if found else ())

    def take_model(self, name: str) -> None:
        """Ask this model from now on ("": the one that suits the server), with what its presets set.

        What the user has set stays. Raises UsageError when the presets cannot be read.
        """
        self._tune_to(name)
        self.named_model = name

    def suit_model(self) -> None:
        """Take what the presets of the model set that suits the server, now that it is known."""
        self._tune_to(self.model)

    def take_preset(self, name: str) -> None:
        """Set what a preset sets; raises UsageError when there is none of this name."""
        self.tune(presets.find(presets.load(self.presets_file), name).over(self.sampling, "preset"))

    def _tune_to(self, model: str) -> None:
        suiting = self.suiting(model)
        if suiting != self.sampling:
            self.tune(suiting)

    def suiting(self, model: str) -> Sampling:
        """The parameters with what presets set for this model. Raises UsageError."""
        return presets.for_model(self.sampling, presets.load(self.presets_file).values(), model)

    def tune(self, sampling: Sampling) -> None:
        """Take these parameters; `untune` goes back."""
        self._earlier_sampling.append(self.sampling)
        self.sampling = sampling

    def untune(self) -> None:
        """Take the last change of parameters back; raises UsageError when there was none."""
        if not self._earlier_sampling:
            raise UsageError("No parameter has been changed yet.", "`/set` shows them.")
        self.sampling = self._earlier_sampling.pop()

    def turn(
        self, question: str | Message | None, after: int | None = None, sampling: Sampling | None = None
    ) -> Turn:
        """A turn with this question after a message, else after the head. A text is one without attachments.

        None answers the last question once more, as a sibling. `sampling` takes the place of the
        chat's own. It brings one answer: several (`n`) are lanes of a run. Raises UsageError when
        there is no last question.
        """
        if isinstance(question, str):
            question = Message("user", question)
        sampling = sampling and sampling.without("n")
        if question is not None:
            place = self.conversation if after is None else self.conversation.at(after)
            return Turn(self, place, question=question, sampling=sampling)
        place = self.conversation.at(self.last("user").number)
        return Turn(self, place, sampling=sampling)

    def continuation(self, prefix: str = "") -> Turn:
        """A turn in which the model goes on with its last answer; the whole becomes a sibling of it.

        It goes on with `prefix` in place of the whole answer, if there is one. Raises UsageError
        when there is no answer. `continues` tells whether the server is known to do it.
        """
        last = self.last("assistant")
        place = self.conversation.at(last.parent)
        return Turn(self, place, continues=last.number, prefix=prefix)

    @property
    def continues(self) -> bool:
        """Whether the server is known to go on with an answer that ends a request."""
        found = self.connection.found()
        return found is not None and found.kind.continues is not None

    def note_error(self, error: LlmchatError) -> None:
        """Remember what went wrong, unless it is only what was typed."""
        if not isinstance(error, UsageError):
            self.last_error = error

    def clear(self) -> None:
        """Begin a new conversation; parameters and system prompt stay."""
        self.conversation = Conversation()
        self.last_reply = None
        self.keeping.id = 0

    def go(self, number: int) -> None:
        """Move the head to this message, or to `ROOT`."""
        self.conversation = self.conversation.at(number)
        if self.keeping.id:
            self.keeping.do(lambda store: store.move(self.keeping.id, number))

    def omit(self, *numbers: int) -> None:
        """Let exactly these messages be the ones that are no longer sent."""
        self.conversation = replace(self.conversation, omitted=frozenset(numbers))
        if self.keeping.id:
            self.keeping.do(lambda store: store.omit(self.keeping.id, numbers))

    def put(self, message: Message, parent: int) -> int:
        """Add a message that no request brought, and move the head there; its number."""
        entry = self.keeping.begin(parent, None)
        entry.answers = {0: message}
        self.keeping.write(entry, ended=True)
        self.conversation = self.keeping.grown(entry).at(entry.numbers[0])
        return entry.numbers[0]

    def begin(self, record: Record) -> None:
        """Store a whole conversation as a new one, and go on with it."""
        self.open(self.keeping.do(lambda store: store.add(record)))

    def open(self, conversation: int) -> Request | None:
        """Go on with a stored conversation; its last request. Raises UsageError."""
        found = self.keeping.do(lambda store: store.conversation(conversation))
        if found is None:
            raise UsageError("This conversation is no longer there.", "`/chats` lists them.")
        self.clear()
        self.keeping.id, self.conversation = conversation, found
        return self.keeping.do(lambda store: store.last_request(self.keeping.id))

    def last(self, role: Role) -> Node:
        """The last message of this role on the path; raises UsageError when there is none."""
        last = self.conversation.last(role)
        if last is None:
            noun = "question" if role == "user" else "answer"
            raise UsageError(f"There is no {noun} yet.", "Type a question.")
        return last

    def sent(self, question: Message | None) -> None:
        """Take what went with a question from what is attached to the next."""
        gone = question.attachments if question else ()
        self.attached = tuple(one for one in self.attached if one not in gone)

    def told(self) -> list[str]:
        """What went wrong beside the chat itself, and where its log is; each once."""
        return [*self.keeping.told(), *self.meter.told(), *self.connection.log.told()]

    def close(self) -> None:
        """Close the store, and end what was started: the meter's thread, an engine."""
        self.meter.close()
        self.keeping.close()
        self.connection.close()
