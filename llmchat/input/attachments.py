"""Files in, attachments out: what a path, a pattern or a folder means, and which paths a message names."""

import glob
import os
import re
import shlex
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from urllib.parse import unquote, urlsplit

from llmchat.amounts import size_text
from llmchat.errors import UsageError
from llmchat.input.pictures import data_url, is_image
from llmchat.messages import Attachment

LARGEST = 1_000_000
"""Bytes of text that are attached at once; more fits into hardly any context."""

MOST = 100
"""Files that are attached at once."""

_LEFT_OUT = {"__pycache__", "node_modules", "venv"}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
_FENCES = re.compile(r"`{3,}")
_MENTION = re.compile(r"""(?<!\S)@("[^"\n]+"|'[^'\n]+'|(?:\\[ ]|\S)+)""")
_PUNCTUATION = ".,;:!?)]}'\"’”"
_LIKE_A_FILE = re.compile(r"(?:[~.]{1,2}/|/).+|[\w./~\\ -]+\.[A-Za-z]\w{0,4}")
_DROPPED = re.compile(r"(?:/|~/|file://|[A-Za-z]:[\\/])")


def found(words: str) -> tuple[Attachment, ...]:
    """What a path, a pattern such as `src/*.py` or a folder means, or several of them; raises UsageError.

    A folder means the texts and images in it and below, without hidden files and without what is neither.
    """
    for whole in (words.strip(), _unquoted(words)):
        if files := _files(whole):
            return _taken(whole, files)
        if os.path.isdir(os.path.expanduser(whole)):
            raise UsageError(f"There is no file in the folder {whole!r}.", "Hidden ones are left out.")
    paths = _split(words)
    if len(paths) < 2:
        raise UsageError(f"There is no file {words!r}.", f"Paths begin in {os.getcwd()}, or with / or ~.")
    attachments: tuple[Attachment, ...] = ()
    for path in paths:
        if not (files := _files(path)):
            raise UsageError(f"There is no file {path!r}.", "Quotes hold a path with spaces together.")
        attachments += _taken(path, files)
    return checked(attachments)


_FEWER = "A pattern such as `src/*.py` takes fewer."


def checked(attachments: tuple[Attachment, ...]) -> tuple[Attachment, ...]:
    """The same; raises UsageError when they are too much for one message."""
    total = sum(one.size for one in attachments if one.kind == "text")
    if total > LARGEST:
        raise UsageError(f"That is {size_text(total)} of text; {size_text(LARGEST)} is the most.", _FEWER)
    return attachments


def mentioned(text: str) -> tuple[tuple[Attachment, ...], tuple[str, ...]]:
    """What `@path` in a message attaches, and the words that look so but are no files; raises UsageError."""
    attachments: list[Attachment] = []
    missing = []
    for match in _MENTION.finditer(text):
        path = _unquoted(match[1])
        bare = path.rstrip(_PUNCTUATION)
        for name in (path, bare):
            if name and (files := _files(name)):
                attachments += _taken(name, files)
                break
        else:
            missing += [bare] if _LIKE_A_FILE.fullmatch(bare) else []
    return checked(tuple(dict.fromkeys(attachments))), tuple(missing)


def dropped(line: str) -> str:
    """The file that a line is the path of, as terminals write what is dropped on them; "" when of none.

    They put quotes around it, or a backslash before each space, or make it a `file://` URL.
    """
    text = line.strip()
    if "\n" in text or not _DROPPED.match(text.lstrip("'\"")):
        return ""
    if text.startswith("file://"):
        text = unquote(urlsplit(text).path)
    path = _unquoted(text)
    return path if os.path.isfile(os.path.expanduser(path)) else ""


def _taken(words: str, files: list[Path]) -> tuple[Attachment, ...]:
    """These files, which `words` mean, as attachments; what is no text is skipped among several."""
    if len(files) > MOST:
        raise UsageError(f"{words!r} is more than {MOST} files.", _FEWER)
    attachments = tuple(filter(None, (_attachment(path, among_others=len(files) > 1) for path in files)))
    if not attachments:
        raise UsageError(f"There is nothing in {words!r} that can be sent.", "Texts and images can.")
    return checked(attachments)


def _files(path: str) -> list[Path]:
    """The files that a path, a pattern or a folder means; one more than may be attached at most."""
    full = os.path.expanduser(path)
    try:
        if os.path.isdir(full):
            return list(islice(_below(full), MOST + 1))
        if os.path.exists(full):
            return [Path(full)]
        names = (name for name in glob.iglob(full, recursive=True) if os.path.isfile(name))
        return sorted(map(Path, islice(names, MOST + 1)))
    except (OSError, ValueError):
        return []  # too long for a path, or with a character that none has


def _below(folder: str) -> Iterator[Path]:
    """The files in a folder and below it, without those that are hidden or made by machines."""
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _LEFT_OUT and name[0] != ".")
        yield from (Path(here, name) for name in sorted(names) if name[0] != ".")


def _unquoted(words: str) -> str:
    """A path without the quotes or backslashes that a shell would take off."""
    text = words.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    return text if sys.platform == "win32" else re.sub(r"\\(.)", r"\1", text)


def _split(words: str) -> list[str]:
    try:
        return shlex.split(words, posix=sys.platform != "win32")
    except ValueError:  # a quote that is not closed
        return [words]


def _attachment(path: Path, *, among_others: bool) -> Attachment | None:
    """A file as it is sent; None for one among others that is neither text nor image. Raises UsageError."""
    name = _name(path)
    try:
        if not path.is_file():
            raise UsageError(f"{name} is no file that can be read.", "It is a device or a pipe.")
        with path.open("rb") as file:
            begin = file.read(LARGEST + 1)
            if is_image(begin):
                return Attachment("image", name, data_url(begin + file.read(), name))
            size = max(len(begin), os.fstat(file.fileno()).st_size)
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}.", "Is the path right?") from error
    if (text := _decoded(begin)) is None:
        if among_others:
            return None
        raise UsageError(f"{name} is neither a text nor an image.", "Only those can be sent.")
    if size > LARGEST:
        raise UsageError(f"{name} has {size_text(size)}; {size_text(LARGEST)} is the most.", "Attach a part.")
    return Attachment("text", name, _fenced(text, _name(path), _language(path)))


def _decoded(data: bytes) -> str | None:
    """Bytes as text, in whatever of the usual encodings they are; None when they are none."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return None if _CONTROL.search(text) else text
    return None


def output_of(line: str, text: str) -> Attachment:
    """What a shell line wrote, as an attachment."""
    return Attachment("text", f"$ {line}", _fenced(text, f"Output of `{line}`"))


def _fenced(text: str, name: str, language: str = "") -> str:
    """A text with its name above it, in a fence longer than any inside."""
    fence = "`" * max(3, 1 + max(map(len, _FENCES.findall(text)), default=0))
    end = "" if text.endswith("\n") or not text else "\n"
    return f"{name}:\n{fence}{language}\n{text}{end}{fence}"


def _language(path: Path) -> str:
    ending = path.suffix[1:]
    return ending if ending.isalnum() and ending.isascii() else ""


def _name(path: Path) -> str:
    """A path on one line, whatever is in it, and without the home folder's name: a server is told it."""
    absolute = path.absolute()
    within = [folder for folder in (Path.cwd(), Path.home()) if absolute.is_relative_to(folder)]
    shown = str(path)
    if within:
        nearest = max(within, key=lambda folder: len(folder.parts))
        shown = f"{'' if nearest == Path.cwd() else '~/'}{absolute.relative_to(nearest)}"
    return "".join(char if char.isprintable() else "?" for char in shown)
