"""Commands about the program itself: its settings, and leaving it."""

from collections.abc import Iterable

from llmchat.chat import Chat
from llmchat.commands.parameters import without_save
from llmchat.config import settings_file
from llmchat.config.preferences import AT_START, PREFERENCES, Preferences, preference
from llmchat.errors import UsageError
from llmchat.parameter import Param, show
from llmchat.registry import NOTHING, Choice, Group, Rest
from llmchat.results import Quit, Result, Table

group = Group("The program")
command = group.command


_AT_START = (
    "`/settings store off --save` counts from the next start on, `llmchat --no-store` for one chat alone; "
    "`/delete` takes this one off the disk."
)


def _preferences(_: Chat) -> Iterable[Choice]:
    return [Choice(known.name, known.meaning) for known in PREFERENCES]


@command(
    "preferences",
    "config",
    examples=("/settings", "/settings theme light", "/settings keys vi --save"),
    name=_preferences,
)
def settings(chat: Chat, name: str = "", value: Rest = NOTHING) -> Result:
    """Show how the program looks and behaves, or change it.

    `--save` keeps it in the settings file. Parameters of requests are another matter: `/set`.
    """
    if not name:
        return _settings_table(chat)
    known = preference(name)
    if not value:
        return f"{_told(chat.preferences, known)}.\n{known.meaning}\nIt is {known.range}."
    text, save = without_save(value)
    changed = chat.preferences.set(known.name, text) if text else chat.preferences
    if known.name in AT_START and not save:
        raise UsageError(f"{known.name} is decided when llmchat starts; nothing has changed.", _AT_START)
    if save and chat.settings.file:
        settings_file.save(chat.settings.file, "", known.name, getattr(changed, known.name))
    saved = f" Saved in {chat.settings.file}." if save else ""
    if known.name in AT_START:
        return f"{_told(changed, known)} from the next start on.{saved} This chat stays as it is."
    chat.preferences = changed
    return f"{_told(changed, known)}.{saved}"


def _told(preferences: Preferences, known: Param) -> str:
    return f"{known.name} is {show(getattr(preferences, known.name))}"


def _settings_table(chat: Chat) -> Table:
    rows = [(p.name, show(getattr(chat.preferences, p.name)), p.bounds, p.meaning) for p in PREFERENCES]
    file = chat.settings.file or "the settings file"
    caption = f"`/settings NAME VALUE` changes one, with `--save` for good, in {file}."
    return Table(("setting", "value", "range", "meaning"), tuple(rows), caption)


@command("multi", "mli", examples=("/multiline",))
def multiline(chat: Chat) -> Result:
    """Switch what Enter does: send, or begin a new line."""
    on = not chat.preferences.multiline
    chat.preferences = chat.preferences.set("multiline", on)
    return (
        "Enter begins a new line now; Alt-Enter sends." if on else "Enter sends; Alt-Enter begins a new line."
    )


@command("quit", "bye", "q", "x", examples=("/exit",))
def exit_(chat: Chat) -> Result:
    """Leave; Ctrl-D does the same."""
    return Quit()
