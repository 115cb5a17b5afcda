"""What real servers do to a client, each as a script, with what has to come of it.

Each is named after the server that does it. `tests/test_fixtures.py` runs them all in both flavours
and follows each with a turn that works; `docs/fixtures.md` is written from this table.
"""

import gzip
import json
import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from llmchat.messages import State
from tests.scripted import Reply, answer, chunk, models, refuse, sse, usage

QUESTION = "hello"
STOP = chunk(finish="stop")
WHOLE = "Grüße, 世界 😀"


@dataclass(frozen=True)
class Fixture:
    """What a server answers to one question, and the outcome.

    `shown` are words on the screen; `answer` is what the conversation holds as the answer, None when
    it holds nothing of the turn; `state` and `reasoning` are how it is stored. With more than one
    reply the question is asked again by itself. `lines` are typed before it, and `answered` is what
    is typed when the next turn is asked about.
    """

    server: str
    replies: tuple[Reply, ...]
    shown: tuple[str, ...]
    answer: str | None
    state: State = "complete"
    reasoning: str = ""
    pages: Mapping[str, Reply] = field(default_factory=dict)
    lines: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()

    @property
    def held(self) -> list[tuple[str, str]]:
        """Role and content of what the conversation holds after it."""
        return [] if self.answer is None else [("user", QUESTION), ("assistant", self.answer)]


def _pieces(*events: Any, done: bool = True) -> bytes:
    return b"".join(sse(*events, done=done))


def _whole(server: str, *pieces: bytes | float, **known: Any) -> Fixture:
    """A reply that has to arrive as `WHOLE`."""
    return Fixture(server, (Reply(pieces),), (WHOLE,), WHOLE, **known)


def _says(
    server: str, *events: Any, content: str = "Yes.", shown: tuple[str, ...] = (), **known: Any
) -> Fixture:
    """A stream of these events, from which this is the answer."""
    return Fixture(server, (Reply(sse(*events)),), shown or (content,), content, **known)


def _refuses(server: str, status: int, body: Any, *shown: str, **known: Any) -> Fixture:
    return Fixture(server, (refuse(status, body),), shown, None, "failed", **known)


def _breaks(server: str, reply: Reply, *shown: str) -> Fixture:
    """A reply that breaks off after `half an answer`."""
    told = ("half an answer", *shown, "What came is kept, marked as cut short; `/continue` goes on with it.")
    return Fixture(server, (reply,), told, "half an answer", "cut short")


def _press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def _call(index: int, **function: str) -> dict[str, Any]:
    return chunk(tool_calls=[{"index": index, "function": function}])


_HALF = (chunk("half an "), chunk("answer"))
_CRASH = {"error": {"code": 500, "message": "The model has crashed.", "type": "server_error"}}
_TEXT = _pieces(
    chunk(role="assistant", content=None), *map(chunk, WHOLE.split(" ", 1)[:1]), chunk(" 世界 😀"), STOP
)
_OVERFLOW = "request (9000 tokens) exceeds the available context size (4096 tokens), try increasing it"
_VLLM = {"/v1/models": models("m", owned_by="vllm", max_model_len=4096)}
_COMPLETION = {
    "object": "chat.completion",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 7, "completion_tokens": 2},
}


# One fixture a line.
# fmt: off


