"""Parameters in a line: what is shared sets the same anywhere, what is for one question counts once."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmchat.commands import registry
from llmchat.config.settings import Settings
from llmchat.errors import UsageError
from llmchat.parameter import Param
from llmchat.params import PARAMS, param
from llmchat.results import Send, Verbatim
from tests.scripted import ScriptedServer, answer
from tests.session import chat_with, session

TEXTS = st.text(max_size=20).map(lambda text: text.encode("utf-8", "replace").decode())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)


def values_of(param: Param) -> st.SearchStrategy[Any]:
    """Any value that this parameter takes."""
    low, high = param.low, param.high
    match param.type:
        case "float":
            return st.floats(low, high, allow_nan=False, allow_infinity=False)
        case "int":
            return st.integers(None if low is None else int(low), None if high is None else int(high))
        case "bool":
            return st.booleans()
        case "text":
            return st.sampled_from(param.choices) if param.choices else TEXTS
        case "list":
            return st.lists(TEXTS, max_size=3)
        case "json":
            return st.dictionaries(TEXTS, JSON, max_size=3) | st.lists(JSON, max_size=3)


def settings_of(names: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {name: JSON if name.startswith("extra.") else values_of(param(name)) for name in names}
    )


NAMES = [*(known.name for known in PARAMS), "extra.foo", "extra.a.b"]


@given(st.lists(st.sampled_from(NAMES), unique=True, max_size=6).flatmap(settings_of))
def test_what_is_shared_sets_the_same_anywhere(values: dict[str, Any]) -> None:
    here, there = chat_with(Settings()), chat_with(Settings())
    for name, value in values.items():
        here.tune(here.sampling.with_value(name, value, "command"))
    there.tune(there.sampling.with_value("top_k", 7, "flag").with_value("extra.bar", 1, "flag"))
    line = registry.run(here, "/params share")
    assert isinstance(line, Verbatim)
    assert line.text.isprintable()
    registry.run(there, line.text)
    assert there.sampling.effective.keys() == here.sampling.effective.keys()
    for name, setting in here.sampling.chosen.items():
        assert there.sampling.chosen[name].value == setting.value


@pytest.mark.parametrize("word", ["default", "off", "Default"])
def test_a_text_that_is_a_word_of_ours_is_shared_in_quotes(word: str) -> None:
    chat = chat_with(Settings())
    chat.tune(chat.sampling.with_value("grammar", word, "command"))
    assert registry.run(chat, "/params share") == Verbatim(f'/set all=default grammar="{word}"')


def test_a_shared_line_is_readable() -> None:
    chat = chat_with(Settings())
    registry.run(chat, "/set temperature=0.2 stop=###")
    registry.run(chat, '/set grammar=root ::= "yes" | "no"')
    assert registry.run(chat, "/params share") == Verbatim(
        r'/set all=default temperature=0.2 stop=["###"] grammar="root ::= \"yes\" | \"no\""'
    )


ONCE = [
    ("temperature=0 top_k=1 -- Why is it?", {"temperature": 0.0, "top_k": 1}, "Why is it?"),
    ("temperature=0 top_k=1 Why is x=3?", {"temperature": 0.0, "top_k": 1}, "Why is x=3?"),
    ("temperature 0 -- Why?", {"temperature": 0.0}, "Why?"),
    ('stop=["a b", "c"] Why --really?', {"stop": ["a b", "c"]}, "Why --really?"),
    ("stop=a b -- Why -- really?", {"stop": ["a b"]}, "Why -- really?"),
    ("temp=+0.1 --\nWhy\nis it?", {"temperature": 0.8}, "Why\nis it?"),
    ('extra.foo={"a": "-- b"} Why?', {"extra.foo": {"a": "-- b"}}, "Why?"),
    ("seed=5", {"seed": 5}, None),
    ("seed=5 --", {"seed": 5}, None),
]


@pytest.mark.parametrize(("line", "values", "question"), ONCE)
def test_values_for_one_question_count_for_it_alone(
    line: str, values: dict[str, Any], question: str | None
) -> None:
    chat = chat_with(Settings())
    sent = registry.run(chat, f"/with {line}")
    assert isinstance(sent, Send)
    assert sent.text == question
    assert sent.sampling
    assert {name: s.value for name, s in sent.sampling.chosen.items()} == values
    assert not chat.sampling.chosen


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("-- Why?", "no value for this once"),
        ("Why?", "no value for this once"),
        ("foo=1 Why?", "no parameter 'foo'"),
        ("temperature=hot Why?", "a number from 0 to 2, not 'hot'"),
    ],
)
def test_values_that_are_none_are_refused_and_nothing_is_sent(line: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        registry.run(chat_with(Settings()), f"/with {line}")


def test_one_question_is_asked_with_its_own_values_and_the_next_without(server: ScriptedServer) -> None:
    server.will(answer("yes"))
    ran = session(server.url, "/with temperature=0 -- one", "two", "/with seed=5")
    assert [request.body["temperature"] for request in server.requests] == [0.0, 0.7, 0.7]
    assert server.requests[2].body["seed"] == 5
    assert [said for _, said in ran.said] == ["one", "yes", "two", "yes"]
    assert len(ran.conversation.children(3)) == 2
