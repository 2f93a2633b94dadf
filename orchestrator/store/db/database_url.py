"""The URL of a database: which are supported, and what of one may be shown."""

from pathlib import Path

from sqlalchemy import exc, make_url
from sqlalchemy.engine import URL

from orchestrator.core.errors import UsageError


def parse_url(url: str) -> URL:
    """The URL with its driver named; raises UsageError for one that is not supported."""
    try:
        parsed = make_url(url)
    except (exc.ArgumentError, ValueError):  # ValueError: of a port that is no number; it tells the port
        raise UsageError(
            "database_url cannot be read. Write sqlite:///orchestrator.db or "
            "postgresql+psycopg://user@host:5432/name, an IPv6 host in brackets"
        ) from None
    if parsed.drivername in {"sqlite", "sqlite+pysqlite"}:
        return parsed.set(drivername="sqlite+pysqlite")
    if parsed.drivername in {"postgresql", "postgres", "postgresql+psycopg"}:
        return parsed.set(drivername="postgresql+psycopg")
    raise UsageError(
        f"database_url names {parsed.drivername!r}; supported are sqlite:///FILE and postgresql+psycopg://..."
    )


def shown(url: str | URL) -> str:
    """Where the database is, for messages: the file of SQLite, or user, host and name of a server's.

    Nothing else of the URL is shown: passwords also come as options (`?password=`), and one that is not
    quoted may reach into what is read as the host.
    """
    parsed = parse_url(url) if isinstance(url, str) else url
    if parsed.get_backend_name() == "sqlite":
        return str(parsed.database)
    user = f"{parsed.username}@" if parsed.username else ""
    port = f":{parsed.port}" if parsed.port else ""
    place = f"{parsed.host or ''}{port}/{parsed.database or ''}".rpartition("@")[2]
    return f"postgresql://{user}{place}"


def sqlite_path(url: URL) -> Path | None:
    """The file of a SQLite URL; None for another database; raises UsageError for one in memory."""
    if url.get_backend_name() != "sqlite":
        return None
    if not url.database or url.database == ":memory:":
        raise UsageError(
            "database_url must name a file: work that is kept in memory is lost. Try "
            "sqlite:///orchestrator.db"
        )
    return Path(url.database)
