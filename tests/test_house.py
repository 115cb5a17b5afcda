"""The rules of the house, read from the code: what may import what, and how long things may be."""

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "llmchat"

# From the ground up: a file imports from floors below, or from its own floor without a circle.
# A folder is one room on its floor. `api` and the two dunder files are the house seen from outside.
FLOORS: tuple[tuple[str, ...], ...] = (
    (
        *(
            "errors",
            "messages",
            "records",
            "address",
            "deltas",
            "params",
            "sampling",
            "preferences",
            "servers",
        ),
        *("sse", "thinking", "refusal", "protocol", "markdown", "sanitize", "painter"),
        *("exports", "scripts"),
    ),
    ("client", "discovery", "store", "settings", "settings_file", "history", "engine"),
    ("keeping", "turn", "chat", "restoring", "lab"),
    ("registry", "commands", "lines", "completion", "toolbar"),
    ("screen", "prompt", "keys", "typeahead", "editor"),
    ("repl",),
    ("cli",),
    ("api", "__init__", "__main__"),
)
GROUND, SCREEN = FLOORS[0], FLOORS[4]

# A room below the house: the model and the scripts that train it. Only the engine knows of it.
CELLAR = "practice"

# What belongs to the outside, and the files that may know it.
DOORS: dict[str, tuple[str, ...]] = {
    "requests": ("client",),
    "urllib3": ("client",),
    "sqlite3": ("store",),
    "tomllib": ("settings", "settings_file"),
    "xllamacpp": ("engine",),
    "prompt_toolkit": ("prompt", "keys", "typeahead"),
    "rich": SCREEN,
}
# The ground floor is pure: no file, socket, process, clock, chance or terminal.
IMPURE = {
    *(
        "asyncio",
        "fcntl",
        "fileinput",
        "glob",
        "http",
        "io",
        "logging",
        "os",
        "pathlib",
        "shutil",
        "socket",
        "ssl",
    ),
    *(
        "datetime",
        "multiprocessing",
        "queue",
        "random",
        "secrets",
        "select",
        "selectors",
        "signal",
        "subprocess",
    ),
    *("getpass", "importlib", "platform", "sys", "tempfile", "termios", "threading", "time", "tty"),
}

BROAD = ("Exception", "BaseException")

FILES = sorted(file for file in PACKAGE.rglob("*.py") if CELLAR not in file.relative_to(PACKAGE).parts)
NAMES = {".".join(file.relative_to(PACKAGE).with_suffix("").parts): file for file in FILES}
EACH = pytest.mark.parametrize("name", NAMES)


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(NAMES[name].read_text(encoding="utf-8"))


def imports(name: str) -> set[str]:
    """All that a module imports by full name, inside functions and for type checking too."""
    found: set[str] = set()
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names}
    return found


def neighbours(name: str) -> set[str]:
    """The other modules of the house that a module imports, as they are named in NAMES."""
    ours = {full for full in imports(name) if full.startswith("llmchat.")}
    return {_module(full.removeprefix("llmchat.")) for full in ours} - {name}


def _module(path: str) -> str:
    """The module of a path that may end in something inside it; `__init__` is the house itself."""
    for inside in (path, path.rpartition(".")[0]):
        for candidate in (inside, f"{inside}.__init__"):
            if candidate in NAMES:
                return candidate
    return path if room(path) == CELLAR else "__init__"


def room(name: str) -> str:
    return name.partition(".")[0]


def floor(name: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if room(name) in rooms)


@EACH
def test_every_file_has_its_place_on_one_floor(name: str) -> None:
    assert [rooms for rooms in FLOORS if room(name) in rooms] == [FLOORS[floor(name)]]


@EACH
def test_a_file_imports_from_its_own_floor_or_below(name: str) -> None:
    others = [other for other in neighbours(name) if room(other) != CELLAR]
    assert [other for other in others if floor(other) > floor(name)] == []


def test_no_files_import_each_other_in_a_circle() -> None:
    TopologicalSorter({name: neighbours(name) for name in NAMES}).prepare()


@EACH
def test_imports_are_absolute(name: str) -> None:
    assert [full for full in imports(name) if full.startswith(".")] == []


@EACH
def test_only_the_engine_knows_of_the_cellar(name: str) -> None:
    assert name == "engine" or CELLAR not in {room(other) for other in neighbours(name)}


@EACH
def test_what_is_outside_is_known_to_its_door_alone(name: str) -> None:
    known = {full.partition(".")[0] for full in imports(name)}
    assert [outside for outside in DOORS if outside in known and room(name) not in DOORS[outside]] == []


@pytest.mark.parametrize("name", [name for name in NAMES if room(name) in GROUND])
def test_the_ground_floor_is_pure(name: str) -> None:
    assert {full.partition(".")[0] for full in imports(name)} & IMPURE == set()


def test_the_linter_knows_the_same_doors() -> None:
    ruff = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["lint"]
    assert set(ruff["flake8-tidy-imports"]["banned-api"]) == set(DOORS)
    open_to = {file for file, rules in ruff["per-file-ignores"].items() if "TID251" in rules}
    doors = {f"llmchat/{name}{end}" for names in DOORS.values() for name in names for end in (".py", "/*")}
    assert open_to <= doors | {f"llmchat/{CELLAR}/*", "tests/*"}


def too_long(name: str, kinds: tuple[type[ast.AST], ...], most: int) -> Iterator[str]:
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and isinstance(
            node, kinds
        ):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > most:
                yield f"{node.name}: {lines} lines"


@EACH
def test_no_function_is_longer_than_a_screen(name: str) -> None:
    assert list(too_long(name, (ast.FunctionDef, ast.AsyncFunctionDef), 40)) == []


@EACH
def test_no_class_has_two_subjects(name: str) -> None:
    assert list(too_long(name, (ast.ClassDef,), 200)) == []


@pytest.mark.parametrize("name", [name for name in NAMES if name != "engine"])
def test_nothing_is_printed_past_the_screen(name: str) -> None:
    """The engine's child speaks on its standard output; all else goes through the screen."""
    calls = [node.func for node in ast.walk(tree(name)) if isinstance(node, ast.Call)]
    assert [call.lineno for call in calls if isinstance(call, ast.Name) and call.id == "print"] == []


@EACH
def test_no_except_catches_everything(name: str) -> None:
    caught = [node for node in ast.walk(tree(name)) if isinstance(node, ast.ExceptHandler)]
    broad = [node.lineno for node in caught if node.type is None]
    for node in caught:
        names = ast.walk(node.type) if node.type else ()
        broad += [part.lineno for part in names if isinstance(part, ast.Name) and part.id in BROAD]
    assert broad == []
