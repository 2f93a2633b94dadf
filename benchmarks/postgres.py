"""A real Postgres for the benchmarks, with everything that makes it durable left on."""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks.process import cpu_seconds
from orchestrator.store.db import migrate
from tests.support.databases import started_server


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server."""

    uri: str  # of its administration database, for libpq
    pid: int
    version: str

    def cpu_seconds(self) -> float:
        """Processor time that the server and its processes have taken so far."""
        return cpu_seconds(self.pid)

    @contextlib.contextmanager
    def database(self, name: str) -> Iterator[str]:
        """The libpq URI of a new, empty database."""
        with psycopg.connect(self.uri, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")  # type: ignore[call-overload]
            admin.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]
            admin.execute("CHECKPOINT")  # so that no contestant pays for the one before
            yield self.uri.replace("/postgres?", f"/{name}?")
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[call-overload]

    @contextlib.contextmanager
    def migrated(self) -> Iterator[str]:
        """The URL of a new database with our tables."""
        with self.database("orchestrator") as uri:
            url = uri.replace("postgresql://", "postgresql+psycopg://")
            migrate.upgrade(url)
            yield url


@contextlib.contextmanager
def server() -> Iterator[Postgres]:
    """Start one on a new folder; it ends with the block."""
    with tempfile.TemporaryDirectory(prefix="bench-postgres-") as folder, started_server(folder) as wheel:
        uri = wheel.get_uri()
        with psycopg.connect(uri) as connection:
            version = (
                "PostgreSQL "
                f"{connection.info.server_version // 10_000}.{connection.info.server_version % 100}"
            )
        pid = int((Path(folder) / "postmaster.pid").read_text().split()[0])
        yield Postgres(uri, pid, version)
