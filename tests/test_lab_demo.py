"""The lab in a real terminal against the real llama.cpp server with the practice model."""

import contextlib
import json
import re
from pathlib import Path

from llmchat.local import engine
from tests.terminal import Terminal, terminal


def identical(shown: str) -> dict[int, str]:
    """Of the last summary, which answers each is identical to; by its number."""
    table = shown.rpartition("identical to")[2]
    rows = re.findall(r"^(\d+) · .*?\d+%\s+\d+%(.*)$", table, re.MULTILINE)
    return {int(number): others.strip() for number, others in rows}


def sweep(screen: Terminal, line: str, times: int) -> dict[int, str]:
    screen.line(line)
    screen.wait_until(lambda text: text.count("goes on from the first answer") == times, "the summary")
    return identical(screen.wait_for_prompt())


def test_the_lab_in_a_terminal(home: Path, tmp_path: Path) -> None:
    with terminal("--demo", home=home, columns=120, rows=50) as screen:
        screen.wait_for_prompt()
        screen.line("/set temperature 2")
        screen.wait_for("temperature is 2.")
        same = sweep(screen, "/sweep seed 7 7 x6 -- tell me a joke", 1)
        assert "2" in same[1].split(", ")
        assert len(same) == 8
        assert len(same[1].split(", ")) < 7
        again = sweep(screen, "/sweep seed=1,2,3 temperature=0 parallel=3 -- what are you?", 2)
        assert again == {1: "2, 3", 2: "1, 3", 3: "1, 2"}
        screen.line("/pick 2")
        screen.wait_for("Keep seed 2")
        screen.line("y")
        screen.wait_for("Kept: seed 2")
        screen.wait_for_prompt()
        screen.line("/diff 1 2")
        screen.wait_for("The answers are the same.")
        screen.line(f"/export sweep {tmp_path / 'lanes.json'}")
        screen.wait_for("Written to")
        assert len(json.loads((tmp_path / "lanes.json").read_text())["answers"]) == 3
        screen.line("/compare")
        screen.wait_until(lambda text: text.count("3 · seed 3") >= 3, "the comparison again")


def test_two_servers_in_a_terminal(home: Path) -> None:
    with (
        contextlib.closing(engine.start_practice()) as one,
        contextlib.closing(engine.start_practice()) as other,
        terminal("-u", one.url, home=home, columns=160) as screen,
    ):
        screen.wait_for_prompt()
        same = sweep(screen, f"/compare @{one.url} @{other.url} parallel=2 -- what are you?", 1)
        assert same == {1: "2", 2: "1"}
        screen.line("/pick 2")
        screen.wait_for(f"Keep server {other.url}/v1")
        screen.line("y")
        screen.wait_for(f"Kept: server {other.url}/v1.")


def test_choices_in_a_narrow_terminal(home: Path) -> None:
    with terminal("--demo", home=home, columns=60, rows=40) as screen:
        screen.wait_for_prompt()
        screen.line("/set n 2")
        screen.wait_for("n is 2.")
        screen.line("hello")
        shown = screen.wait_for("goes on from the first answer")
        assert "│" not in shown
        assert re.search(r"^1\n─+\n", shown, re.MULTILINE)
