"""A PgBouncer of a test's own, in transaction mode, in front of a test's own Postgres."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .postgres import SUPERUSER, USER, OwnPostgres

SESSIONS = 2
"""Of the server, for all clients together: so few that hardly two transactions of a client run on the same
one."""

SETTINGS = """\
[databases]
* = host={server} port=5432 user={user}
[pgbouncer]
listen_addr =
unix_socket_dir = {folder}
listen_port = 6432
auth_type = any
pool_mode = transaction
default_pool_size = {sessions}
max_client_conn = 200
logfile = {folder}/log
"""


@dataclass(frozen=True)
class Pooler:
    """Where it listens."""

    folder: Path

    def conninfo(self, database: str) -> str:
        """For psycopg."""
        return f"host={self.folder} port=6432 user={USER} dbname={database}"

    def url(self, database: str) -> str:
        """For the program."""
        return f"postgresql+psycopg://{USER}@/{database}?host={self.folder}&port=6432"


def why_not() -> str | None:
    """Why no PgBouncer can be had here; None when one can."""
    if _program() is None:
        return "PgBouncer is not installed (Debian: apt-get install pgbouncer)"
    return None


@contextmanager
def own_pgbouncer(server: OwnPostgres) -> Iterator[Pooler]:
    """A running pooler, gone at the end."""
    program = _program()
    assert program is not None
    folder = Path(tempfile.mkdtemp(prefix="own-pgbouncer-"))
    options: dict[str, Any] = {}
    if os.geteuid() == SUPERUSER:  # it refuses to run as root
        options["user"] = server.user
        folder.chmod(0o755)
        shutil.chown(folder, server.user)
    settings = folder / "pgbouncer.ini"
    settings.write_text(SETTINGS.format(server=server.folder, user=USER, folder=folder, sessions=SESSIONS))
    process = subprocess.Popen([program, "--quiet", str(settings)], cwd=folder, **options)
    try:
        until = time.monotonic() + 30
        while not (folder / ".s.PGSQL.6432").exists():
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < until, "PgBouncer does not listen"
            time.sleep(0.01)
        yield Pooler(folder)
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(folder)


def _program() -> str | None:
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
