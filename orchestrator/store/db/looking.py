"""Connections for who only looks: they write nothing, into no file and no table, and need no right to.

A SQLite file at rest, with nothing beside it, is complete in itself. It is read as it lies there, because to
open it in the usual way makes two files next to it, and a read-only folder has no place for those. Where a
log lies beside the file somebody works on it, or was killed, and the newest commits are in that log alone:
then the log is read too, under the locks of SQLite, as everybody else does.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import quote

from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from orchestrator.core.errors import DatabaseError
from orchestrator.store.db import connections

BESIDE: Final = ("-wal", "-shm", "-journal")
"""What SQLite keeps next to a file while somebody works on it."""


def looking_engine(url: URL) -> Engine:
    """Connections that cannot write. Each transaction to SQLite has one of its own, which finds out anew how
    the file has to be read.
    """
    if url.get_backend_name() != "sqlite":
        return connections.reader_engine(url, read_only=True)
    path = Path(url.database or "")
    engine = create_engine(url, poolclass=NullPool, creator=partial(_connect, path))
    connections.configure_sqlite(engine, begin="BEGIN", pragmas=connections.LOOKING_PRAGMAS)
    return engine


@contextmanager
def undisturbed(url: URL) -> Iterator[None]:
    """Raise DatabaseError at the end when the SQLite file was read at rest and was written to meanwhile: what
    was read may be half old and half new.
    """
    path = Path(url.database or "") if url.get_backend_name() == "sqlite" else None
    before = _written(path) if path is not None and _at_rest(path) else None
    yield
    if path is not None and before is not None and _written(path) != before:
        raise DatabaseError(
            f"The database {path} was changed while it was read. Run the command again; nothing was written.",
            transient=True,
        )


def _connect(path: Path) -> sqlite3.Connection:
    how = "mode=ro&immutable=1" if _at_rest(path) else "mode=ro"
    return sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?{how}",
        uri=True,
        check_same_thread=False,
        timeout=connections.BUSY_TIMEOUT_MS / 1000,
    )


def _at_rest(path: Path) -> bool:
    """Whether nobody works on the file, and nobody was killed who did."""
    return not any(path.with_name(path.name + suffix).exists() for suffix in BESIDE)


def _written(path: Path) -> tuple[int, int, int] | None:
    """What changes when the file is written or replaced; None when it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_ino, found.st_size, found.st_mtime_ns)
