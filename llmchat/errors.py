"""All that can go wrong, as one tree; each error has a sentence and a hint.

LlmchatError             what happened, and what the user can do
├── UsageError           what was typed or set is wrong; nothing was sent     exit code 2
├── ServerError          a server answered, and refused                       exit code 1
├── TransportError       no whole answer came                                 exit code 1
│   ├── UnreachableError     no connection; the request did not leave
│   │   └── UntrustedError       no trusted one: TLS failed
│   └── DroppedError         the connection ended before the reply did
├── AnswerError          the answer is whole, but not of the form asked for   exit code 1
├── HubError             a model file could not be fetched                    exit code 1
├── EngineError          llama.cpp did not start in its child process         exit code 1
└── StoreError           the conversation store cannot be read or written     exit code 1
"""


class LlmchatError(Exception):
    """What happened in one sentence, and a hint: what the user can do about it (may be empty)."""

    exit_code = 1

    def __init__(self, sentence: str, hint: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint

    def hide(self, secret: str) -> None:
        """Take a key out of what is told: servers quote the one that they refuse."""
        if secret:
            self.sentence = self.sentence.replace(secret, "[key]")
            self.args = (self.sentence,)

    @property
    def whole(self) -> str:
        """The sentence and the hint, for where they stand together."""
        return f"{self.sentence} {self.hint}".rstrip()


class UsageError(LlmchatError):
    """What was typed or set is wrong; nothing was sent and nothing has changed."""

    exit_code = 2


class ServerError(LlmchatError):
    """A server answered, and refused.

    `status` is the HTTP status (0: inside a stream), `words` the whole body as it came, `retry_after`
    the seconds after which it wants to be asked again, None when it does not tell.
    """

    def __init__(
        self,
        sentence: str,
        hint: str = "",
        *,
        status: int = 0,
        words: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(sentence, hint)
        self.status = status
        self.words = words or sentence
        self.retry_after = retry_after

    def hide(self, secret: str) -> None:
        """The same for the whole of the server's words."""
        super().hide(secret)
        if secret:
            self.words = self.words.replace(secret, "[key]")


class TransportError(LlmchatError):
    """No whole answer came."""


class UnreachableError(TransportError):
    """No connection could be made; the request did not leave.

    `refused` is true when the machine is there and says that no server is.
    """

    def __init__(self, sentence: str, hint: str = "", *, refused: bool = False) -> None:
        super().__init__(sentence, hint)
        self.refused = refused


class UntrustedError(UnreachableError):
    """Something answers, but no trusted connection could be made: TLS failed."""


class DroppedError(TransportError):
    """The connection ended before the reply did.

    `silent` is true when not one byte of an answer had come.
    """

    def __init__(self, sentence: str, hint: str = "", *, silent: bool = False) -> None:
        super().__init__(sentence, hint)
        self.silent = silent


class AnswerError(LlmchatError):
    """The answer is whole and kept, but not of the form that was asked for."""


class HubError(LlmchatError):
    """A model file could not be fetched from the hub."""


class EngineError(LlmchatError):
    """llama.cpp did not start in its child process."""


class StoreError(LlmchatError):
    """The conversation store cannot be read or written.

    `damaged` is true when the file itself is no sound database.
    """

    def __init__(self, sentence: str, hint: str = "", *, damaged: bool = False) -> None:
        super().__init__(sentence, hint)
        self.damaged = damaged


def reason(error: OSError | ValueError) -> str:
    """Why a file could not be read as the text that it should be, or not be written."""
    if isinstance(error, UnicodeDecodeError):
        return "it is no text"
    return getattr(error, "strerror", None) or str(error)
