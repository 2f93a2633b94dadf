"""The errors of database drivers as ours, each with what to do next."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import exc
from sqlalchemy.engine import URL

from orchestrator.core.errors import DatabaseError
from orchestrator.store.db.database_url import shown

_SQLITE_TRANSIENT: Final = {5, 6}  # busy, locked
_READ_ONLY_TRANSACTION: Final = "25006"  # the server is a standby since a failover, or not yet primary
_NO_RIGHT: Final = "42501"  # insufficient_privilege

# https://www.sqlite.org/rescode.html, primary codes
_SQLITE_MESSAGES: Final = {
    5: "is locked by another process for too long. Find it with: fuser {where}",
    8: (
        "cannot be written: it, or its folder, is read-only. Give this user write permission and run the "
        "command again"
    ),
    10: "had a disk error. Check the disk, then: orchestrator doctor",
    11: (
        "is damaged. Stop all workers, keep a copy of the file, and restore your last backup or try: "
        "sqlite3 {where} .recover"
    ),
    13: "could not grow: the disk is full. Free some space and run the command again; nothing was lost",
    14: "cannot be opened. Check that its folder exists and that this user may write there",
    26: "is not a SQLite database. Name another file in database_url, or move this one away",
}


@contextmanager
def mapped_errors(url: URL, *, in_doubt: bool = False) -> Iterator[None]:
    """Map the driver's operational errors to DatabaseError with a next step; programming errors pass through.

    With `in_doubt`, the errors say that the failed operation may have taken effect.
    """
    try:
        yield
    except (exc.OperationalError, exc.DatabaseError) as error:
        ours_to_say = getattr(error.orig, "sqlstate", None) == _NO_RIGHT or _is_odd_option(error)
        if not ours_to_say and isinstance(error, exc.IntegrityError | exc.ProgrammingError | exc.DataError):
            raise
        raise DatabaseError(
            _describe(url, error), transient=_is_transient(error), in_doubt=in_doubt
        ) from error


def _is_odd_option(error: exc.DBAPIError) -> bool:
    """Whether the driver refused an option of the URL before it connected."""
    return isinstance(error, exc.ProgrammingError) and error.statement is None


def _is_transient(error: exc.DBAPIError) -> bool:
    """A lock and a lost server are transient; a full, damaged or read-only disk is not."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    if isinstance(code, int):
        return (code & 0xFF) in _SQLITE_TRANSIENT
    away = error.connection_invalidated or isinstance(error, exc.OperationalError)
    return away or getattr(error.orig, "sqlstate", None) == _READ_ONLY_TRANSACTION


def _driver_words(url: URL, error: exc.DBAPIError) -> str:
    """The first line of what the driver says, without any value that may be a secret of the URL."""
    text = str(error.orig).strip().split("\n", maxsplit=1)[0]
    secrets = [str(url.password or ""), *(str(value) for name, value in url.query.items() if "pass" in name)]
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return text


def _describe(url: URL, error: exc.DBAPIError) -> str:
    where, words = shown(url), _driver_words(url, error)
    code = getattr(error.orig, "sqlite_errorcode", None)
    if isinstance(code, int) and (code & 0xFF) in _SQLITE_MESSAGES:
        return f"The database {where} " + _SQLITE_MESSAGES[code & 0xFF].format(where=where) + "."
    match getattr(error.orig, "sqlstate", None):
        case str(state) if state == _READ_ONLY_TRANSACTION:
            return (
                f"The database {where} is read-only: a standby, or a server that became one in a failover. "
                "Name the primary in database_url. Nothing was written."
            )
        case str(state) if state == _NO_RIGHT:
            return (
                f"The database {where} does not let its user {url.username or 'of this name'} do this: "
                f"{words}. Nothing was written. To look, a user needs SELECT on every table; to change "
                "anything, the rights of their owner. Name another user in database_url, or give this one "
                "the rights."
            )
    return f"The database {where} cannot be used: {words}. Check it with: orchestrator doctor"
