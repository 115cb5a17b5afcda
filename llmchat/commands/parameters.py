"""Commands about the parameters of a request."""

import re
from collections.abc import Iterator

from llmchat import params
from llmchat.chat import Chat
from llmchat.commands.assignments import assignments, names, one_off, written
from llmchat.commands.habits import HABITS
from llmchat.config import settings_file
from llmchat.config.typed import ALL, with_typed
from llmchat.errors import UsageError
from llmchat.parameter import Param, show
from llmchat.registry import NOTHING, Choice, Group, Rest
from llmchat.results import Result, Send, Table, Verbatim
from llmchat.sampling import EXTRA, Sampling, Setting, field_name

group = Group("Parameters")
command = group.command

_ALL_DEFAULT = "All parameters are at their defaults."


def _names(chat: Chat) -> Iterator[Choice]:
    yield from names(chat)
    for habit in HABITS:
        yield Choice(habit, "as in other programs")


def _chosen(chat: Chat) -> Iterator[Choice]:
    yield Choice("all", "every parameter back to its default")
    for name, setting in chat.sampling.chosen.items():
        yield Choice(name, f"is {show(setting.value)}")


@command(
    examples=("/set", "/set temperature", "/set top_p 0.9", "/set top_k=40 seed=7", "/set extra.foo=true"),
    values=_names,
)
def set_(chat: Chat, values: Rest = NOTHING) -> Result:
    """Show all parameters, explain one, or set some.

    When one value is wrong, none is set.

    `/set NAME VALUE --save` keeps it in the settings file, `/set NAME default` goes back,
    `/set extra.FIELD=JSON` sends any other field, `@FILE` reads a text from a file, and steps work
    too: `/temp +0.1`, `/max x2`. Every parameter is a command: `/top_p 0.9`.
    """
    if not values:
        return _table(chat)
    word, *rest = values.split(maxsplit=1)
    if habit := HABITS.get(word.lower()):
        return habit(chat, rest[0] if rest else "")
    text, save = without_save(re.sub(r"(?i)^parameter\s+", "", values))
    pairs = assignments(text)
    if len(pairs) == 1 and not pairs[0][1]:
        name = pairs[0][0]
        return told(chat, field_name(name)) if name.startswith(EXTRA) else explain(chat, params.param(name))
    sampling = chat.sampling
    for name, value in pairs:
        sampling = with_typed(sampling, name, value)
    changed = [field_name(name) for name, _ in pairs if name.lower() != ALL]
    if save:
        _save(chat, sampling, changed)
    chat.tune(sampling)
    lines = [_ALL_DEFAULT] if len(changed) < len(pairs) else []
    lines += [told(chat, name) for name in changed]
    return "\n".join([*lines, *([f"Saved in {chat.settings.file}."] if save else [])])


@command(examples=("/unset temperature", "/unset all"), name=_chosen)
def unset(chat: Chat, name: str) -> Result:
    """Put a parameter, or `all`, back to the default.

    One without a default is no longer sent.
    """
    if name.lower() == ALL:
        chat.tune(Sampling())
        return _ALL_DEFAULT
    chat.tune(chat.sampling.without(name))
    return told(chat, field_name(name))


def _actions(_: Chat) -> Iterator[Choice]:
    yield Choice("diff", "only what differs from the defaults")
    yield Choice("undo", "take the last change back")
    yield Choice("share", "as one line that sets all of it anywhere")


@command(examples=("/params", "/params diff", "/params share"), action=_actions)
def params_(chat: Chat, action: str = "") -> Result:
    """Show the parameters, or take a change back.

    `diff` shows only what differs from the defaults, `undo` takes the last change back, `share`
    prints one line that sets the same parameters anywhere.
    """
    if not action:
        return _table(chat)
    if action.lower() == "undo":
        before = chat.sampling
        chat.untune()
        return "\n".join(changes(chat, before)) or "Nothing was different before."
    if action.lower() == "diff":
        return _difference(chat)
    if action.lower() == "share":
        return Verbatim(_shared(chat.sampling))
    raise UsageError(
        f"/params has no {action!r}.", "`/params`, `/params diff`, `/params undo`, `/params share`."
    )


def changes(chat: Chat, before: Sampling) -> list[str]:
    """A sentence for each parameter that is not as it was."""
    names = {**before.chosen, **chat.sampling.chosen}
    return [told(chat, name) for name in names if before.get(name) != chat.sampling.get(name)]


def _shared(sampling: Sampling) -> str:
    values = {name: setting.value for name, setting in sampling.chosen.items()}
    return f"/set {ALL}=default {written(values)}" if values else f"/unset {ALL}"


