"""Fuzz a target by hand: `python -m tests.fuzz.by_hand sanitizer --runs 100000`.

Hypothesis draws the inputs; with `--atheris` (`pip install atheris`) coverage guides them.
"""

import argparse
import sys
import time
from importlib import import_module

import hypothesis
from hypothesis import strategies as st

TARGETS = ("sanitizer", "renderer", "decoder")


def draw(name: str, runs: int) -> int:
    """Let hypothesis draw so many inputs; how many there were."""
    target = import_module(f"tests.fuzz.{name}").one_input
    count = 0

    @hypothesis.settings(max_examples=runs, deadline=None, database=None)
    @hypothesis.given(st.binary(min_size=4, max_size=60))
    def run(data: bytes) -> None:
        nonlocal count
        count += 1
        target(data)

    run()
    return count


def guided(name: str, runs: int) -> None:
    """Let atheris look for inputs; it ends the process itself, and keeps one that breaks a promise."""
    import atheris

    # What is imported here is watched.
    with atheris.instrument_imports(include=["llmchat"]):
        target = import_module(f"tests.fuzz.{name}").one_input

    atheris.Setup([sys.argv[0], f"-atheris_runs={runs}", "-max_len=100"], target)
    atheris.Fuzz()


def main() -> None:
    """Fuzz one target; an input that breaks a promise is shown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--atheris", action="store_true", help="let coverage guide the inputs")
    flags = parser.parse_args()
    if flags.atheris:
        guided(flags.target, flags.runs)
        return
    start = time.monotonic()
    count = draw(flags.target, flags.runs)
    print(f"{flags.target}: {count:,} inputs in {time.monotonic() - start:.0f} s, failures 0")


if __name__ == "__main__":
    main()
