"""How the program looks and behaves: one line for each choice."""

from dataclasses import dataclass, replace
from typing import Any

from llmchat.errors import UsageError
from llmchat.parameter import Param

# fmt: off
PREFERENCES: tuple[Param, ...] = (
    Param("theme", "text", "light", "The colours: for a dark or a light background, or those of the terminal's own palette.", default="auto", choices=("auto", "dark", "light")),
    Param("keys", "text", "vi", "How the prompt is edited.", default="emacs", choices=("emacs", "vi")),
    Param("multiline", "bool", "on", "Whether Enter begins a new line and Alt-Enter sends.", default=False),
    Param("reasoning", "text", "hide", "What is shown of the model's reasoning: one line at the end, all of it, or nothing.", default="fold", choices=("fold", "show", "hide")),
    Param("markdown", "bool", "off", "Whether replies are drawn as markdown, or shown as they come.", default=True),
    Param("stream", "bool", "off", "Whether a reply is shown while it arrives, or when it is whole.", default=True),
    Param("stats", "bool", "off", "Whether a line after each reply tells its tokens and speed.", default=True),
    Param("bell", "int", "20", "After how many seconds the end of a reply rings the bell, unless the window is in front; 0: never.", low=0, high=3600, default=0),
    Param("toolbar", "bool", "off", "Whether a line below the prompt tells the model and what was changed.", default=True),
    Param("window_title", "bool", "off", "Whether the window's title tells the conversation or the model.", default=True),
    Param("pager", "bool", "off", "Whether long lists are shown page by page.", default=True),
    Param("store", "bool", "off", "Whether conversations are kept on disk; decided when llmchat starts.", default=True),
    Param("titles", "text", "model", "What gives a conversation its title: its first question, or the model, asked while the prompt waits.", default="question", choices=("question", "model")),
)
# fmt: on


AT_START = ("store",)
"""What counts from the next start on, and stays as it is until then."""


def find(name: str) -> Param | None:
    """The preference with this name; None when there is none."""
    return next((known for known in PREFERENCES if known.name == name.lower()), None)


def preference(name: str) -> Param:
    """The preference with this name; raises UsageError that lists them."""
    if known := find(name):
        return known
    names = ", ".join(known.name for known in PREFERENCES)
    raise UsageError(f"There is no setting {name!r}.", f"There are: {names}. Parameters: `/set`.")


@dataclass(frozen=True, slots=True)
class Preferences:
    """How the program looks and behaves: one value for each of `PREFERENCES`."""

    theme: str
    keys: str
    multiline: bool
    reasoning: str
    markdown: bool
    stream: bool
    stats: bool
    bell: int
    toolbar: bool
    window_title: bool
    pager: bool
    store: bool
    titles: str

    def set(self, name: str, value: Any) -> "Preferences":
        """With this one changed; raises UsageError."""
        known = preference(name)
        checked = known.parse(value) if isinstance(value, str) else known.check(value)
        return replace(self, **{known.name: checked})


DEFAULTS = Preferences(**{known.name: known.default for known in PREFERENCES})
