"""The schema that this program writes, and the servers that it supports. Every write transaction compares the
schema with the revision that is stored in the database.
"""

from typing import Final

from orchestrator.core.errors import SchemaVersionError, UsageError

HEAD: Final = "0009"
"""The newest revision. A test compares it with the migration scripts, so that a check does not have to import
Alembic."""

TABLE: Final = "alembic_version"
"""The table of the revision. Every write transaction reads it first and a migration locks it first, so that
no transaction of a program that knows only the older schema can begin before a migration and end after it."""


OLDEST_SERVER: Final = 14
"""The oldest Postgres that is supported: each version gets fixes for five years."""


def require_server(major: int) -> None:
    """Raise UsageError for a Postgres that is too old."""
    if major < OLDEST_SERVER:
        raise UsageError(
            f"The server is Postgres {major}; this program needs {OLDEST_SERVER} or newer. Nothing was "
            "written. Upgrade the server, or name another in database_url."
        )


def require_encoding(encoding: str) -> None:
    """Raise UsageError for a database that cannot hold every prompt and file name."""
    if encoding.upper() not in {"UTF8", ""}:
        raise UsageError(
            f"The database has the encoding {encoding}; this program needs UTF8. Nothing was written. Make "
            "another: CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0"
        )


def require(found: str | None) -> None:
    """Raise SchemaVersionError unless `found`, the revision of a database, is this program's."""
    if found == HEAD:
        return
    if found is None:
        raise SchemaVersionError("The database has no tables yet. Create them with: orchestrator db upgrade")
    if found < HEAD:
        raise SchemaVersionError(
            f"The database is at schema {found}, this program needs {HEAD}. Bring it up to date with: "
            "orchestrator db upgrade. Workers of the older version stop by themselves when that is done."
        )
    raise SchemaVersionError(
        f"The database is at schema {found}, which this program (schema {HEAD}) does not know: it is newer. "
        "Upgrade the program; nothing was written."
    )
