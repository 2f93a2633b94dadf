"""Opening the configured database, for what a command means to do with it."""

from collections.abc import Callable
from enum import Enum, auto

from orchestrator.actions.setup.mounts import refuse_network_file
from orchestrator.core.errors import UsageError
from orchestrator.ports import Clock, Crashpoint, DatabaseMark, no_crash
from orchestrator.store.db import identity, migrate, schema_version
from orchestrator.store.db.database import Database
from orchestrator.store.db.database_url import parse_url, shown, sqlite_path


class Use(Enum):
    """What a command means to do with the database."""

    LOOK = auto()  # writes nothing, and needs no right to write
    CHANGE = auto()  # changes what is there, and makes no database
    MAKE = auto()  # makes the SQLite file where there is none


class NoDatabaseError(UsageError):
    """There is no database here yet, and the command is not one that makes it."""


def open_database(
    url: str,
    use: Use,
    clock: Clock,
    *,
    crashpoint: Crashpoint = no_crash,
    mark: Callable[[], DatabaseMark] | None = None,
) -> Database:
    """The database at `url`; close it. Raises NoDatabaseError where there is none, unless it is to be made: a
    SQLite file only, since a server's tables are made by `db upgrade`. One that is made gets its mark.
    """
    refuse_network_file(url)
    path = sqlite_path(parse_url(url))
    if path is not None and not path.parent.is_dir() and use is Use.MAKE:
        raise UsageError(
            f"The folder {path.parent} of the database {path.name} does not exist. Correct database_url, or "
            "make it with: orchestrator db upgrade"
        )
    found = migrate.current(url).current
    if found is None and use is not Use.MAKE:
        raise NoDatabaseError(_no_database(url))
    if found is None and path is not None:
        made = migrate.upgrade(url, crashpoint)
        found = made.head
        if mark is not None:
            mark_new(url, clock, made=made, mark=mark())
    schema_version.require(found)
    return Database.open(url, clock, crashpoint, look=use is Use.LOOK)


def mark_new(url: str, clock: Clock, *, made: migrate.Revision, mark: DatabaseMark) -> None:
    """Mark a database that this process has made just now: it is no copy that has forgotten anything, so
    tasks of other people on the account do not stop it.
    """
    if made.current is None:
        database = Database.open(url, clock)
        try:
            with database.read() as tx:
                known_as = identity.database_id(tx)
        finally:
            database.close()
        if known_as is not None:
            mark.write(known_as, 0)


def _no_database(url: str) -> str:
    path = sqlite_path(parse_url(url))
    if path is None:
        return (
            f"There is no database here yet: {shown(url)} has no tables of this program. Make them with: "
            "orchestrator db upgrade"
        )
    what = "is empty" if path.exists() else "does not exist"
    return (
        f"There is no database here yet: {path} {what}. The first `orchestrator apply MANIFEST` or "
        "`orchestrator run MANIFEST` makes it. If it is elsewhere, name its configuration with --config, or "
        "set ORCHESTRATOR_DATABASE_URL."
    )
