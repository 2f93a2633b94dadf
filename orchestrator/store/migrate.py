"""The schema's version: create, upgrade, compare."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import create_engine, event, inspect, text
from sqlalchemy.engine import URL

from orchestrator.core.errors import SchemaVersionError
from orchestrator.ports import Crashpoint, no_crash
from orchestrator.store import dialect
from orchestrator.store.database import mapped_errors, parse_url, sqlite_path

if TYPE_CHECKING:
    from alembic.config import Config

HEAD: Final = "0001"
"""The newest revision; a test compares it with the migration scripts, so that a check need not import Alembic."""


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
    return Revision(_read_version(parsed), HEAD)


def check(url: str) -> None:
    """Raise SchemaVersionError unless the database has exactly this program's schema."""
    revision = current(url)
    if revision.current == HEAD:
        return
    if revision.current is None:
        raise SchemaVersionError("The database has no tables yet. Create them with: orchestrator db upgrade")
    if revision.current in known_revisions():
        raise SchemaVersionError(
            f"The database is at schema {revision.current}, this program needs {HEAD}. Stop the workers, then: "
            "orchestrator db upgrade"
        )
    raise SchemaVersionError(
        f"The database is at schema {revision.current}, which this program (schema {HEAD}) does not know: it is "
        "newer. Upgrade the program; nothing was written."
    )


def upgrade(url: str, crashpoint: Crashpoint = no_crash) -> Revision:
    """Bring the database to the newest schema, creating it when absent; raises SchemaVersionError for a newer one."""
    from alembic import command

    parsed = parse_url(url)
    path = sqlite_path(parsed)
    before = current(url).current
    if before is not None and before not in known_revisions():
        check(url)
    with mapped_errors(parsed):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        engine = dialect.writer_engine(parsed)
        event.listen(engine, "after_cursor_execute", lambda *_: crashpoint("migrate.statement"))
        try:
            with engine.connect() as conn, conn.begin():
                config = _alembic_config()
                config.attributes["connection"] = conn
                command.upgrade(config, "head")
        finally:
            engine.dispose()
    return Revision(before, HEAD)


def known_revisions() -> frozenset[str]:
    """Every revision this program can upgrade from or to."""
    return frozenset(path.name[:4] for path in (migrations_path() / "versions").glob("[0-9]*.py"))


def migrations_path() -> Path:
    """Where the migration scripts are: inside an installed package, or beside it in a checkout."""
    inside = Path(__file__).parent.parent / "migrations"
    return inside if inside.exists() else Path(__file__).parent.parent.parent / "migrations"


def _alembic_config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations_path()))
    return config


def _read_version(url: URL) -> str | None:
    with mapped_errors(url):
        engine = create_engine(url)
        try:
            with engine.connect() as conn:
                if not inspect(conn).has_table("alembic_version"):
                    return None
                return conn.execute(text("SELECT version_num FROM alembic_version")).scalar()
        finally:
            engine.dispose()
