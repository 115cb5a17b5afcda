"""A text in the user's own editor."""

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from llmchat.errors import UsageError


def edit(text: str) -> str:
    """What the user makes of a text in $VISUAL, $EDITOR or vi; raises UsageError when none starts."""
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with tempfile.TemporaryDirectory(prefix="llmchat-") as folder:
        file = Path(folder) / "message.md"
        file.write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            status = subprocess.call([*shlex.split(command), str(file)])
            after = file.read_text(encoding="utf-8", errors="replace")
        except (OSError, ValueError) as error:
            raise UsageError(f"The editor {command!r} does not start.", "Set EDITOR to yours.") from error
    if status:
        raise UsageError(f"The editor {command!r} ended with an error; nothing was changed.")
    # Editors end a last line that the text did not end.
    return after if text.endswith("\n") else after.removesuffix("\n")
