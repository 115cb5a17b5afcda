"""No bytes break the decoder, and none mean something else when they are cut elsewhere.

`python -m pytest -n 0 --hypothesis-profile=fuzz tests/test_fuzz_decoder.py` tries 100,000 streams.
"""

from hypothesis import example, given
from hypothesis import strategies as st

from tests.fuzz.decoder import SENT, SIGNS, check, one_input
from tests.oddity import VALUES
from tests.scripted import chunk, sse

PIECES = st.one_of(
    st.sampled_from(SENT),
    st.binary(max_size=12),
    st.sampled_from(SIGNS),
    st.text("<>/think◁▷ `\n", max_size=12).map(lambda text: sse(chunk(text), done=False)[0]),
    VALUES.map(lambda value: sse({"choices": value}, done=False)[0]),
    VALUES.map(lambda value: sse({"choices": [{"delta": value}]}, done=False)[0]),
)


# A cut between CR and LF, which makes no line of its own.
@example(b"data: x\r\ndata: y\r\n\r\n", bytes(4))
@given(st.lists(PIECES, max_size=6).map(b"".join), st.binary(max_size=4))
def test_any_stream_means_the_same_however_it_is_cut(stream: bytes, places: bytes) -> None:
    check(stream, places)


@given(st.binary())
def test_the_target_takes_any_bytes(data: bytes) -> None:
    one_input(data)
