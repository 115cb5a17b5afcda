"""Model files from the hub: which there are, which suits this machine, and fetching one.

The library's own download begins anew after each interruption, and compares no checksum; so the
bytes are fetched here, and a file that was begun is gone on with.
"""

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from llmchat.amounts import size_text
from llmchat.errors import HubError, UsageError

RECOMMENDED = "Qwen/Qwen2.5-Coder-3B-Instruct-GGUF"
"""What `--local` means by itself."""

ROOM = 0.6
"""The part of the free memory that a model may take: the context and other programs need the rest."""

_REFERENCE = re.compile(r"([\w.-]+/[\w.-]+)(?::(.+))?")
_UNQUANTISED = re.compile(r"(?<![a-z0-9])(bf16|f?p?16|f32|fp32)(?![a-z0-9])", re.I)
_NO_MODEL = re.compile(r"mmproj|imatrix|-\d{5}-of-\d{5}", re.I)
_HUB = "https://huggingface.co"
_PIECE = 1 << 16
_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file on the hub; `size` is in bytes, `sha256` "" where the hub tells none."""

    repository: str
    name: str
    size: int
    sha256: str = ""

    def path(self, folder: Path) -> Path:
        """Where it is kept in this folder."""
        return folder.joinpath(*self.repository.split("/"), *self.name.split("/"))


def reference(words: str) -> tuple[str, str] | None:
    """Repository and file (or "") of `OWNER/REPO[:FILE]`; None when a path is meant."""
    found = _REFERENCE.fullmatch(words)
    if found is None or (words.endswith(".gguf") and not found[2]) or words.startswith("."):
        return None
    return found[1], found[2] or ""


def kept(repository: str, wanted: str, folder: Path) -> Path | None:
    """The file that is meant, if it has been fetched before; the last one when none is named."""
    here = folder.joinpath(*repository.split("/"))
    files = [path for path in here.rglob("*.gguf") if _is_meant(path.relative_to(here).as_posix(), wanted)]
    return max(files, key=lambda path: path.stat().st_mtime, default=None)


def listed(repository: str) -> tuple[ModelFile, ...]:
    """The models of a repository, the smallest first; raises HubError."""
    if find_spec("huggingface_hub") is None:
        raise HubError(
            "Fetching a model needs the package huggingface_hub.",
            "In llmchat's folder: pip install '.[local]'.",
        )
    from huggingface_hub import HfApi, RepoFile, get_session

    with _our_errors(repository):
        # Where nobody answers, the listing would try for twenty seconds.
        get_session().head(_endpoint() or _HUB, timeout=_PATIENCE)
        entries = list(HfApi(endpoint=_endpoint()).list_repo_tree(repository, recursive=True))
    files = [entry for entry in entries if isinstance(entry, RepoFile) and entry.path.endswith(".gguf")]
    models = [
        ModelFile(repository, file.path, file.size, file.lfs.sha256 if file.lfs else "")
        for file in files
        if not _NO_MODEL.search(file.path) and ".." not in file.path.split("/")
    ]
    if not models:
        raise HubError(f"{repository} has no model in one GGUF file.", "Its name often ends in -GGUF.")
    return tuple(sorted(models, key=lambda model: model.size))


def chosen(models: Iterable[ModelFile], wanted: str, free: int | None) -> ModelFile:
    """The file that is meant; when none is named, the best that fits into `free` bytes of memory.

    `wanted` may be a part of the name, such as `q4_k_m`. Raises UsageError.
    """
    meant = [model for model in models if _is_meant(model.name, wanted)]
    if not meant:
        names = ", ".join(model.name for model in models)
        raise UsageError(f"There is no {wanted!r} there.", f"There are: {names}.")
    quantised = [model for model in meant if not _UNQUANTISED.search(model.name)] or meant
    usual = next((model for model in quantised if "q4_k_m" in model.name.lower()), quantised[0])
    if free is None:
        return usual
    fitting = [model for model in quantised if model.size <= free * ROOM]
    return fitting[-1] if fitting else quantised[0]


def begun(model: ModelFile, folder: Path) -> int:
    """How many bytes of a file are there from an earlier try."""
    part = _part(model.path(folder))
    return part.stat().st_size if part.exists() else 0


def fetch(model: ModelFile, folder: Path, progress: Callable[[int], None]) -> Path:
    """Fetch a file, or the rest of it; `progress` is told how many bytes are there. Raises HubError."""
    path = model.path(folder)
    part = _part(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("ab") as file:
            if file.tell() > model.size:
                file.truncate(0)
            if file.tell() < model.size:
                _receive(model, file.tell(), file.write, progress)
            size = file.tell()
        _check(model, part, size)
        part.replace(path)
    except OSError as error:
        raise HubError(f"{path} cannot be written: {error.strerror or error}.", "Is there room?") from error
    return path


def _part(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def _receive(
    model: ModelFile, begin: int, write: Callable[[bytes], int], progress: Callable[[int], None]
) -> None:
    from huggingface_hub import get_session, get_token, hf_hub_url

    url = hf_hub_url(model.repository, model.name, endpoint=_endpoint())
    headers = {"Accept-Encoding": "identity", "Range": f"bytes={begin}-"}
    if token := get_token():
        headers["Authorization"] = f"Bearer {token}"
    there = begin
    with (
        _our_errors(model.repository),
        get_session().stream(
            "GET", url, headers=headers, follow_redirects=True, timeout=_PATIENCE
        ) as response,
    ):
        response.raise_for_status()
        if begin and response.status_code != 206:
            raise HubError("The hub does not go on with a file.", f"Delete what is there of {model.name}.")
        for piece in response.iter_raw(_PIECE):
            write(piece)
            there += len(piece)
            progress(there)


def _check(model: ModelFile, part: Path, size: int) -> None:
    """Raise HubError unless the file is whole and the one that the hub means."""
    if size != model.size:
        raise HubError(
            f"Only {size_text(size)} of {size_text(model.size)} came.", "The same command goes on from there."
        )
    if model.sha256:
        with part.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != model.sha256:
            part.unlink()
            raise HubError(
                f"{model.name} came damaged: its checksum is wrong.", "The same command begins anew."
            )


@contextmanager
def _our_errors(repository: str) -> Iterator[None]:
    from httpx2 import HTTPError
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
    )

    try:
        yield
    except GatedRepoError as error:
        hint = "Accept its terms on the hub's page, and set HF_TOKEN."
        raise HubError(f"{repository} is given out on terms only.", hint) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise HubError(
            f"The hub has no repository {repository}.", "Is it private? HF_TOKEN shows it."
        ) from error
    except (HTTPError, OfflineModeIsEnabled) as error:
        where = _endpoint() or _HUB
        hint = "What came is kept; the same command goes on from there."
        raise HubError(f"{where} does not answer as it should: {error}".rstrip("."), hint) from error


def _endpoint() -> str | None:
    """The hub's address, where another is named; the library reads it once, when it is imported."""
    return os.environ.get("HF_ENDPOINT") or None


def _is_meant(name: str, wanted: str) -> bool:
    return wanted.lower() in name.lower()