def _forms() -> Iterator[tuple[str, Fixture]]:
    """The same reply in every form in which bytes come."""
    yield "a reply", _whole("llama.cpp (chunked), mlx_lm (close-delimited)", _TEXT)
    yield "a reply byte by byte", _whole("KoboldCpp", *(_TEXT[i : i + 1] for i in range(len(_TEXT))))
    yield "CRLF", _whole("none known; the standard allows it", _TEXT.replace(b"\n", b"\r\n"))
    yield "CR", _whole("none known; the standard allows it", _TEXT.replace(b"\n", b"\r"))
    yield "a BOM", _whole("none known; the standard allows it", b"\xef\xbb\xbf" + _TEXT)
    raw = json.dumps(chunk(WHOLE), ensure_ascii=False).encode()
    middle = raw.index("世".encode()) + 1
    yield "a character cut in two", _whole("any, where TCP cuts", b"data: " + raw[:middle], 0.05, raw[middle:] + b"\n\n" + _pieces(STOP))
    yield "comments", _whole("OpenRouter", b": OPENROUTER PROCESSING\n\n:\n\n", _TEXT)
    yield "no blank line after [DONE]", _whole("KoboldCpp", _TEXT.removesuffix(b"\n"))
    kept = {"Connection": "keep-alive", "Keep-Alive": "timeout=5, max=100"}
    yield "a connection said to be kept, and closed", Fixture("llama.cpp", (Reply([_TEXT], headers=kept),), (WHOLE,), WHOLE)
    packed = gzip.compress(_TEXT)
    yield "gzip that nobody wanted", Fixture("a proxy that compresses", (Reply([packed[:20], 0.05, packed[20:]], headers={"Content-Encoding": "gzip"}),), (WHOLE,), WHOLE)
    yield "headers after a while", Fixture("LM Studio, which loads a model", (Reply([_TEXT], wait=0.3),), (WHOLE,), WHOLE)
    yield "a stall in mid-stream", _whole("llama.cpp on a busy machine", _TEXT[:90], 0.3, _TEXT[90:])
    yield "a line of a megabyte", _says("any, with log-probabilities", chunk("x" * 1_000_000), STOP, content="x" * 1_000_000, shown=("xxx",))


def _contents() -> Iterator[tuple[str, Fixture]]:
    """What may be in a stream."""
    yield "reasoning_content", _says("llama.cpp, SGLang, KoboldCpp", chunk(reasoning_content="Hm."), chunk("Yes."), STOP, reasoning="Hm.")
    yield "reasoning", _says("vLLM, Ollama, OpenRouter", chunk(reasoning="Hm."), chunk("Yes."), STOP, reasoning="Hm.")
    yield "<think>", _says("LM Studio", chunk("<thi"), chunk("nk>Hm.</think>\n\nYes."), STOP, reasoning="Hm.")
    yield "</think> alone", _says("mlx_lm", chunk("Hm.\n</think>\n\n"), chunk("Yes."), STOP, reasoning="Hm.\n")
    yield "◁think▷", _says("Kimi on any server", chunk("◁think▷Hm.◁/think▷Yes."), STOP, reasoning="Hm.")
    yield "usage in a chunk of its own", _says("vLLM", chunk("Yes."), STOP, usage(7, 2), shown=("Yes.", "2 tokens"))
    yield "timings in the last chunk", _says("llama.cpp", chunk("Yes."), {**STOP, "timings": {"predicted_per_second": 42.4}}, shown=("42 tokens/s",))
    progress = {"prompt_progress": {"total": 2048, "cache": 0, "processed": 512, "time_ms": 9}}
    yield "progress of the prompt", _says("llama.cpp", progress, chunk("Yes."), STOP)
    yield "progress in comments", Fixture("mlx_lm", (Reply([b": keepalive 512/2048\n\n", *answer("Yes.")]),), ("Yes.",), "Yes.")
    yield "null where a text stands", _says("llama.cpp", chunk(role="assistant", content=None), {"choices": None, "usage": None}, chunk("Yes."), STOP)
    yield "events that are no JSON", _says("a proxy that logs into the stream", "oops", chunk("Yes."), "{", STOP, shown=("Yes.", "2 events were skipped, being no JSON."))
    yield "escape sequences", _says("a model that was told to", chunk("Yes\x1b[2J\x1b]0;owned\x07."), STOP, content="Yes\x1b[2J\x1b]0;owned\x07.", shown=("Yes␛[2J␛]0;owned␇.",))
    yield "tool calls beside an answer", _says("vLLM", chunk("Yes."), _call(0, name="look", arguments='{"q'), _call(0, arguments='": 1}'), chunk(finish="tool_calls"), shown=("Yes.", 'The model asks for look({"q": 1}); llmchat never runs it.'))
    calls = sse(_call(0, name="rm", arguments="{}"), chunk(finish="tool_calls"))
    yield "tool calls alone", Fixture("LM Studio", (Reply(calls),), ("only asks for a tool call (rm)",), None, "failed")
    yield "a completion instead of a stream", Fixture("a server that ignores `stream`", (refuse(200, _COMPLETION),), ("Yes.",), "Yes.")
    untyped = Reply([json.dumps(_COMPLETION).encode()], type="text/plain")
    yield "a completion that is called text", Fixture("a script of one's own", (untyped,), ("Yes.",), "Yes.")


