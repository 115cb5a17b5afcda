"""What every test starts from: no settings of the machine's user, and servers on real sockets."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

# requests warns while it is imported, which inside a test, in a thread, would be an error.
import llmchat.wire.client  # noqa: F401
from tests.scripted import ScriptedServer, serving
from tests.session import close_opened

# A busy machine is no failure: hypothesis measures wall time.
hypothesis.settings.register_profile("llmchat", deadline=None)
# By hand, for a long time: --hypothesis-profile=fuzz
hypothesis.settings.register_profile(
    "fuzz", deadline=None, max_examples=100_000, suppress_health_check=list(hypothesis.HealthCheck)
)
hypothesis.settings.load_profile("llmchat")

# How the tests are started is its own affair: with Python's variables, or in the background, where a
# shell lets signals be ignored. Here, before the workers begin, and what they start.
for _name in ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"):
    os.environ.pop(_name, None)
signal.signal(signal.SIGINT, signal.default_int_handler)
for _ending in {"SIGHUP", "SIGQUIT"} & set(dir(signal)):
    signal.signal(getattr(signal, _ending), signal.SIG_DFL)

OURS = ("LLMCHAT_", "OPENAI_API_KEY", "HTTP_PROXY", "http_proxy", "XDG_")
COLOURS = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder for settings and data; nothing of the user's environment counts."""
    for name in list(os.environ):
        if name.startswith(OURS + COLOURS):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LLMCHAT_HOME", str(tmp_path / "home"))
    yield tmp_path / "home"
    close_opened()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What is marked `each_flavour` runs against both kinds of server: how a body ends matters there."""
    if "server" in metafunc.fixturenames and metafunc.definition.get_closest_marker("each_flavour"):
        flavours = {"chunked": True, "close-delimited": False}
        metafunc.parametrize("server", flavours.values(), ids=flavours, indirect=True)


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[ScriptedServer]:
    """A scripted server."""
    with serving(chunked=getattr(request, "param", True)) as running:
        yield running
