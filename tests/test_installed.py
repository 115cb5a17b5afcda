"""What belongs to an installed program: the man page, wheel and sdist."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from setuptools import build_meta

from docs import generate
from docs.manual import manual
from llmchat.launch.flags import options, parser

ROOT = Path(__file__).parent.parent


def needed(program: str) -> str:
    """The path of a program that a test needs."""
    found = shutil.which(program)
    assert found, f"This test needs {program}: install it (apt-get install {program})."
    return found


def test_the_man_page_is_fresh() -> None:
    assert generate.MANUAL.read_text(encoding="utf-8") == manual(), "run: python docs/generate.py"


def test_the_man_page_has_no_fault_and_tells_every_flag() -> None:
    page = str(generate.MANUAL)
    lint = subprocess.run(
        [needed("mandoc"), "-T", "lint", "-W", "warning", page], capture_output=True, text=True, check=False
    )
    # A page without a date is built the same on every day.
    assert [line for line in lint.stdout.splitlines() if "date" not in line] == []
    shown = subprocess.run([needed("mandoc"), page], capture_output=True, text=True, check=True).stdout
    plain = re.sub(".\b", "", shown)
    flags = [name for action in options(parser()) for name in action.option_strings]
    assert [name for name in flags if name not in plain] == []


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source distribution, so that that is whole; without a network."""
    folder = tmp_path_factory.mktemp("packages")
    source = folder / "source"
    shutil.copytree(ROOT / "llmchat", source / "llmchat", ignore=shutil.ignore_patterns("__pycache__"))
    (source / "docs").mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "docs/llmchat.1"):
        shutil.copy(ROOT / name, source / name)
    with contextlib.chdir(source), open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        sdist = folder / build_meta.build_sdist(str(folder))
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    unpacked = folder / sdist.name.removesuffix(".tar.gz")
    with contextlib.chdir(unpacked), open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        return folder / build_meta.build_wheel(str(folder))


def test_the_installed_program_is_whole(wheel: Path, tmp_path: Path, home: Path) -> None:
    """The practice model answers, and the man page is there; the size is what a download takes."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target"]
    subprocess.run([*pip, str(tmp_path / "site"), str(wheel)], check=True, timeout=120)
    site = tmp_path / "site"
    environ = {**os.environ, "PYTHONPATH": str(site), "LLMCHAT_HOME": str(home)}
    where = "import llmchat; print(llmchat.__file__)"
    for command, told in (
        ([sys.executable, "-c", where], str(site)),
        ([str(site / "bin" / "llmchat"), "--version"], "llmchat 0."),
        ([str(site / "bin" / "llmchat"), "--demo", "-t", "0", "write hello world in python"], "print("),
    ):
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert told in done.stdout, done.stderr
    assert (site / "share" / "man" / "man1" / "llmchat.1").read_text(encoding="utf-8") == manual()
    assert wheel.stat().st_size < 10_000_000
