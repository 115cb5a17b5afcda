"""Commands about presets: parameters under a name."""

from collections.abc import Iterator
from pathlib import Path

from llmchat.chat import Chat
from llmchat.commands.assignments import written
from llmchat.commands.parameters import told
from llmchat.config import presets
from llmchat.errors import UsageError
from llmchat.registry import NOTHING, Choice, Group, Rest
from llmchat.results import Result, Table
from llmchat.sampling import field_name

group = Group("Presets")
command = group.command


def _choices(chat: Chat) -> Iterator[Choice]:
    for known in presets.load(chat.presets_file).values():
        yield Choice(known.name, known.why or written(known.values))
    yield Choice("save", "keep what is set now under a name")
    yield Choice("delete", "forget a saved one")


@command(
    "presets",
    examples=("/preset", "/preset precise", "/preset creative+short", "/preset save mine For my notes."),
    what=_choices,
)
def preset(chat: Chat, what: Rest = NOTHING) -> Result:
    """List the presets, or take one or several.

    `NAME+OTHER` takes both, the later one over the earlier; what they do not name stays, and `/params
    undo` goes back. `save NAME [why]` keeps all that is set, `delete NAME` forgets it. `NAME for
    MODEL` applies it by itself when a model with that in its name is taken, but for what you have set;
    `NAME for none` ends that. All of it stands in a file that can be edited.
    """
    word, *rest = what.split(maxsplit=1) or [""]
    if not word:
        return _table(chat)
    if word.lower() == "save":
        return _save(chat, *(rest[0] if rest else "").partition(" ")[::2])
    if word.lower() == "delete":
        return _delete(chat, rest[0] if rest else "")
    if rest:
        return _bind(chat, word, rest[0])
    return _take(chat, word)


def _take(chat: Chat, names: str) -> str:
    known = presets.load(chat.presets_file)
    found = [presets.find(known, name) for name in names.split("+")]
    sampling = chat.sampling
    for each in found:
        sampling = each.over(sampling, "preset")
    chat.tune(sampling)
    changed = dict.fromkeys(field_name(name) for each in found for name in each.values)
    return "\n".join([*filter(None, (each.why for each in found)), *(told(chat, name) for name in changed)])


def _save(chat: Chat, name: str, why: str) -> str:
    file, values = _file(chat), {name: setting.value for name, setting in chat.sampling.chosen.items()}
    if not name:
        raise UsageError("A preset needs a name.", "For example: /preset save mine")
    if not values:
        raise UsageError("Nothing is set that could be saved.", "`/set` sets parameters.")
    presets.save(file, presets.checked_name(name), values, why.strip())
    instead = f"\nIt takes the place of the built-in one; `/preset delete {name}` brings that back."
    return f"Saved as {name} in {file}: {written(values)}" + instead * _is_built_in(name)


def _delete(chat: Chat, name: str) -> str:
    presets.delete(_file(chat), name)
    if _is_built_in(name):
        return f"{name} is as it came with llmchat again."
    return f"The preset {name} is deleted."


def _is_built_in(name: str) -> bool:
    return any(name == known.name for known in presets.BUILT_IN)


def _bind(chat: Chat, name: str, rest: str) -> str:
    word, *model = rest.split(maxsplit=1)
    if word.lower() != "for" or not model:
        raise UsageError(f"/preset {name} takes no {rest!r}.", f"For example: /preset {name} for qwen")
    presets.find(presets.load(chat.presets_file), name)
    if model[0].lower() == "none":
        presets.bind(_file(chat), name, [])
        return f"{name} is applied to no model by itself."
    presets.bind(_file(chat), name, [model[0]])
    return f"{name} is applied by itself when a model with {model[0]!r} in its name is taken."


def _file(chat: Chat) -> Path:
    if chat.presets_file is None:
        raise UsageError("There is no folder to keep presets in.")
    return chat.presets_file


def _table(chat: Chat) -> Table:
    rows = tuple(
        (known.name, written(known.values), _use(known)) for known in presets.load(chat.presets_file).values()
    )
    caption = (
        "`/preset NAME` takes one, `/preset NAME+OTHER` both, `/preset save NAME` keeps what is set now."
    )
    return Table(("preset", "sets", "what for"), rows, caption)


def _use(known: presets.Preset) -> str:
    models = f" For {', '.join(known.models)}." if known.models else ""
    return f"{known.why}{models}".strip()
