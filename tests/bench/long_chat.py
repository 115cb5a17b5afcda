"""What a turn costs in a conversation of 2,000 turns: `python -m tests.bench.long_chat`.

Each turn goes through a whole `Turn`, with a store on disk, to a scripted server in another process. The
same body is then sent by the bare client, which builds the message array again: what the turn took
longer is its own, apart from the server and from building and sending the message array.
"""

import contextlib
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from llmchat.chat import Chat
from llmchat.config.settings import Settings, with_url
from llmchat.store.records import body_of
from llmchat.turn import Turn
from tests.scripted import Reply, answer, serving

TURNS = 2000
AT_ONCE = 100


@contextlib.contextmanager
def other_process() -> Iterator[str]:
    """The URL of a server in another process, so that its work is not ours."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,))
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send(None)
        process.join()


def serve(pipe: Connection) -> None:
    """Serve the same reply until the other side says so."""
    with serving() as server:
        server.script = [Reply(answer("It scatters the light of the sun."))]
        pipe.send(server.url)
        while not pipe.poll(0.2):
            server.requests.clear()


def take(turn: Turn) -> float:
    """Let a turn happen; its seconds."""
    start = time.perf_counter()
    with turn:
        while not turn.ended:
            turn.wait(1.0)
    return time.perf_counter() - start


def send(chat: Chat) -> float:
    """Build the body of the last request from the conversation, send it, read the reply; seconds."""
    asked = chat.keeping.do(lambda store: store.last_request(chat.keeping.id))
    assert asked
    start = time.perf_counter()
    stream = chat.connection.client.chat(body_of(asked, chat.conversation))
    while not stream.ended:
        stream.wait(1.0)
    stream.close()
    return time.perf_counter() - start


def main() -> None:
    """Print medians of a hundred turns."""
    whole, bare = [], []
    with tempfile.TemporaryDirectory() as folder, other_process() as url:
        chat = Chat(with_url(Settings(), url), Path(folder) / "chats.db")
        for _ in range(TURNS):
            whole.append(take(chat.turn("Why is the sky blue?")) * 1000)
            bare.append(send(chat) * 1000)
        chat.close()
    print("turns           whole turn  bare client  its own (ms, medians)")
    for begin in (0, 400, 900, 1400, TURNS - AT_ONCE):
        turns = slice(begin, begin + AT_ONCE)
        own = [one - other for one, other in zip(whole[turns], bare[turns], strict=True)]
        medians = [statistics.median(figures) for figures in (whole[turns], bare[turns], own)]
        print(f"{begin + 1:5} to {begin + AT_ONCE:5} {medians[0]:12.2f} {medians[1]:12.2f} {medians[2]:8.2f}")


if __name__ == "__main__":
    main()
