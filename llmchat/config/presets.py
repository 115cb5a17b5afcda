"""Presets: parameters under a name, some built in, the others in a TOML file beside the settings.

    [precise]
    why = "For facts and code."
    models = ["coder"]
    temperature = 0.2

`models` are parts of model names for which the preset is applied by itself.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from llmchat.config import settings_file
from llmchat.errors import UsageError
from llmchat.sampling import Origin, Sampling, field_name

FILE = "presets.toml"
"""The name of the file in the configuration folder."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_WORDS = ("save", "delete", "for")
_WHY, _MODELS = "why", "models"


@dataclass(frozen=True, slots=True)
class Preset:
    """Values by parameter name, and a line that says what they are good for."""

    name: str
    values: Mapping[str, Any]
    why: str = ""
    models: tuple[str, ...] = ()
    built_in: bool = False

    def fits(self, model: str) -> bool:
        """Whether it is for this model."""
        return any(part.lower() in model.lower() for part in self.models)

    def over(self, sampling: Sampling, origin: Origin) -> Sampling:
        """These values over the ones of `sampling`; raises UsageError."""
        for name, value in self.values.items():
            try:
                sampling = sampling.with_value(name, value, origin)
            except UsageError as error:
                raise UsageError(f"In the preset {self.name}: {error.sentence}", error.hint) from error
        return sampling


def _built_in(name: str, why: str, **values: Any) -> Preset:
    return Preset(name, MappingProxyType(values), why, built_in=True)


# fmt: off
BUILT_IN: tuple[Preset, ...] = (
    _built_in("deterministic", "The likeliest token each time: the same question, the same answer.", temperature=0.0, top_k=1, seed=1),
    _built_in("precise", "For facts, code and extraction: seldom leaves the likeliest.", temperature=0.2, top_p=0.9),
    _built_in("balanced", "For most questions: some freedom, without the unlikeliest.", temperature=0.7, top_p=0.95, min_p=0.05),
    _built_in("creative", "For stories and ideas: a wide choice, of which min_p cuts the nonsense.", temperature=1.2, top_p=1.0, min_p=0.08),
    _built_in("neutral", "The model's own odds, with nothing cut off: to see what it has learnt.", temperature=1.0, top_p=1.0, top_k=0, min_p=0.0, repeat_penalty=1.0),
    _built_in("short", "A reply of a few sentences at most.", max_tokens=120),
)
# fmt: on


def load(file: Path | None) -> dict[str, Preset]:
    """All presets by name, the file's over the built-in ones; raises UsageError."""
    presets = {preset.name: preset for preset in BUILT_IN}
    for name, table in (settings_file.read(file) if file else {}).items():
        if not isinstance(table, dict):
            raise UsageError(f"In the file {file}, {name} is no table.", "A preset is [NAME] and values.")
        presets[name] = _preset(name, table, presets.get(name))
    return presets


def _preset(name: str, table: Mapping[str, Any], built_in: Preset | None) -> Preset:
    """A table of the file; one without values changes only what is said of a built-in preset."""
    values = {key: value for key, value in table.items() if key not in (_WHY, _MODELS)}
    models = table.get(_MODELS, [])
    listed = [models] if isinstance(models, str) else models
    if not isinstance(listed, list) or not all(isinstance(part, str) and part for part in listed):
        raise UsageError(f"In the preset {name}, models is a list of texts, not {models!r}.")
    preset = built_in or Preset(name, MappingProxyType({}))
    if values:
        preset = Preset(name, MappingProxyType(values))
    return replace(preset, why=str(table.get(_WHY, preset.why)), models=tuple(listed))


def find(presets: Mapping[str, Preset], name: str) -> Preset:
    """The preset with this name; raises UsageError."""
    if name not in presets:
        raise UsageError(f"There is no preset {name!r}.", f"There are: {', '.join(presets)}.")
    return presets[name]


def checked_name(name: str) -> str:
    """A name that a preset may have: plain, so that it can be typed; raises UsageError."""
    if not _NAME.fullmatch(name) or name.lower() in _WORDS:
        raise UsageError(
            f"{name!r} is no name for a preset.", "It has letters, digits, - and _, such as code-review."
        )
    return name


def save(file: Path, name: str, values: Mapping[str, Any], why: str = "") -> None:
    """Keep these values under a name, in place of those that it had; raises UsageError."""
    before = settings_file.read(file).get(name, {})
    gone = [key for key in before if key not in (_WHY, _MODELS, *values)]

    def change(text: str) -> str:
        for key in gone:
            text = settings_file.without(text, name, key)
        for key, value in {**({_WHY: why} if why else {}), **values}.items():
            text = settings_file.changed(text, name, key, value)
        return text

    settings_file.edit(file, change)


def delete(file: Path, name: str) -> None:
    """Take a preset out of the file; raises UsageError when it is not there."""
    if name not in settings_file.read(file):
        raise UsageError(f"The file has no preset {name!r}.", f"{file} holds those that you have saved.")
    settings_file.edit(file, lambda text: settings_file.without(text, name))


def bind(file: Path, name: str, models: Iterable[str]) -> None:
    """Let a preset be for models with these parts in their names; raises UsageError."""
    settings_file.save(file, name, _MODELS, list(models))


def for_model(sampling: Sampling, presets: Iterable[Preset], model: str) -> Sampling:
    """With what the presets of a model set in place of another model's; what the user has set stays."""
    kept = {name: setting for name, setting in sampling.chosen.items() if setting.origin != "model"}
    chosen = Sampling(MappingProxyType(kept))
    for preset in presets:
        if preset.fits(model):
            free = {name: value for name, value in preset.values.items() if field_name(name) not in kept}
            chosen = replace(preset, values=free).over(chosen, "model")
    return chosen