@command(
    examples=("/with temperature=0 top_k=1 -- Why is the sky blue?", "/with temperature=1.5"), values=names
)
def with_(chat: Chat, values: Rest) -> Result:
    """Ask with other parameters, this once.

    `k=v …`, then `--` and the question; without a question the last one is asked again. The `--`
    may be left out where the values have no blanks.
    """
    sampling, question = one_off(chat.sampling, values)
    return Send(question or None, sampling=sampling)


def without_save(text: str) -> tuple[str, bool]:
    """A value's text without `--save` at its end, and whether that was there."""
    rest = text.removesuffix("--save")
    return rest.strip(), rest != text


def _save(chat: Chat, sampling: Sampling, names: list[str]) -> None:
    if chat.settings.file is None:
        raise UsageError("There is no settings file to save in.")
    unset = next((name for name in names if sampling.get(name) is None), None)
    if unset:
        raise UsageError(f"{unset} has no value to save.", f"Take it out of {chat.settings.file}.")
    for name in names:
        if setting := sampling.get(name):
            settings_file.save(chat.settings.file, "params", name, setting.value)


def probed(chat: Chat) -> dict[str, str]:
    """What `/probe` found out about the parameters, for this model on this server."""
    server, model = chat.connection.name, chat.model
    return chat.keeping.do(lambda store: store.probes(server, model))


def _table(chat: Chat) -> Table:
    """All parameters; what differs from the defaults first."""
    others = [known.name for known in params.PARAMS if known.name not in chat.sampling.chosen]
    names, known = [*chat.sampling.chosen, *others], probed(chat)
    rows = [_row(chat, name, chat.sampling.get(name)) for name in names]
    heads: tuple[str, ...] = ("parameter", "value", "from", "range", "meaning")
    if known:
        heads = (*heads[:2], "probed", *heads[2:])
        rows = [(*row[:2], known.get(row[0], ""), *row[2:]) for row in rows]
    return Table(
        heads,
        tuple(rows),
        "`/set NAME VALUE` sets one, `/unset NAME` takes it back. Empty: not sent, the server decides.",
        one_line=True,
    )


def _row(chat: Chat, name: str, setting: Setting | None) -> tuple[str, ...]:
    value = show(setting.value) if setting else ""
    origin = str(setting.origin) if setting else ""
    if name.startswith(EXTRA):
        return name, value, origin, "JSON", "Sent as it is."
    param = params.param(name)
    return name, value + (" !" if setting and _note(chat, param) else ""), origin, param.bounds, param.meaning


def _difference(chat: Chat) -> Result:
    rows = []
    for name, setting in chat.sampling.chosen.items():
        default = None if name.startswith(EXTRA) else params.param(name).default
        was = "not sent" if default is None else show(default)
        rows.append((name, was, show(setting.value), setting.origin))
    if not rows:
        return "Every parameter is at its default."
    return Table(("parameter", "default", "now", "from"), tuple(rows))


def told(chat: Chat, name: str) -> str:
    """A sentence: what is sent for this parameter, and what the server does with it."""
    setting = chat.sampling.get(name)
    if setting is None:
        return f"{name} is not sent; the server decides."
    note = "" if setting.origin == "default" else _probe_note(chat, name)
    if not note and not name.startswith(EXTRA) and setting.origin != "default":
        note = _note(chat, params.param(name))
    return f"{name} is {show(setting.value)}{note}."


def _probe_note(chat: Chat, name: str) -> str:
    return " (but `/probe` saw no effect of it here)" if probed(chat).get(name) == "no effect" else ""


def _note(chat: Chat, param: Param) -> str:
    """What is known to become of a parameter that this server does not honour."""
    found = chat.connection.found_so_far()
    if found is None or not found.recognised or param.honoured_by(found.kind.name):
        return ""
    if found.kind.refuses_unknown:
        return f" (left out: {found.kind.title} does not know it)"
    return f" (but {found.kind.title} is known to ignore it)"


def explain(chat: Chat, param: Param) -> str:
    """All about a parameter: its value, its meaning, its range, and how to set it."""
    names = " ".join(f"/{alias}" for alias in param.aliases)
    setting = chat.sampling.get(param.name)
    steps = {"int": f"   /{param.name} x2", "float": f"   /{param.name} +0.1"}
    step = steps.get(param.type, "") if setting and setting.value != -1 else ""
    lines = [
        told(chat, param.name),
        param.meaning,
        f"It is {param.range}.",
        f"For example: /{param.name} {param.example}{step}",
    ]
    return "\n".join([*lines, *([f"Also: {names}"] if names else [])])
