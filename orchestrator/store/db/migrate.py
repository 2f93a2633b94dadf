"""The schema's version: create, upgrade, compare."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, Engine, event, inspect, text
from sqlalchemy.exc import DBAPIError

from orchestrator.core.errors import DatabaseError
from orchestrator.ports import Crashpoint, no_crash
from orchestrator.store.db import connections, dialect, looking, schema_version
from orchestrator.store.db.database_url import parse_url, sqlite_path
from orchestrator.store.db.driver_errors import mapped_errors
from orchestrator.store.db.schema_version import HEAD

if TYPE_CHECKING:
    from alembic.config import Config

LOCK_TRIES: Final = 60
"""How often an upgrade asks for its locks, waiting a second each time; writers can go on in between."""


@dataclass(frozen=True, slots=True)
class Revision:
    """What a database has and what this program wants."""

    current: str | None
    head: str


def current(url: str) -> Revision:
    """The database's revision; `current` is None for an empty or absent one. Creates nothing."""
    parsed = parse_url(url)
    path = sqlite_path(parsed)
    if path is not None and not path.exists():
        return Revision(None, HEAD)
    with mapped_errors(parsed):
        engine = looking.looking_engine(parsed)
        try:
            with engine.connect() as conn:
                return Revision(_read_version(conn), HEAD)
        finally:
            engine.dispose()


def check(url: str) -> None:
    """Raise SchemaVersionError unless the database has exactly this program's schema."""
    schema_version.require(current(url).current)


def upgrade(url: str, crashpoint: Crashpoint = no_crash) -> Revision:
    """Bring the database to the newest schema, creating it when absent, also while workers write.

    All steps are one transaction: an upgrade that is interrupted has changed nothing, and is simply run
    again. Workers wait for it and stop when they see the new schema. Raises SchemaVersionError for a newer
    database, and DatabaseError when another session holds a table for too long.
    """
    parsed = parse_url(url)
    path = sqlite_path(parsed)
    with mapped_errors(parsed):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        engine = connections.writer_engine(parsed)
        event.listen(engine, "after_cursor_execute", lambda *_: crashpoint("migrate.statement"))
        try:
            return Revision(_upgrade_when_unlocked(engine), HEAD)
        finally:
            engine.dispose()


def _upgrade_when_unlocked(engine: Engine) -> str | None:
    """Upgrade as soon as the locks are granted; returns the revision before."""
    for tries_left in reversed(range(LOCK_TRIES)):
        try:
            return _upgrade_once(engine)
        except DBAPIError as error:
            if not dialect.is_lock_refused(error):
                raise
            if not tries_left:
                raise DatabaseError(_IN_THE_WAY, transient=True) from error
    raise AssertionError("the last try returns or raises")


_IN_THE_WAY: Final = (
    f"The database could not be upgraded: at {LOCK_TRIES} tries of {dialect.LOCK_WAIT_SECONDS} s each "
    "somebody held a table. Nothing was changed. End what holds it (a long query, a backup: see "
    "pg_stat_activity), then run the command again: orchestrator db upgrade"
)


def _upgrade_once(engine: Engine) -> str | None:
    from alembic import command

    with engine.connect() as conn, conn.begin():
        dialect.lock_schema(conn)  # from here on no other transaction migrates or writes
        before = _read_version(conn)
        if before is not None and before not in known_revisions():
            schema_version.require(before)
        config = _alembic_config()
        config.attributes["connection"] = conn
        command.upgrade(config, "head")
        return before


def known_revisions() -> frozenset[str]:
    """Every revision this program can upgrade from or to."""
    return frozenset(path.name[:4] for path in (migrations_path() / "versions").glob("[0-9]*.py"))


def migrations_path() -> Path:
    """Where the migration scripts are: inside an installed package, or next to it in a checkout."""
    package = Path(__file__).parents[2]
    inside = package / "migrations"
    return inside if inside.exists() else package.parent / "migrations"


def _alembic_config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations_path()))
    return config


def _read_version(conn: Connection) -> str | None:
    if not inspect(conn).has_table(schema_version.TABLE):
        return None
    query = f"SELECT version_num FROM {schema_version.TABLE}"  # noqa: S608 - constants of ours
    return conn.execute(text(query)).scalar()