def _endings() -> Iterator[tuple[str, Fixture]]:
    """How a stream ends, well or not."""
    yield "max_tokens reached", _says("all servers", chunk("Yes."), chunk(finish="length"), usage(7, 2), shown=("max_tokens (2) ended the answer",), lines=("/max_tokens 2",))
    yield "context window full", _says("vLLM", chunk("Yes."), chunk(finish="length"), usage(4000, 96), shown=("The context window (4,096 tokens) ended the answer",), pages=_VLLM, answered=("send",))
    yield "a limit that nobody set", _says("KoboldCpp, mlx_lm", chunk("Yes."), chunk(finish="length"), usage(7, 512), shown=("A limit of the server's own",))
    yield 'the finish reason ""', _says("Ollama, an old one", chunk("Yes."), chunk(finish=""))
    yield 'the finish reason "null"', _says("KoboldCpp, an old one", chunk("Yes.", finish="null"), STOP)
    yield "the finish reason content_filter", _says("OpenAI", chunk("Yes."), chunk(finish="content_filter"), shown=("content filter ended the answer",))
    yield "the finish reason error", _breaks("KoboldCpp", Reply(sse(*_HALF, chunk(finish="error"))), "an error of its own")
    yield "the finish reason abort", _breaks("vLLM, SGLang", Reply(sse(*_HALF, chunk(finish="abort"))), "aborted")
    yield "error in mid-stream", _breaks("llama.cpp", Reply(sse(*_HALF, _CRASH, done=False)), "The model has crashed.")
    yield "error in mid-stream, then [DONE]", _breaks("vLLM", Reply(sse(*_HALF, _CRASH)), "The model has crashed.")
    yield "error beside a finish reason", _breaks("OpenRouter", Reply(sse(*_HALF, {**_CRASH, **chunk("", finish="error")})), "The model has crashed.")
    event = b'event: error\ndata: {"error":{"message":"Model unloaded."},"message":"Model unloaded."}\n\n'
    yield "an error event in mid-stream", _breaks("LM Studio", Reply([*sse(*_HALF, done=False), event]), "Model unloaded.")
    yield "end without a finish reason", _breaks("Ollama, which swallows the error", Reply(sse(*_HALF, done=False)), "closed the stream early")
    endless = [*sse(*_HALF, done=False), b"data: ", *[b"x" * 1_000_000] * 17]
    yield "a line without an end", _breaks("any, when memory is overwritten", Reply(endless), "a line without an end")
    yield "connection lost in mid-stream", _breaks("text-generation-webui", Reply(sse(*_HALF, done=False), cut=True))
    yield "connection reset in mid-stream", _breaks("llama.cpp, killed", Reply([*sse(*_HALF, done=False), 0.3], reset=True), "broke")
    stopped = ("half an answer", "Stopped; what came is kept, marked as cut short; `/continue` goes on with it.")
    yield "Ctrl-C in mid-stream", Fixture("any, when the user has read enough", (Reply([*sse(*_HALF, done=False), 0.3, _press_ctrl_c], hold=True),), stopped, "half an answer", "cut short")
    yield "an empty reply", Fixture("LM Studio, its context too small", (Reply(sse(STOP)),), ("empty reply",), None, "failed")
    yield "nothing but [DONE]", Fixture("Ollama", (Reply(sse()),), ("empty reply",), None, "failed")
    yield "reasoning and no answer", Fixture("any reasoning model", (Reply(sse(chunk(reasoning="Hm."), STOP)),), ("thought, and gave no answer",), None, "failed")
    yield "the limit reached while thinking", Fixture("any reasoning model", (Reply(sse(chunk(reasoning="Hm."), chunk(finish="length"), usage(7, 2))),), ("max_tokens (2) ended the reply before its answer.",), None, "failed", lines=("/max_tokens 2",))
    yield "headers and nothing else", Fixture("a proxy whose server died", (Reply(),), ("closed the stream early",), None, "failed")


