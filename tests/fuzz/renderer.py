"""A target for fuzzing: a reply writes nothing but our own sequences, and never above its beginning."""

import re

from tests.fuzz.texts import UNSAFE, texts
from tests.streaming import streamed

# Colours, a row emptied, rows up, the cursor, wrapping, frames.
_OURS = re.compile(rb"\x1b\[[0-9;]*m|\x1b\[2K|\x1b\[\d+A|\x1b\[\?(?:25|7|2026)[hl]|\r\n|\r")


def one_input(data: bytes) -> None:
    """Stream the text through the view onto a terminal (pyte); raises AssertionError."""
    window = streamed(texts(data), 40, 12, above="above\r\n")
    output = "".join(window.writes).encode("utf-8", "surrogatepass")
    assert not UNSAFE.search(_OURS.sub(b"", output))
    # pyte puts a mark without a character of its own at the end of the row above.
    assert window.terminal.text[0].startswith("above")
    assert (window.terminal.title, window.terminal.icon_name) == ("", "")
