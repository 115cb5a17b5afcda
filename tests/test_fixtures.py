"""Whatever a server does, the outcome is as the table says, and the next turn works."""

import os
import re

import pytest

from docs import generate
from llmchat.config.settings import data_folder
from llmchat.launch.opening import STORE
from llmchat.store.writing import Store
from tests.fixtures import FIXTURES, QUESTION, Fixture
from tests.scripted import ScriptedServer, answer
from tests.session import Session, session

pytestmark = pytest.mark.each_flavour

_STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.mark.parametrize("name", FIXTURES)
def test_a_fixture_has_its_outcome_and_the_next_turn_works(server: ScriptedServer, name: str) -> None:
    fixture = FIXTURES[name]
    server.pages.update(fixture.pages)
    server.will(*fixture.replies, answer("fine"))
    ran = session(server.url, *fixture.lines, QUESTION, "next", *fixture.answered, rendered=True)
    check_screen(ran, fixture)
    assert ran.said == [*fixture.held, ("user", "next"), ("assistant", "fine")]
    chats = [request.body for request in server.requests if request.path == "/v1/chat/completions"]
    assert len(chats) == len(fixture.replies) + 1
    sent = [(message["role"], message["content"]) for message in chats[-1]["messages"]]
    assert sent == [*fixture.held, ("user", "next")]
    check_store(fixture)


def test_the_page_is_fresh() -> None:
    written = generate.FIXTURES_PAGE.read_text(encoding="utf-8")
    assert written == generate.fixtures(FIXTURES), "run: python docs/generate.py"


def check_screen(ran: Session, fixture: Fixture) -> None:
    """What was to be shown is there, before the next turn; a question without an answer comes back."""
    screen = _STYLE.sub("", ran.screen).split("> next")[0]
    assert [words for words in fixture.shown if words not in screen] == []
    assert "Traceback" not in screen
    assert ran.offered[-2] == ("" if fixture.held else QUESTION)


def check_store(fixture: Fixture) -> None:
    """The turn is in the file as the table says."""
    store = Store(data_folder(os.environ) / STORE)
    question, *rest = (node.message for node in store.nodes(1))
    store.close()
    assert (question.content, question.state) == (QUESTION, "complete" if fixture.held else "failed")
    if fixture.answer is not None:
        stored = rest[0]
        expected = (fixture.answer, fixture.reasoning, fixture.state)
        assert (stored.content, stored.reasoning, stored.state) == expected
