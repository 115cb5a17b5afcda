"""How long a reply at full speed takes beside a client that only reads and prints.

`python -m tests.bench.full_speed MODEL.gguf` starts llama.cpp on the model, asks it for 4,000 tokens
and more (`ignore_eos`), and draws them in a terminal: llmchat and the plain client take turns. A
model of a small context gives them in several replies.
"""

import argparse
import contextlib
import json
import os
import pty
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import requests

from llmchat.chat import Chat
from llmchat.config.settings import Settings, with_params, with_url
from llmchat.interruptions import Suspension
from llmchat.local import engine
from llmchat.terminal.screen import Screen
from llmchat.wire import address

QUESTION = "Tell me a long story with **markdown** in it."


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--tokens", type=int, default=1400, help="of each reply (default: 1400)")
    parser.add_argument("--replies", type=int, default=3)
    parser.add_argument("--runs", type=int, default=7)
    arguments = parser.parse_args()
    running = engine.start(arguments.model, context=4 * (arguments.tokens + 512))
    try:
        plain, ours = [], []
        for number in range(arguments.runs + 1):
            replies = range(arguments.replies)
            read = sum(plainly(running.url, arguments.tokens) for _ in replies)
            drawn = sum(drawing(running.url, arguments.tokens) for _ in replies)
            if number:
                plain.append(read)
                ours.append(drawn)
    finally:
        running.close()
    tokens = arguments.tokens * arguments.replies
    print(f"{tokens:,} tokens in {arguments.replies} replies, median of {arguments.runs} runs\n")
    print("| client | median s | fastest s | tokens/s | x reading, median | x reading, fastest |")
    print("|---|--:|--:|--:|--:|--:|")
    for name, times in (("reads and prints", plain), ("llmchat", ours)):
        median, fastest = statistics.median(times), min(times)
        print(
            f"| {name} | {median:.2f} | {fastest:.2f} | {tokens / median:.0f} "
            f"| {median / statistics.median(plain):.2f} | {fastest / min(plain):.2f} |"
        )


def plainly(url: str, tokens: int) -> float:
    """Seconds to read a reply and print it."""
    body = {
        "messages": [{"role": "user", "content": QUESTION}],
        **{"stream": True, "max_tokens": tokens, "ignore_eos": True, "temperature": 0.7, "seed": 1},
    }
    with terminal() as out:
        start = time.perf_counter()
        with requests.post(f"{url}/v1/chat/completions", json=body, stream=True, timeout=600) as response:
            response.raise_for_status()
            for line in response.iter_lines(chunk_size=None):
                if line.startswith(b"data: {"):
                    for choice in json.loads(line[6:])["choices"]:
                        out.write(choice["delta"].get("content") or "")
                        out.flush()
        return time.perf_counter() - start


def drawing(url: str, tokens: int) -> float:
    """Seconds until llmchat has drawn a reply."""
    sampling = {"max_tokens": tokens, "ignore_eos": "on", "temperature": 0.7, "seed": 1}
    settings = with_params(with_url(Settings(), url), sampling, "flag")
    with terminal() as out, contextlib.closing(Chat(settings)) as chat:
        chat.connection.connect(address.parse(url))
        chat.connection.found()
        screen = Screen(out, out)
        start = time.perf_counter()
        with chat.turn(QUESTION) as turn:
            screen.replies.stream(turn, Suspension())
        seconds = time.perf_counter() - start
    usage = turn.reply.usage if turn.reply else None
    if not usage or usage.completion != tokens:
        sys.exit(f"The reply has not {tokens} tokens: {usage}")
    return seconds


@contextlib.contextmanager
def terminal() -> Iterator[TextIO]:
    """A terminal of 80 x 24 that somebody reads."""
    master, slave = pty.openpty()
    threading.Thread(target=_drain, args=(master,), daemon=True).start()
    with os.fdopen(slave, "w", encoding="utf-8") as out:
        os.set_blocking(slave, True)
        yield out
    os.close(master)


def _drain(master: int) -> None:
    with contextlib.suppress(OSError):
        while os.read(master, 65536):
            pass


if __name__ == "__main__":
    main()
