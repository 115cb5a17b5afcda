"""One question and the program leaves: pipes, streams, exit codes."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.scripted import Reply, Request, ScriptedServer, answer, chunk, models, refuse, serving, sse, usage

NOWHERE = "127.0.0.1:9"


def run(*arguments: str, given: bytes | None = b"", **environ: str) -> "subprocess.CompletedProcess[bytes]":
    """Run llmchat with this standard input; its output is no terminal."""
    return subprocess.run(
        [sys.executable, "-m", "llmchat", *arguments],
        input=given,
        capture_output=True,
        timeout=60,
        check=False,
        env={**os.environ, **environ},
    )


def asked(server: ScriptedServer) -> str:
    """The last question that has come."""
    return str(server.requests[-1].body["messages"][-1]["content"])


def test_the_reply_goes_raw_to_standard_output_and_all_else_elsewhere(server: ScriptedServer) -> None:
    server.pages["/v1/models"] = models("some-model")
    server.will(sse(chunk(reasoning="hm"), chunk("# **raw**\x1b[1m"), chunk(finish="stop")))
    done = run("-u", server.url, "a", "question")
    assert (done.returncode, done.stdout) == (0, b"# **raw**\x1b[1m\n")
    assert b"model some-model" in done.stderr
    assert asked(server) == "a question"


def test_piped_input_is_added_to_the_question(server: ScriptedServer) -> None:
    server.will(answer("yes"))
    assert run("-u", server.url, "review this", given=b"a diff\n").stdout == b"yes\n"
    assert asked(server) == "review this\n\na diff"
    run("-u", server.url, given=b"only piped \xff\n")
    assert asked(server) == "only piped \N{REPLACEMENT CHARACTER}"


def test_what_is_piped_in_is_a_text_in_some_encoding(server: ScriptedServer) -> None:
    server.will(answer("yes"))
    for text in (b"\xef\xbb\xbfh\xc3\xa9\n", "h\xe9\n".encode("utf-16")):
        assert run("-u", server.url, given=text).returncode == 0
        assert asked(server) == "h\xe9"
    done = run("-u", server.url, "what is this?", given=b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    assert (done.returncode, done.stderr) == (2, b"Standard input is no text. `-f FILE` attaches an image.\n")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["-u", NOWHERE, "hi"], 1, "No server answers at http://127.0.0.1:9."),
        (["-u", NOWHERE], 2, "Nothing was asked."),
        (["-u", NOWHERE, "--sweep", "top_k=1,2"], 2, "Nothing was asked."),
        (["-p", "foo=1", "hi"], 2, "`llmchat -x /set` lists them; `-p extra.foo=…` sends any field."),
        (["-p", "=1", "hi"], 2, "'=1' names no parameter."),
        (["-p", "grammar=@~nosuchuser/x", "hi"], 2, "The file '~nosuchuser/x' cannot be read"),
        (["--log", "~nosuchuser/x", "hi"], 2, "The log ~nosuchuser/x cannot be written"),
        (["-t", "9", "hi"], 2, "temperature is a number from 0 to 2"),
        (["-p", "nonsense=1", "hi"], 2, "There is no parameter 'nonsense'."),
        (["-u", "ht tp://x", "hi"], 2, "is no server address"),
        (["-u", "http://me:secret@host", "hi"], 2, "cannot carry a name or key"),
        (["--local", "missing.gguf", "hi"], 1, "There is no model file 'missing.gguf'."),
        (["--local", "Why not?"], 2, "A question stands before `--local`."),
        (["-u", "", "hi"], 2, "'' is no server address."),
        (["--open", "", "hi"], 2, "There is no conversation ''."),
        (["--no-such-flag"], 2, "Unrecognized arguments: --no-such-flag."),
        (["--modell=x", "hi"], 2, "Did you mean --model?"),
        (["--demo", "-u", "x", "hi"], 2, "not allowed with"),
    ],
)
def test_what_is_wrong_is_one_line_and_an_exit_code(arguments: list[str], code: int, told: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (code, b"")
    assert told in done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert b"secret" not in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_the_answer_as_a_json_record(server: ScriptedServer) -> None:
    server.will(sse(chunk(reasoning="hm"), chunk("Blue.\x1b[1m"), chunk(finish="stop"), usage(7, 2)))
    done = run("-u", server.url, "-p", "seed=7", "-t", "0", "--json", "Which colour?")
    assert (done.returncode, done.stdout.count(b"\n"), done.stdout.count(b"\x1b")) == (0, 1, 0)
    record = json.loads(done.stdout)
    timings = record.pop("timings")
    assert timings["seconds"] >= timings["first_token"] > 0
    assert record == {
        "lane": 1,
        "differs": {},
        "text": "Blue.\x1b[1m",
        "reasoning": "hm",
        "tool_calls": [],
        "state": "complete",
        "finish_reason": "stop",
        "error": None,
        "model": "qwen2.5-coder-3b-instruct",
        "server": f"{server.url}/v1",
        "kind": record["kind"],
        "seed": 7,
        "parameters": {"temperature": 0, "max_tokens": -1, "seed": 7},
        "usage": {"prompt_tokens": 7, "completion_tokens": 2, "cached_tokens": None},
        "mean_logprob": None,
    }


def test_a_sweep_as_a_json_record_for_each_lane(server: ScriptedServer) -> None:
    server.will(answer("cold"), refuse(500, {"error": "broken"}), answer("hot"))
    done = run("-u", server.url, "--sweep", "temperature=0,0.5,1", "--json", "why?", given=b"a @file.py\n")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert [record["text"] for record in records] == ["cold", "", "hot"]
    assert [record["differs"] for record in records] == [{"temperature": t} for t in (0, 0.5, 1)]
    assert [record["lane"] for record in records] == [1, 2, 3]
    assert len({record["seed"] for record in records}) == 1
    assert "broken" in records[1]["error"]
    assert asked(server) == "why?\n\na @file.py"
    assert b"file.py" not in done.stderr


def test_beside_json_records_nothing_is_written(server: ScriptedServer) -> None:
    server.will(answer("yes"))
    done = run(
        "-u", server.url, "--json", "-x", "/set seed=3", "-x", "/chats", "--sweep", "top_k=1,2", "why?"
    )
    assert [json.loads(line)["seed"] for line in done.stdout.splitlines()] == [3, 3]
    assert b"seed is 3." in done.stderr


def test_a_sweep_for_a_pipe_is_text(server: ScriptedServer) -> None:
    server.will(answer("cold"), answer("hot"))
    done = run("-u", server.url, "--sweep", "temperature=0,1", "--sweep", "top_k=1", "why?")
    assert "2 \N{MIDDLE DOT} temperature 1\n\nhot\n" in done.stdout.decode()
    hints = re.findall(r"`llmchat ([^`]+)`", done.stdout.decode())
    assert hints == ["-c -x '/pick N'", "-c -x '/diff N M'", "-c -x '/export sweep FILE.html'"]
    line = hints[1].replace("N", "1").replace("M", "2")
    assert b"cold" in run("-u", server.url, *shlex.split(line)).stdout
    assert run("-u", server.url, "--sweep", "temperature=0,9", "why?").returncode == 2


def test_a_sweep_that_nobody_answers_is_an_error() -> None:
    done = run("-u", NOWHERE, "--sweep", "temperature=0,1", "--json", "why?")
    assert done.returncode == 1
    assert [json.loads(line)["state"] for line in done.stdout.splitlines()] == ["failed", "failed"]
    assert b"No server answers" in done.stderr


@pytest.mark.each_flavour
def test_a_json_record_of_what_came_before_the_connection_broke(server: ScriptedServer) -> None:
    server.will(Reply(sse(chunk("Once upon"), done=False), cut=True))
    done = run("-u", server.url, "--json", "a story")
    record = json.loads(done.stdout)
    assert (done.returncode, record["text"], record["state"]) == (1, "Once upon", "cut short")
    assert record["error"] in done.stderr.decode()
    assert "IncompleteRead" not in record["error"]


@pytest.mark.each_flavour
def test_what_came_before_the_connection_broke_can_be_gone_on_with(server: ScriptedServer) -> None:
    server.pages["/v1/models"] = models("m", owned_by="llamacpp")
    server.will(Reply(sse(chunk("half an "), done=False)), answer("answer"))
    done = run("-u", server.url, "hi")
    assert (done.returncode, done.stdout) == (1, b"half an \n")
    assert done.stderr.decode().endswith("; `llmchat -c -x /continue` goes on with it.\n")
    assert run("-u", server.url, "-c", "-x", "/continue").stdout == b"answer\n"


def test_where_a_long_error_is_to_be_found_whole(server: ScriptedServer) -> None:
    server.will(refuse(500, "long " * 1000))
    assert b"\xe2\x80\xa6 `--log FILE` shows it whole." in run("-u", server.url, "hi").stderr


def test_no_answer_is_no_json_record(server: ScriptedServer) -> None:
    server.will(refuse(400, {"error": "no"}))
    done = run("-u", server.url, "--json", "hi")
    assert (done.returncode, done.stdout) == (1, b"")


def test_a_refusal_is_made_safe_and_short(server: ScriptedServer) -> None:
    server.will(refuse(400, {"error": "no\x1b]0;title\x07\n" * 50}))
    done = run("-u", server.url, "hi")
    assert done.returncode == 1
    assert b"\x1b" not in done.stderr
    assert done.stderr.count(b"\n") < 12


def test_a_key_that_cannot_be_sent_is_refused_before(server: ScriptedServer) -> None:
    done = run("-u", server.url, "hi", LLMCHAT_API_KEY="sk-\N{HORIZONTAL ELLIPSIS}")
    assert done.returncode == 2
    assert b"LLMCHAT_API_KEY has a character that cannot be sent" in done.stderr


def test_closed_standard_input_is_no_question_and_no_traceback(server: ScriptedServer) -> None:
    server.will(answer("yes"))
    command = f"{sys.executable} -m llmchat -u {server.url} hi <&-"
    done = subprocess.run(["bash", "-c", command], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, b"yes\n")


def test_a_parameter_is_written_as_in_the_chat(server: ScriptedServer, tmp_path: Path) -> None:
    server.will(answer("yes"))
    (tmp_path / "yes.gbnf").write_text('root ::= "yes"\n')
    values = (f"grammar=@{tmp_path}/yes.gbnf", "max_tokens=2k", "temperature=+0.1", "seed=3", "seed=none")
    done = run("-u", server.url, *(word for value in values for word in ("-p", value)), "hi")
    body = server.requests[-1].body
    assert (done.returncode, body["grammar"], body["max_tokens"]) == (0, 'root ::= "yes"', 2048)
    assert (body["temperature"], "seed" in body) == (0.8, False)
    assert run("-u", server.url, "-p", "grammar=@missing", "hi").returncode == 2


@pytest.mark.parametrize("arguments", ["hi", "--render"])
def test_standard_input_that_cannot_be_read_is_a_sentence(arguments: str) -> None:
    command = f"{sys.executable} -m llmchat -u {NOWHERE} {arguments} 0>/dev/null"
    done = subprocess.run(["bash", "-c", command], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode().strip() == "Standard input cannot be read: Bad file descriptor."


@pytest.mark.parametrize("text", ["", "none", "Be brief."])
def test_the_system_prompt_of_the_settings_gives_way_to_a_flag(server: ScriptedServer, text: str) -> None:
    server.will(answer("yes"))
    for go_on in ((), ("-c",)):
        run("-u", server.url, "-s", text, *go_on, "hi", LLMCHAT_SYSTEM="You are a pirate.")
        messages = server.requests[-1].body["messages"]
        system = [message["content"] for message in messages if message["role"] == "system"]
        assert system == ([text] if text == "Be brief." else [])


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_is_a_sentence(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, unbuffered: str
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    server.will(answer("yes"))
    for arguments in ("hi", "--help", "--version"):
        command = f"{sys.executable} -m llmchat -u {server.url} {arguments} > /dev/full"
        done = subprocess.run(["bash", "-c", command], capture_output=True, timeout=60, check=False)
        assert done.returncode == 1
        assert done.stderr.decode().strip() == "The output cannot be written: No space left on device."


def test_what_stands_behind_two_dashes_is_the_question(server: ScriptedServer) -> None:
    server.will(answer("yes"))
    for words in (["--version"], ["-x/set seed=3"], ["a", "--", "-b"]):
        assert run("-u", server.url, "--", *words).stdout == b"yes\n"
        assert asked(server) == " ".join(words)


def test_a_parameter_is_typed_as_in_the_chat(server: ScriptedServer) -> None:
    server.will(answer("yes"))
    run("-u", server.url, "-p", "temperature = 0.3", "hi")
    assert server.requests[-1].body["temperature"] == 0.3


def test_a_question_may_go_on_after_a_flag(server: ScriptedServer) -> None:
    server.will(answer("yes"))
    assert run("-u", server.url, "Why", "-t", "0", "not?").returncode == 0
    assert server.requests[-1].body["messages"][-1]["content"] == "Why not?"


def test_whoever_reads_may_leave(server: ScriptedServer) -> None:
    server.will(Reply([*sse(*[chunk("line\n")] * 20_000, chunk(finish="stop"))]))
    command = f"{sys.executable} -m llmchat -u {server.url} hi | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (141, b"line\n", b"")


def test_an_interrupted_answer_ends_with_130_and_hangs_up() -> None:
    with serving() as server:
        server.will(Reply(sse(chunk("Once upon"), done=False), hold=True))
        with subprocess.Popen(
            [sys.executable, "-m", "llmchat", "-u", server.url, "hi"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as program:
            assert program.stdout
            assert program.stdout.read(9) == b"Once upon"
            program.send_signal(signal.SIGINT)
            assert program.wait(20) == 130
        assert server.requests[0].hung_up.wait(5)


def test_an_interrupt_ends_all_answers_that_nobody_sees_come() -> None:
    came = threading.Event()

    def begun(_: Request) -> Reply:
        came.set()
        return Reply(sse(chunk("Once upon"), done=False), hold=True)

    with serving() as server:
        server.will(begun)
        with subprocess.Popen(
            [sys.executable, "-m", "llmchat", "-u", server.url, "--sweep", "seed=1,2,3", "hi"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as program:
            begins = came.wait(20)
            program.send_signal(signal.SIGINT if begins else signal.SIGKILL)
            assert program.wait(60) == 130
        assert len(server.requests) == 1


def test_a_broken_settings_file_is_one_line(home: Path) -> None:
    (home / "config").mkdir(parents=True)
    (home / "config" / "settings.toml").write_text("colour = 3\n")
    done = run("hi")
    assert done.returncode == 2
    assert b"has an unknown key 'colour'. Known keys: url, model" in done.stderr


def test_an_input_without_end_is_rendered_while_it_comes() -> None:
    # More than a frame has, which would be all that came if it waited for the end.
    command = f"yes | {sys.executable} -m llmchat --render | head -c 10000 >&2; exit ${{PIPESTATUS[1]}}"
    done = subprocess.run(["bash", "-c", command], stderr=subprocess.PIPE, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (141, b"y\n" * 5000)


def test_markdown_is_rendered_alone() -> None:
    for mark, encoding in (("", "utf-8"), ("\ufeff", "utf-8"), ("\ufeff", "utf-16-le")):
        assert run("--render", given=f"{mark}- one\n".encode(encoding)).stdout.split() == [
            "•".encode(),
            b"one",
        ]
    done = run("--render", given=b"Some **bold** text.\n")
    assert b"Some" in done.stdout
    assert b"**" not in done.stdout


def test_the_version_is_told() -> None:
    assert run("--version").stdout.startswith(b"llmchat 0.")
