"""What the program is started with: defaults < settings file < environment < flags, as one value.

The settings file is `settings.toml` in the platform's configuration folder:

    url = "http://localhost:1234"
    model = "qwen2.5-coder-3b-instruct"
    system = "Answer in one sentence."

    theme = "light"

    [params]
    temperature = 0.2
    top_k = 40

    [styles]
    user.text = "bold blue"

    [servers.work]
    url = "https://llm.example.com"
    key_env = "WORK_KEY"
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from llmchat.config import named_servers, styles
from llmchat.config.macros import NONE, Macros
from llmchat.config.macros import read as read_macros
from llmchat.config.named_servers import NamedServer, checked_key
from llmchat.config.preferences import DEFAULTS, PREFERENCES, Preferences
from llmchat.config.styles import Styles
from llmchat.errors import UsageError, reason
from llmchat.sampling import EXTRA, Origin, Sampling
from llmchat.wire import address
from llmchat.wire.address import DEFAULT_URL, Address

_TEXTS = ("url", "model", "system")
_TABLES = ("params", "servers", "aliases", "macros", "styles")
_KNOWN = (*_TEXTS, *_TABLES, *(preference.name for preference in PREFERENCES))


@dataclass(frozen=True, slots=True)
class Settings:
    """`model` is "" when the user named none; `url_named` says whether `address` is the user's choice.

    `file` is where the settings file is or would be, `log` where what goes over the wire is written.
    `servers` are those with a name of their own, `server` the one of them that was named.

    `program_key` belongs to `address`, `openai_key` to api.openai.com.
    """

    address: Address = field(default_factory=lambda: address.parse(DEFAULT_URL))
    url_named: bool = False
    macros: Macros = field(default_factory=lambda: NONE)
    styles: Styles = field(default_factory=lambda: styles.NONE)
    servers: Mapping[str, NamedServer] = field(default_factory=lambda: MappingProxyType({}))
    server: NamedServer | None = None
    model: str = ""
    system: str = ""
    sampling: Sampling = field(default_factory=Sampling)
    preferences: Preferences = DEFAULTS
    file: Path | None = None
    log: Path | None = None
    program_key: str = field(default="", repr=False)
    openai_key: str = field(default="", repr=False)

    def named_at(self, server: Address) -> NamedServer | None:
        """The first server with a name that has this address."""
        return next((named for named in self.servers.values() if named.address == server), None)

    def key_for(self, server: Address) -> str:
        """The key that may be sent to `server`; "" when there is none."""
        if self.program_key and server.origin == self.address.origin:
            return self.program_key
        if self.openai_key and server.origin == "https://api.openai.com":
            return self.openai_key
        return ""


def config_folder(environ: Mapping[str, str], platform: str = sys.platform) -> Path:
    """Where the settings file is; `LLMCHAT_HOME` moves it."""
    if environ.get("LLMCHAT_HOME"):
        return Path(environ["LLMCHAT_HOME"]) / "config"
    return _folder(environ, platform, "XDG_CONFIG_HOME", ".config", "APPDATA")


def data_folder(environ: Mapping[str, str], platform: str = sys.platform) -> Path:
    """Where llmchat keeps what it writes; `LLMCHAT_HOME` moves it."""
    if environ.get("LLMCHAT_HOME"):
        return Path(environ["LLMCHAT_HOME"]) / "data"
    return _folder(environ, platform, "XDG_DATA_HOME", ".local/share", "LOCALAPPDATA")


def _folder(environ: Mapping[str, str], platform: str, xdg: str, unix: str, windows: str) -> Path:
    try:
        if platform == "win32":
            return Path(environ.get(windows) or Path.home()) / "llmchat"
        if platform == "darwin" and not environ.get(xdg):
            return Path.home() / "Library" / "Application Support" / "llmchat"
        return Path(environ.get(xdg) or Path.home() / unix) / "llmchat"
    except RuntimeError as error:
        raise UsageError("There is no home folder.", "LLMCHAT_HOME may name one for llmchat.") from error


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """Defaults, then the settings file, then the environment; raises UsageError."""
    file = config_folder(environ) / "settings.toml"
    settings = replace(_with_file(Settings(), file), file=file)
    if environ.get("LLMCHAT_URL"):
        settings = with_url(settings, environ["LLMCHAT_URL"])
    return replace(
        settings,
        model=environ.get("LLMCHAT_MODEL") or settings.model,
        system=environ.get("LLMCHAT_SYSTEM") or settings.system,
        program_key=checked_key(environ.get("LLMCHAT_API_KEY", ""), "LLMCHAT_API_KEY"),
        openai_key=checked_key(environ.get("OPENAI_API_KEY", ""), "OPENAI_API_KEY"),
    )


def with_url(settings: Settings, url: str) -> Settings:
    """With the server that the user named: by an address, or as one of the settings file."""
    if named := settings.servers.get(url):
        model = named.model or settings.model
        return replace(settings, address=named.address, server=named, url_named=True, model=model)
    server = address.parse(url)
    return replace(settings, address=server, server=settings.named_at(server), url_named=True)


def with_params(settings: Settings, pairs: Mapping[str, Any], origin: Origin) -> Settings:
    """With these parameters, which have a type already; their texts are parsed as far as they want it."""
    sampling = settings.sampling
    for name, value in pairs.items():
        # An extra field's text is itself, and no JSON.
        parsed = isinstance(value, str) and not name.startswith(EXTRA)
        take = sampling.with_text if parsed else sampling.with_value
        sampling = take(name, value, origin)
    return replace(settings, sampling=sampling)


_WITHOUT = "Mend it, or rename it: llmchat starts without one too."


def _with_file(settings: Settings, path: Path) -> Settings:
    try:
        if not path.exists():
            return settings
        import tomllib  # most people have no settings file

        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise UsageError(f"The settings file {path} cannot be read: {reason(error)}.", _WITHOUT) from error
    if unknown := [key for key in table if key not in _KNOWN]:
        raise UsageError(
            f"The settings file {path} has an unknown key {unknown[0]!r}.",
            f"Known keys: {', '.join(_KNOWN)}.",
        )
    try:
        return _with_table(settings, table)
    except UsageError as error:
        raise UsageError(f"In the settings file {path}: {error.sentence}", error.hint) from error


def _with_table(settings: Settings, table: Mapping[str, Any]) -> Settings:
    for name in (*_TEXTS, *_TABLES):
        expected, words = (dict, "a table") if name in _TABLES else (str, "a text")
        if not isinstance(table.get(name, expected()), expected):
            raise UsageError(f"{name} is {words}, not {table[name]!r}.")
    settings = replace(
        settings,
        styles=styles.read(table.get("styles", {})),
        servers=named_servers.read(table.get("servers", {})),
        macros=read_macros(table.get("aliases", {}), table.get("macros", {})),
    )
    if "url" in table:
        settings = with_url(settings, table["url"])
    settings = with_params(settings, table.get("params", {}), "settings file")
    preferences = settings.preferences
    for known in PREFERENCES:
        if known.name in table:
            preferences = preferences.set(known.name, table[known.name])
    return replace(
        settings,
        model=table.get("model", settings.model),
        system=table.get("system", settings.system),
        preferences=preferences,
    )
