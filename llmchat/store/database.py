"""The file: opened, brought to this version, and its errors made ours.

WAL lets one program read while another writes. What was committed outlives the program, `kill -9`
included; a power cut may take the last moments, never the file.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from llmchat.errors import StoreError
from llmchat.store.schema import MIGRATIONS, VERSION

_PATIENCE = 10.0
"""Seconds that a write waits for another program's; each takes milliseconds."""

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_REASONS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "it is read-only",
    sqlite3.SQLITE_BUSY: "another program holds it",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_IOERR: "the disk does not take it",
    sqlite3.SQLITE_CONSTRAINT: "another program has deleted this conversation",
}


class Database:
    """One SQLite file, or with no path one in memory. Raises StoreError from everything.

    Without `writes` the file has to be there in this version, and is left as it is, with no other beside it.
    """

    def __init__(self, path: Path | None, *, writes: bool = True) -> None:
        self.path = path
        with self._our_errors():
            if path and writes:
                _make_private(path)
            self._db = sqlite3.connect(
                _only_read(path) if path and not writes else path or ":memory:",
                timeout=_PATIENCE,
                isolation_level=None,
                check_same_thread=False,
                uri=not writes,
            )
        try:
            # Lone surrogates are no UTF-8, and come from terminals and servers all the same.
            self._db.text_factory = lambda raw: raw.decode("utf-8", "surrogatepass")
            if writes:
                self._prepare()
            else:
                self._check()
        except StoreError:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        with self._our_errors():
            self._db.close()

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that commits whole or not at all."""
        with self._our_errors():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A look at the file; what several statements see is not one moment."""
        with self._our_errors():
            yield self._db

    def wipe(self) -> bool:
        """Take what was deleted out of the index, the file and the log; the whole index is rewritten.

        False when another program reads the log, which keeps it until then.
        """
        with self._our_errors():
            self._db.execute("INSERT INTO search (search) VALUES ('optimize')")
            return not self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]

    def _check(self) -> None:
        with self._our_errors():
            if self._version() != VERSION:
                raise StoreError(f"{self.path} is of another version.")

    def _prepare(self) -> None:
        with self._our_errors():
            self._db.execute("PRAGMA journal_mode = WAL").fetchone()
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute("PRAGMA foreign_keys = ON")
            self._db.execute("PRAGMA secure_delete = ON").fetchone()
            if self._version() != VERSION:
                self._migrate()

    def _version(self) -> int:
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    def _migrate(self) -> None:
        with self.writing() as db:
            # Another program may have done it while this one waited.
            version = self._version()
            if version > VERSION:
                raise StoreError(f"{self.path} was written by a newer llmchat.", "Update this one.")
            for step in MIGRATIONS[version:]:
                for statement in _statements(step):
                    db.execute(statement)
            db.execute(f"PRAGMA user_version = {VERSION}")

    @contextlib.contextmanager
    def _our_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            reason = _REASONS.get(code, str(error))
            raise StoreError(
                f"The store {self.path or 'in memory'} cannot be used: {reason}.", damaged=code in _DAMAGED
            ) from error
        except OSError as error:
            raise StoreError(f"The store {self.path} cannot be used: {error.strerror}.") from error


def put_aside(path: Path, stamp: str) -> Path:
    """Rename a damaged file, with its log, so that the next start begins a new one; its new name."""
    aside = path.with_name(f"{path.stem}-damaged-{stamp}{path.suffix}")
    for ending in ("", "-wal", "-shm"):
        with contextlib.suppress(OSError):
            os.replace(f"{path}{ending}", f"{aside}{ending}")
    return aside


def stored(text: str) -> bytes:
    """A text as the file takes it, in `CAST(? AS TEXT)`."""
    return text.encode("utf-8", "surrogatepass")


def _only_read(path: Path) -> str:
    """The file as one that nothing is written to.

    Without a log no other program has it open, and SQLite need not make one to read it.
    """
    alone = not os.path.exists(f"{path}-wal")
    return f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' * alone}"


def _make_private(path: Path) -> None:
    """Make folder and file with no rights for others; SQLite gives its log the rights of the file."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, triggers whole; `executescript` would commit in between."""
    statement = ""
    for part in script.split(";"):
        statement += part + ";"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
