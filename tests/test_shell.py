"""llmchat in a real shell: pipes, redirections, lines given with `-x`, and the terminal beside a pipe."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmchat.input.lines import Line
from tests.scripted import Reply, ScriptedServer, answer, chunk, sse
from tests.session import session
from tests.terminal import Terminal, terminal

CTRL_C, CTRL_D = "\x03", "\x04"


def bash(
    command: str, server: ScriptedServer, *, cwd: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run a command line in bash, in which `llmchat` is ours and talks to this server."""
    return subprocess.run(
        ["bash", "-c", f"{_ours(server)}\n{command}"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
        text=True,
        cwd=cwd,
    )


def _ours(server: ScriptedServer) -> str:
    return f'llmchat() {{ {sys.executable} -m llmchat -u {server.url} "$@"; }}'


@contextlib.contextmanager
def shell(server: ScriptedServer, home: Path) -> Iterator[Terminal]:
    """An interactive bash in a pty, in which `llmchat` is ours and talks to this server."""
    environ = {"LLMCHAT_HOME": str(home), "PS1": "$ ", "PYTHONPATH": os.getcwd()}
    there = Terminal(["bash", "--norc", "--noprofile", "-i"], 100, 24, environ)
    try:
        there.wait_until(lambda _: there.cursor_line == "$", "the shell")
        there.line(f" {_ours(server)}; clear")
        there.wait_until(lambda text: text.strip() == "$", "a clear screen")
        yield there
    finally:
        there.child.close(force=True)


def sent(server: ScriptedServer) -> list[str]:
    """The last message of each request."""
    return [request.body["messages"][-1]["content"] for request in server.requests]


def test_a_question_a_pipe_and_a_file(server: ScriptedServer, tmp_path: Path) -> None:
    server.will(answer("yes"))
    (tmp_path / "file").write_text("from a file\n")
    command = (
        "llmchat why; git diff --no-index /dev/null file | llmchat review this; llmchat < file > answer.md"
    )
    done = bash(command, server, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "yes\nyes\n")
    assert (tmp_path / "answer.md").read_text() == "yes\n"
    why, diff, file = sent(server)
    assert (why, file) == ("why", "from a file")
    assert diff.startswith("review this\n\ndiff --git")
    assert diff.endswith("+from a file")


def test_a_question_is_sent_as_it_is_whatever_it_looks_like(server: ScriptedServer, tmp_path: Path) -> None:
    server.will(answer("yes"))
    (tmp_path / "docs.py").write_text('"""doc"""\nx = """y"""')
    done = bash("llmchat '/set temperature=0'; llmchat //x; llmchat < docs.py", server, cwd=tmp_path)
    assert sent(server) == ["/set temperature=0", "//x", '"""doc"""\nx = """y"""']
    told = "This is sent as a question; `llmchat -x '/set temperature=0'` runs the command.\n"
    assert done.stderr == told


def test_lines_run_in_order_and_the_reply_alone_is_the_output(server: ScriptedServer) -> None:
    server.will(answer("yes"))
    done = bash("llmchat -x '/set temperature=0' -x one -x '/top_p 0.5' two", server)
    assert (done.returncode, done.stdout) == (0, "yes\nyes\n")
    assert "temperature is 0." in done.stderr
    first, second = (request.body for request in server.requests)
    assert (first["temperature"], first.get("top_p")) == (0, None)
    assert (second["temperature"], second["top_p"]) == (0, 0.5)
    assert [message["content"] for message in second["messages"]] == ["one", "yes", "two"]


def test_what_is_piped_goes_with_the_first_message_among_the_lines(server: ScriptedServer) -> None:
    server.will(answer("yes"))
    bash("echo a diff | llmchat -x '/temp 0' -x 'review this' -x 'and now?'", server)
    assert sent(server) == ["review this\n\na diff", "and now?"]


def test_commands_alone_write_what_they_show(server: ScriptedServer, tmp_path: Path) -> None:
    server.will(answer("yes"))
    done = bash(
        "llmchat hi >&2; llmchat -c -x /curl > c.sh; llmchat -x /set | grep '^seed'",
        server,
        cwd=tmp_path,
    )
    assert "curl" in (tmp_path / "c.sh").read_text()
    (row,) = done.stdout.splitlines()
    assert row.startswith("seed")


def test_the_first_error_ends_the_lines_with_its_code(server: ScriptedServer) -> None:
    server.will(answer("yes"))
    for line, code in (("/set temperature=9", 2), ("/nonsense", 2), ("/import missing.json", 2)):
        done = bash(f"llmchat -x '{line}' -x hi", server)
        assert (done.returncode, done.stdout) == (code, "")
        assert len(done.stderr.splitlines()) == 1
    assert not server.requests
    assert bash("llmchat -x /exit -x hi", server).returncode == 0
    assert not server.requests
    server.will(Reply([b'{"error": "no"}'], status=500, type="application/json"))
    assert bash("llmchat -x hi -x ho", server).returncode == 1


def test_a_reply_that_is_held_back_is_asked_for_as_a_stream(server: ScriptedServer) -> None:
    server.will(answer("yes ", "and no"))
    done = bash("llmchat --no-stream hi", server)
    assert done.stdout == "yes and no\n"
    assert server.requests[0].body["stream"] is True


def test_a_pager_and_head_take_what_they_want(server: ScriptedServer) -> None:
    server.will(answer(*(f"line {n}\n" for n in range(500))))
    done = bash(
        "llmchat hi | head -n 2; llmchat hi | cat -n | tail -n 1; llmchat hi | less -R | wc -l", server
    )
    assert done.stdout.splitlines() == ["line 0", "line 1", "   500\tline 499", "500"]
    assert done.stderr == ""


def test_less_shows_the_reply_and_q_leaves(server: ScriptedServer, home: Path) -> None:
    server.will(answer(*(f"line {n}\n" for n in range(500))))
    with shell(server, home) as screen:
        screen.line("llmchat hi | less -R")
        screen.wait_for("line 20")
        screen.type("q")
        screen.wait_until(lambda _: screen.cursor_line == "$", "the shell")
        screen.line("echo still $((40 + 2))")
        screen.wait_for("still 42")


def test_the_answer_to_a_pipe_is_drawn_and_ctrl_c_stops_it(server: ScriptedServer, home: Path) -> None:
    server.will(Reply(sse(chunk("Some **bold** text.\n\nOnce upon"), done=False), hold=True))
    with shell(server, home) as screen:
        screen.line("echo why | llmchat; echo left with $?")
        screen.wait_for("Once upon")
        screen.type(CTRL_C)
        shown = screen.wait_for("left with 130")
        assert "Some bold text." in shown
    assert server.requests[0].hung_up.wait(5)


def test_plain_shows_markdown_as_it_is_but_safe(server: ScriptedServer, home: Path) -> None:
    server.will(answer("Some **bold**", " \x1b[31mtext\x1b]0;title\x07"))
    with shell(server, home) as screen:
        screen.line("llmchat --plain hi; echo left with $?")
        shown = screen.wait_for("left with 0")
        assert "Some **bold** ␛[31mtext␛]0;title␇" in shown


def test_a_command_asks_at_the_terminal_when_the_input_is_a_pipe(server: ScriptedServer, home: Path) -> None:
    server.will(answer("yes"))
    with shell(server, home) as screen:
        screen.line("llmchat hi; echo notes > notes.md; cd $LLMCHAT_HOME; echo old > notes.md")
        screen.wait_for("yes")
        screen.line("echo | llmchat -c -x '/export notes.md'; echo left with $?")
        screen.wait_for("Overwrite it? [y/N]")
        screen.line("y")
        screen.wait_for("left with 0")
        screen.line("head -n 1 notes.md; echo | llmchat -c -x '/delete'; echo left with $?")
        screen.wait_for("for good? [y/N]")
        screen.type(CTRL_C)
        screen.wait_for("left with 130")


def test_without_any_terminal_nothing_is_asked(server: ScriptedServer, tmp_path: Path) -> None:
    server.will(answer("yes"))
    (tmp_path / "notes.md").write_text("old")
    command = "llmchat hi; setsid -w bash -c '" + _ours(server) + '; llmchat -c -x "/export notes.md"\''
    done = bash(command, server, cwd=tmp_path)
    assert done.returncode == 2
    assert "There is no terminal to answer at" in done.stderr
    assert (tmp_path / "notes.md").read_text() == "old"


def test_a_piped_question_may_go_on_as_a_chat(server: ScriptedServer, home: Path) -> None:
    server.will(answer("yes"))
    with shell(server, home) as screen:
        screen.line("printf 'one\\ntwo\\n' | llmchat -i 'review this'; echo left with $?")
        screen.wait_for("> review this … 3 more lines")
        screen.wait_for_prompt()
        screen.line("and now?")
        screen.wait_until(lambda _: len(server.requests) == 2, "the second request")
        screen.wait_for_prompt()
        screen.type(CTRL_D)
        screen.wait_for("left with 0")
    assert sent(server) == ["review this\n\none\ntwo", "and now?"]


def test_files_go_with_the_question(server: ScriptedServer, tmp_path: Path) -> None:
    server.will(answer("yes"))
    for name in ("one.txt", "two.txt"):
        (tmp_path / name).write_text(f"text of {name}\n")
    assert bash("llmchat -f one.txt -f two.txt compare", server, cwd=tmp_path).stdout == "yes\n"
    assert all(part in sent(server)[0] for part in ("text of one.txt", "text of two.txt", "compare"))
    done = bash("llmchat -f missing.txt compare", server, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "There is no file 'missing.txt'." in done.stderr


def test_nothing_given_on_the_command_line_runs_in_the_shell(server: ScriptedServer, tmp_path: Path) -> None:
    server.will(answer("!touch pwned"))
    bash("llmchat '!touch pwned'; echo '!touch pwned' | llmchat; llmchat -x hi", server, cwd=tmp_path)
    assert sent(server) == ["!touch pwned", "!touch pwned", "hi"]
    done = bash("llmchat -x '!touch pwned'", server, cwd=tmp_path)
    assert done.returncode == 2
    assert "-x runs nothing in the shell" in done.stderr
    assert not (tmp_path / "pwned").exists()


def test_a_shell_line_shows_its_output_and_offers_it(
    server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHELL", "/bin/bash")
    server.will(answer("yes"))
    line = "!printf '\\x1b[2Jone\\ntwo'; echo oh >&2; exit 3"
    ran = session(server.url, line, "y", "what is this?", line, "n", "!!important", "!", "!true")
    assert "␛[2Jone\ntwooh\nIt ended with 3.\nAttach its output" in ran.screen
    asked = sent(server)
    assert asked[0].startswith("Output of `printf")
    assert asked[0].endswith("what is this?")
    assert "\x1b[2Jone\ntwooh\n" in asked[0]
    assert asked[1:] == ["!important", "!"]


def test_a_paste_of_several_lines_and_a_piped_line_run_nothing(
    server: ScriptedServer, tmp_path: Path
) -> None:
    server.will(answer("yes"))
    pasted = Line(f"!touch {tmp_path}/pwned\nand more", pasted=True)
    session(server.url, pasted, Line(f"!touch {tmp_path}/pwned", piped=True))
    assert len(server.requests) == 2
    assert not (tmp_path / "pwned").exists()


def test_ctrl_c_stops_what_the_shell_runs(server: ScriptedServer, home: Path) -> None:
    server.will(answer("fine"))
    with terminal("-u", server.url, home=home) as screen:
        screen.wait_for_prompt()
        screen.line("!echo begun; sleep 1000")
        screen.wait_until(lambda text: text.splitlines().count("begun") == 1, "the output")
        screen.type(CTRL_C)
        assert "\nStopped.\n" in screen.wait_for("to the next message? [y/N]")
        screen.line("n")
        screen.wait_for_prompt()
        screen.line("hi")
        screen.wait_for("fine")
