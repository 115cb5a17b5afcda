"""The practice model and its lessons belong together."""

from gguf import GGUFReader

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
