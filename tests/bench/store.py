"""What the store costs, and how that grows with it: `python -m tests.bench.store`.

Fills stores of 100 and 10,000 conversations with 20 messages each and measures, in milliseconds and
in turns, what a turn costs to store, `/chats`, `/find`, and going on with the last chat.
"""

import itertools
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from llmchat.messages import ROOT, Conversation, Message, Node
from llmchat.store.records import Record, Request
from llmchat.store.writing import Entry, Store

SYLLABLES = [first + last for first, last in itertools.product("bdfgklmnprst", "aeiou")]
"""As in any language, many words begin alike."""


def made_up_words(number: int) -> list[str]:
    """Words of one to four syllables, all different, the common ones shorter."""
    chance = random.Random(3)
    words: dict[str, None] = {}
    while len(words) < number:
        length = min(1 + len(words) // 50 + chance.randrange(2), 4)
        words["".join(chance.choices(SYLLABLES, k=length))] = None
    return list(words)


WORDS = made_up_words(5000)
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


def measured(*works: Callable[[], object], times: int = 200) -> list[tuple[float, float]]:
    """p50 and p99 in milliseconds of each; they take turns, so that the machine is the same to all."""
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(times):
        for work, times_taken in zip(works, taken, strict=True):
            start = time.perf_counter()
            work()
            times_taken.append((time.perf_counter() - start) * 1000)
    return [(statistics.median(each), sorted(each)[int(times * 0.99)]) for each in taken]


def open_last(path: Path) -> None:
    """What `-c` does: open the file, find the last conversation, read it."""
    store = Store(path)
    last = store.last()
    assert last
    assert store.conversation(last)
    assert store.last_request(last)
    store.close()


def works(path: Path) -> dict[str, Callable[[], object]]:
    """Each thing that the store does."""
    store = Store(path)
    chance = random.Random(2)
    rare, common = WORDS[2000:], WORDS[:5]
    begun = {n: sorted({word[:n] for word in WORDS if len(word) > n} - set(WORDS)) for n in (3, 5)}

    def begins(letters: int) -> Callable[[], object]:
        return lambda: store.find(chance.choice(begun[letters]), 20)

    return {
        "store a turn": lambda: turn(store, 0, ROOT),
        "go on with the last (-c)": lambda: open_last(path),
        "/chats": lambda: store.chats(),
        "/chats rare": lambda: store.chats(chance.choice(rare)),
        "/chats common": lambda: store.chats(chance.choice(common)),
        "/find rare": lambda: store.find(chance.choice(rare), 20),
        "/find common": lambda: store.find(chance.choice(common), 20),
        "/find two words": lambda: store.find(f"{common[0]} {chance.choice(rare)}", 20),
        "/find three letters that begin words": begins(3),
        "/find five letters that begin words": begins(5),
        "/find no such word": lambda: store.find("xyzzy", 20),
    }


def main() -> None:
    """Print a table, and the growth from the small store to the large one."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{conversations}.db" for conversations in (100, 10_000)]
        for path in paths:
            store = Store(path)
            fill(store, int(path.stem))
            store.close()
            print(f"{path.stem:>6} conversations: {path.stat().st_size / 1e6:.0f} MB")
        print(f"{'':38} {'100: p50':>9} {'p99':>7} {'10,000: p50':>12} {'p99':>7} {'growth':>7}")
        small, large = map(works, paths)
        for name in small:
            (p50, p99), (large50, large99) = measured(small[name], large[name])
            print(f"{name:38} {p50:9.2f} {p99:7.2f} {large50:12.2f} {large99:7.2f} {large50 / p50:6.1f}x")
        store = Store(paths[1])
        start = time.perf_counter()
        store.delete(1)
        print(f"/delete of 10,000: {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
