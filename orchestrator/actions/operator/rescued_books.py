"""The books of a database whose file was taken away: saved before the process that still has them ends."""

from pathlib import Path

from orchestrator.core.errors import DatabaseError, DatabaseReplacedError
from orchestrator.ports import Clock
from orchestrator.store.db.database import Database
from orchestrator.store.db.database_url import sqlite_path


def rescue_books(database: Database, error: DatabaseReplacedError, clock: Clock) -> DatabaseReplacedError:
    """The same error with what to do next, after saving what the open file holds beside where it was.

    The copy has what no sidecar has: lost replies, tasks still under way, caps and decisions.
    """
    path = sqlite_path(database.url)
    assert path is not None
    saved = _free_name(path, clock.now_ms())
    rebuild = "orchestrator db rebuild --from outputs"
    try:
        database.save_copy(saved)
    except DatabaseError as reason:
        return DatabaseReplacedError(
            f"{error} Its books could not be saved ({reason}); what the sidecars of the pictures say can be "
            f"recorded again with: {rebuild}"
        )
    other = "keep the file that is there now" if path.exists() else "begin with a new database"
    return DatabaseReplacedError(
        f"{error}\nIts books, with everything of this run, are saved in {saved}.\nPut them back, when "
        f"nothing else uses the database: rm -f {path}-wal {path}-shm && mv {saved} {path}\n"
        f"Or {other} and record in it what the pictures say: {rebuild}"
    )


def _free_name(path: Path, now_ms: int) -> Path:
    saved = path.with_name(f"{path.name}.saved-{now_ms // 1000}")
    while saved.exists():
        now_ms += 1000
        saved = path.with_name(f"{path.name}.saved-{now_ms // 1000}")
    return saved