def _refusals() -> Iterator[tuple[str, Fixture]]:
    """Refusals, each in its server's own shape; some are answered by asking again."""
    yield "200, a path it does not know", _refuses("LM Studio", 200, {"error": "Unexpected endpoint or method. (POST /chat)"}, "Unexpected endpoint", "Is this the address of a chat server?")
    overflow = b'event: error\ndata: {"error":{"message":"Trying to keep the first 9000 tokens when context the overflows."}}\n\n'
    yield "200, an error event", Fixture("LM Studio, its context too small", (Reply([overflow]),), ("Trying to keep the first", "`/compact` or `/forget` makes room"), None, "failed")
    login = Reply([b"<html><title>Please log in</title></html>"], type="text/html; charset=utf-8")
    yield "200, a web page", Fixture("a hotel's network", (login,), ("Please log in", "Is this the address"), None, "failed")
    yield "302", Fixture("a server behind a login", (Reply(status=302, headers={"Location": "https://login.example/"}),), ("sends us elsewhere to https://login.example/",), None, "failed")
    yield "400, no model loaded", _refuses("LM Studio 0.3", 400, {"error": "No models loaded. Please load a model."}, "No models loaded.")
    yield "400, the context window", _refuses("llama.cpp", 400, {"error": {"code": 400, "message": _OVERFLOW, "type": "exceed_context_size_error", "n_ctx": 4096}}, "exceeds the available context size", "`/compact` or `/forget` makes room")
    yield "400 without a wrapper", _refuses("SGLang", 400, {"object": "error", "message": "The model does not exist.", "code": 400}, "does not exist")
    yield "400 over a default", Fixture("vLLM", (refuse(400, {"error": {"message": "max_tokens must be at least 1, got -1."}}), Reply(answer("Yes."))), ("does not take max_tokens (-1); asked again without it.", "Yes."), "Yes.")
    yield "401", _refuses("llama.cpp", 401, {"error": {"message": "Invalid API Key", "type": "authentication_error", "code": 401}}, "Invalid API Key", "LLMCHAT_API_KEY")
    yield "401 with a detail", _refuses("text-generation-webui", 401, {"detail": "Unauthorized"}, "Unauthorized", "`/key`")
    yield "403 in plain words", _refuses("Jan", 403, "Invalid host header", "Invalid host header")
    yield "404", _refuses("Ollama", 404, {"error": {"message": "model 'x' not found", "type": "api_error"}}, "model 'x' not found", "`/models`")
    yield "404 in two words", _refuses("mlx_lm", 404, "Not Found", "Not Found")
    yield "422 with a list", _refuses("text-generation-webui", 422, {"detail": [{"loc": ["body", "top_k"], "msg": "not an int"}]}, "body.top_k: not an int")
    yield "429 with Retry-After", Fixture("OpenAI, LiteLLM", (Reply([b'{"error": "slow down"}'], 429, "application/json", {"Retry-After": "0"}), Reply(answer("Yes."))), ("The server is busy; asking again in 0.5 s, as it says.", "Yes."), "Yes.")
    yield "429 without it", _refuses("OpenRouter", 429, {"error": {"message": "quota"}}, "quota", "wait a little")
    yield "500, no images", _refuses("llama.cpp", 500, {"error": {"message": "image input is not supported", "code": 500}}, "image input is not supported")
    yield "500 of nothing", _refuses("Ollama", 500, "", "The server refused (HTTP 500).", "its log may say more")
    yield "502 as a web page", _refuses("nginx", 502, "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>", "502 Bad Gateway")
    yield "503 while it loads", Fixture("llama.cpp", (refuse(503, {"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}}), Reply(answer("Yes."))), ("The server is not ready yet; asking again until it is.", "Yes."), "Yes.")
    yield "an error of many lines with escapes", _refuses("a server written in Python", 500, "\n".join(f"line {n}\x1b[2J" for n in range(99)), "line 5␛[2J", "`/last_error` shows it whole.")
    yield "connection dropped over max_tokens", Fixture("mlx_lm", (Reply(status=0), Reply(answer("Yes."))), ("asked again without it", "Yes."), "Yes.")
    yield "connection dropped before an answer", Fixture("llama.cpp, killed", (Reply(status=0),), ("broke",), None, "failed", lines=("/max_tokens 9",))
    yield "half a status line", Fixture("a server that crashes", (Reply([b"HTTP/1.1 20"], bare=True),), ("broke",), None, "failed")
    yield "no HTTP at all", Fixture("an SSH server", (Reply([b"SSH-2.0-OpenSSH_9.9\r\n"], bare=True),), ("broke",), None, "failed")


# fmt: on

FIXTURES: dict[str, Fixture] = dict([*_forms(), *_contents(), *_endings(), *_refusals()])
