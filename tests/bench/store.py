"""What the store costs, and how that grows with it: `python -m tests.bench.store`.

Fills stores of 100 and 10,000 conversations with 20 messages each and measures, in milliseconds,
what a turn costs to store, `/chats`, `/find`, and going on with the last chat. Then a conversation
of 2,000 turns: the time of a turn apart from the server and its message array.
"""

import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from llmchat.messages import ROOT, Conversation, Message, Node
from llmchat.store.records import Record, Request
from llmchat.store.writing import Entry, Store

WORDS = [f"word{n}" for n in range(5000)]
MESSAGES = 20
LENGTH = 40
"""Words in a message; a few words are common, most are rare, as in any language."""


def fill(store: Store, conversations: int) -> None:
    """Add conversations of `MESSAGES` messages."""
    chance = random.Random(1)
    for number in range(conversations):
        texts = [_text(chance) for _ in range(MESSAGES)]
        nodes = [
            Node(n, n - 1, Message("user" if n % 2 else "assistant", text)) for n, text in enumerate(texts, 1)
        ]
        requests = [_request(n - 1, (n,)) for n in range(2, MESSAGES + 1, 2)]
        record = Record(f"{number} {texts[0][:40]}", Conversation(tuple(nodes), MESSAGES), tuple(requests))
        store.add(record)


def _text(chance: random.Random) -> str:
    return " ".join(WORDS[int(len(WORDS) * chance.random() ** 3)] for _ in range(LENGTH))


def _request(parent: int, answers: tuple[int, ...] = ()) -> Request:
    fields = '{"model": "m", "messages": null, "temperature": 0.7, "stream": true}'
    return Request("http://localhost:1234/v1", "lmstudio", "m", fields, parent=parent, answers=answers)


def turn(store: Store, conversation: int, head: int) -> Entry:
    """Store a turn as the chat does: question, request, a part of the reply, all of it."""
    entry = Entry(conversation, head, Message("user", "Why is the sky blue?", state="in progress"))
    store.write(entry)
    entry.request = _request(entry.asked)
    store.write(entry)
    entry.answers = {0: Message("assistant", "It scatters " * 20, state="in progress")}
    store.write(entry)
    entry.question = Message("user", "Why is the sky blue?")
    entry.answers = {0: Message("assistant", "It scatters " * 40)}
    store.write(entry, ended=True)
    return entry


def measured(work: Callable[[], object], times: int = 200) -> tuple[float, float]:
    """p50 and p99 in milliseconds."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append((time.perf_counter() - start) * 1000)
    return statistics.median(taken), sorted(taken)[int(times * 0.99)]


def open_last(path: Path) -> None:
    """What `-c` does: open the file, find the last conversation, read it."""
    store = Store(path)
    last = store.last()
    assert last
    assert store.conversation(last)
    assert store.last_request(last)
    store.close()


def rows(path: Path) -> dict[str, tuple[float, float]]:
    """p50 and p99 of each thing that the store does."""
    store = Store(path)
    chance = random.Random(2)
    rare, common = WORDS[2000:], WORDS[:5]
    return {
        "store a turn": measured(lambda: turn(store, 0, ROOT)),
        "go on with the last (-c)": measured(lambda: open_last(path)),
        "/chats": measured(lambda: store.chats()),
        "/chats rare": measured(lambda: store.chats(chance.choice(rare))),
        "/chats common": measured(lambda: store.chats(chance.choice(common)), 50),
        "/find rare": measured(lambda: store.find(chance.choice(rare), 20)),
        "/find common": measured(lambda: store.find(chance.choice(common), 20)),
        "/find two words": measured(lambda: store.find(f"{common[0]} {chance.choice(rare)}", 20)),
        "/find wor (all begin so)": measured(lambda: store.find("wor", 20), 20),
    }


def long_conversation(store: Store, turns: int = 2000) -> None:
    """The time of a turn in a long conversation, by hundreds: storing it and growing the tree."""
    conversation, id = Conversation(), 0
    taken = []
    for _ in range(turns):
        start = time.perf_counter()
        entry = turn(store, id, conversation.head)
        id = entry.conversation
        news = store.nodes(id, entry.question_number)
        conversation = conversation.merged(news).at(entry.head)
        taken.append((time.perf_counter() - start) * 1000)
    for begin in (0, 400, 900, 1400, turns - 100):
        median = statistics.median(taken[begin : begin + 100])
        print(f"turns {begin + 1:5} to {begin + 100:5}: {median:6.2f} ms each")


def main() -> None:
    """Print a table, and the growth from the small store to the large one."""
    with tempfile.TemporaryDirectory() as folder:
        found = []
        for conversations in (100, 10_000):
            path = Path(folder) / f"{conversations}.db"
            store = Store(path)
            fill(store, conversations)
            store.close()
            found.append(rows(path))
            print(f"{conversations:6} conversations: {path.stat().st_size / 1e6:.0f} MB")
        print(f"{'':26} {'100: p50':>9} {'p99':>7} {'10,000: p50':>12} {'p99':>7} {'growth':>7}")
        for name, (p50, p99) in found[0].items():
            large50, large99 = found[1][name]
            print(f"{name:26} {p50:9.2f} {p99:7.2f} {large50:12.2f} {large99:7.2f} {large50 / p50:6.1f}x")
        long_conversation(Store(Path(folder) / "long.db"))
        store = Store(Path(folder) / "10000.db")
        start = time.perf_counter()
        store.delete(1)
        print(f"/delete of 10,000: {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
