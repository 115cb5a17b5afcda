"""The practice model and its lessons belong together."""

import re

from gguf import GGUFReader

from llmchat.commands import registry
from llmchat.practice import lessons


def test_the_model_was_trained_on_these_lessons() -> None:
    reader = GGUFReader(lessons.MODEL_FILE)
    digest = reader.fields[lessons.DIGEST_KEY].contents()
    assert digest == lessons.sha256_of()


def test_it_is_small_and_has_the_context_that_the_engine_gives_it() -> None:
    reader = GGUFReader(lessons.MODEL_FILE)
    assert lessons.MODEL_FILE.stat().st_size < 4 * 1024 * 1024
    assert reader.fields["llama.context_length"].contents() == 2048
    assert reader.fields["general.name"].contents() == "llmchat practice model"


def test_no_phrasing_of_the_exam_was_trained() -> None:
    assert lessons.overlaps(lessons.read()) == []


def test_every_command_of_the_lessons_exists() -> None:
    book = lessons.read()
    answers = [a for g in book.groups for one in g.lessons for turn in one.turns for a in turn.answers]
    named = {word for answer in answers for word in re.findall(r"(?:^|[`\s])/([a-z][\w-]*)", answer)}
    paths = {"v1"}
    assert len(named) > 30
    assert {word for word in named - paths if not registry.knows(word)} == set()
