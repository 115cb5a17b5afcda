"""What every test starts from: no settings of the machine's user, and servers on real sockets."""

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

# requests warns while it is imported, which inside a test, in a thread, would be an error.
import llmchat.wire.client  # noqa: F401
from tests.scripted import ScriptedServer, serving

# A busy machine is no failure: hypothesis measures wall time.
hypothesis.settings.register_profile("llmchat", deadline=None)
# By hand, for a long time: --hypothesis-profile=fuzz
hypothesis.settings.register_profile(
    "fuzz", deadline=None, max_examples=100_000, suppress_health_check=list(hypothesis.HealthCheck)
)
hypothesis.settings.load_profile("llmchat")

OURS = ("LLMCHAT_", "OPENAI_API_KEY", "HTTP_PROXY", "http_proxy", "NO_COLOR", "XDG_")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for settings and data; nothing of the user's environment counts."""
    for name in list(os.environ):
        if name.startswith(OURS):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LLMCHAT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(params=[True, False], ids=["chunked", "close-delimited"])
def server(request: pytest.FixtureRequest) -> Iterator[ScriptedServer]:
    """A scripted server, once in each flavour."""
    with serving(chunked=request.param) as running:
        yield running
