"""The rules of the house, read from the code: what may import what, and how long things may be."""

import ast
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "llmchat"

ARCHITECTURE = ROOT / "docs" / "architecture.md"


def floors() -> list[list[str]]:
    """The files of each floor, ground first, as docs/architecture.md lists them: a line a file."""
    found: list[list[str]] = []
    for line in ARCHITECTURE.read_text(encoding="utf-8").splitlines():
        if line.startswith("### Floor "):
            found.append([])
        elif found and (item := re.match(r"- `([\w/]+)`: .", line)):
            found[-1].append(item[1].replace("/", "."))
    return found[::-1]


# A file imports from floors below, or from its own floor without a circle.
FLOORS = floors()
GROUND, SCREEN = FLOORS[0], FLOORS[4]

# A room below the house: the model and the scripts that train it. Only the engine knows of it.
CELLAR = "practice"

# What belongs to the outside, and the files that may know it.
DOORS: dict[str, tuple[str, ...]] = {
    "requests": ("wire.client",),
    "urllib3": ("wire.client",),
    "sqlite3": ("store.database", "store.rows", "store.writing"),
    "tomllib": ("config.settings", "config.settings_file"),
    "xllamacpp": ("local.engine",),
    "PIL": ("input.pictures",),
    "jsonschema": ("structured",),
    "huggingface_hub": ("local.hub",),
    "httpx2": ("local.hub",),
    "prompt_toolkit": (
        "terminal.prompt",
        "terminal.above",
        "terminal.focus",
        "terminal.keys",
        "terminal.meanwhile",
        "terminal.redrawing",
        "terminal.typeahead",
        "terminal.window_title",
        "terminal.wrapping",
    ),
    "rich": tuple(SCREEN),
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

BROAD = {"Exception", "BaseException"}

FILES = sorted(file for file in PACKAGE.rglob("*.py") if CELLAR not in file.relative_to(PACKAGE).parts)
NAMES = {".".join(file.relative_to(PACKAGE).with_suffix("").parts): file for file in FILES}


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
    return path if in_the_cellar(path) else "__init__"


def in_the_cellar(name: str) -> bool:
    return name.partition(".")[0] == CELLAR


def floor(name: str) -> int:
    return next(number for number, names in enumerate(FLOORS) if name in names)


def test_every_file_has_its_line_on_one_floor_of_the_architecture() -> None:
    lines = Counter(name for names in FLOORS for name in names)
    assert {name for name in {*lines, *NAMES} if lines[name] != 1 or name not in NAMES} == set()


def test_a_file_imports_from_its_own_floor_or_below() -> None:
    pairs = [(name, other) for name in NAMES for other in neighbours(name) if not in_the_cellar(other)]
    assert [(name, other) for name, other in pairs if floor(other) > floor(name)] == []


def test_no_files_import_each_other_in_a_circle() -> None:
    TopologicalSorter({name: neighbours(name) for name in NAMES}).prepare()


def test_imports_are_absolute() -> None:
    assert [(name, full) for name in NAMES for full in imports(name) if full.startswith(".")] == []


def test_only_the_engine_knows_of_the_cellar() -> None:
    knowing = {name for name in NAMES for other in neighbours(name) if in_the_cellar(other)}
    assert knowing <= {"local.engine"}


def test_what_is_outside_is_known_to_its_door_alone() -> None:
    pairs = [(name, full.partition(".")[0]) for name in NAMES for full in imports(name)]
    assert [(name, top) for name, top in pairs if name not in DOORS.get(top, (name,))] == []


def test_the_ground_floor_is_pure() -> None:
    assert [
        (name, full) for name in GROUND for full in imports(name) if full.partition(".")[0] in IMPURE
    ] == []


def test_the_linter_knows_the_same_doors() -> None:
    ruff = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["lint"]
    assert set(ruff["flake8-tidy-imports"]["banned-api"]) == set(DOORS)
    open_to = {file for file, rules in ruff["per-file-ignores"].items() if "TID251" in rules}
    doors = {f"llmchat/{name.replace('.', '/')}.py" for names in DOORS.values() for name in names}
    assert open_to <= doors | {f"llmchat/{CELLAR}/*", "tests/*", "docs/pictures/*"}


Long = type[ast.FunctionDef] | type[ast.AsyncFunctionDef] | type[ast.ClassDef]


def longer_than(most: int, *kinds: Long) -> Iterator[str]:
    for name in NAMES:
        for node in ast.walk(tree(name)):
            if isinstance(node, kinds):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > most:
                    yield f"{name}.{node.name}: {lines} lines"


def test_no_function_is_longer_than_a_screen() -> None:
    assert list(longer_than(40, ast.FunctionDef, ast.AsyncFunctionDef)) == []


def test_no_class_has_two_subjects() -> None:
    assert list(longer_than(200, ast.ClassDef)) == []


def names_in(name: str, kind: type[ast.AST], part: str) -> Iterator[str]:
    """The plain names inside this part of each node of this kind."""
    for node in ast.walk(tree(name)):
        if isinstance(node, kind) and getattr(node, part):
            inner = ast.walk(getattr(node, part))
            yield from (leaf.id for leaf in inner if isinstance(leaf, ast.Name))


def test_nothing_is_printed_past_the_screen() -> None:
    """The engine's child speaks on its standard output; all else goes through the screen."""
    assert {name for name in NAMES if "print" in names_in(name, ast.Call, "func")} == {"local.engine"}


def test_the_prompt_needs_nothing_that_only_an_answer_needs() -> None:
    """What is imported before the first prompt is shown; static graphs do not see what is deferred."""
    program = "import sys, llmchat.cli, llmchat.terminal.prompt; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    late = {"requests", "rich", "markdown_it", "sqlite3", "tomllib"}
    ours = {"llmchat.chat", "llmchat.registry", "llmchat.launch.shell_completion"}
    assert not (late | ours) & loaded


def test_a_home_that_is_nobodys_is_no_error() -> None:
    """Path.expanduser raises RuntimeError there; os.path.expanduser leaves the name as it is."""
    texts = {name: path.read_text(encoding="utf-8") for name, path in NAMES.items()}
    assert [name for name, text in texts.items() if re.search(r"(?<!os\.path)\.expanduser\(", text)] == []


def test_no_except_catches_everything() -> None:
    assert [name for name in NAMES if BROAD & set(names_in(name, ast.ExceptHandler, "type"))] == []
    handlers = [(name, node) for name in NAMES for node in ast.walk(tree(name))]
    assert [name for name, node in handlers if isinstance(node, ast.ExceptHandler) and not node.type] == []
