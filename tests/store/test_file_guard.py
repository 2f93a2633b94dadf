"""The file of a SQLite database is deleted, replaced, renamed, or loses what is beside it, while open."""

import shutil
from pathlib import Path

import pytest
from support.signed import SIGNED

from orchestrator.actions.operator.change_jobs import cancel_jobs, drop_waiting, retry_jobs
from orchestrator.core.errors import DatabaseError, DatabaseReplacedError, OtherDatabaseError
from orchestrator.store.db import identity
from orchestrator.store.db.database import Database
from orchestrator.store.views.jobs.walk import JobFilter


@pytest.fixture
def opened(sqlite_url, clock):
    """A database that has written something, and its file."""
    database = Database.open(sqlite_url, clock)
    with database.write() as tx:
        identity.ensure(tx)
    database.require_in_place()
    yield database, Path(database.url.database)
    database.close()


def drop_one(database, _wanted, signed):
    drop_waiting(database, [1], signed)


def _replaced(path: Path) -> None:
    backup = path.with_name("backup.db")
    shutil.copyfile(path, backup)
    backup.replace(path)


TAKEN_AWAY = {
    "deleted": lambda path: path.unlink(),
    "replaced by a backup": _replaced,
    "without its newest commits": lambda path: path.with_name(path.name + "-wal").unlink(),
    "without its locks": lambda path: path.with_name(path.name + "-shm").unlink(),
    "with its folder moved": lambda path: path.parent.rename(path.parent.with_name(path.parent.name + "-x")),
}


@pytest.mark.parametrize("happened", TAKEN_AWAY)
def test_a_file_that_was_taken_away_is_noticed(opened, happened):
    database, path = opened
    TAKEN_AWAY[happened](path)
    with pytest.raises(DatabaseReplacedError):
        database.require_in_place()
    assert not database.in_place
    moved = path.parent.with_name(path.parent.name + "-x")
    if moved.exists():
        moved.rename(path.parent)


def test_a_file_that_was_renamed_and_came_back_is_the_same_file(opened):
    database, path = opened
    path.rename(path.with_name("away.db"))
    assert not database.in_place
    path.with_name("away.db").rename(path)
    database.require_in_place()


def test_a_link_that_leads_to_another_file_now_is_noticed(opened, clock):
    database, path = opened
    link = path.with_name("link.db")
    link.symlink_to(path)
    through_link = Database.open(f"sqlite:///{link}", clock)
    with through_link.write():
        pass
    through_link.require_in_place()
    shutil.copyfile(path, path.with_name("other.db"))
    link.unlink()
    link.symlink_to(path.with_name("other.db"))
    with pytest.raises(DatabaseReplacedError):
        through_link.require_in_place()
    database.require_in_place()
    through_link.close()


def test_other_processes_that_write_close_and_checkpoint_are_no_trouble(opened, clock):
    database, _path = opened
    for _ in range(3):
        other = Database.open(str(database.url), clock)
        with other.write() as tx:
            tx.conn.exec_driver_sql("UPDATE meta SET value = value")
        other.close()
        database.require_in_place()
    with database._writer.connect() as conn:
        conn.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.require_in_place()


def test_what_is_open_still_takes_what_is_written_and_no_empty_file_comes_in_its_place(opened):
    database, path = opened
    path.unlink()
    with database.write() as tx:
        tx.conn.exec_driver_sql("INSERT INTO meta VALUES ('late', 'kept')")
    with pytest.raises(DatabaseReplacedError), database.read():
        pass  # a reader would be a new connection
    assert not path.exists()


def test_the_books_of_a_deleted_file_can_be_saved_whole(opened, clock):
    database, path = opened
    path.unlink()
    with database.write() as tx:
        tx.conn.exec_driver_sql("INSERT INTO meta VALUES ('late', 'kept')")
    saved = path.with_name("saved.db")
    database.save_copy(saved)
    assert saved.stat().st_mode & 0o777 == 0o600
    with pytest.raises(DatabaseError, match="cannot be made"):
        database.save_copy(saved)  # it replaces nothing
    copy = Database.open(f"sqlite:///{saved}", clock)
    with copy.read() as tx:
        assert tx.conn.exec_driver_sql("SELECT value FROM meta WHERE key = 'late'").scalar() == "kept"
        assert identity.database_id(tx) is not None
    copy.close()


def test_each_database_has_an_id_of_its_own_that_stays(opened, database):
    mine, _ = opened
    with mine.write() as tx:
        first, again = identity.ensure(tx), identity.ensure(tx)
    with database.write() as tx:
        other = identity.ensure(tx)
    assert first == again
    assert len(first) == len(other) == 32
    assert database.url.get_backend_name() == "sqlite" or other != first


def test_a_server_that_answers_with_another_database_is_not_written_to(database):
    if database.url.get_backend_name() == "sqlite":
        pytest.skip("its file is watched instead")
    with database.write() as tx:
        own = identity.ensure(tx)
        tx.conn.exec_driver_sql("UPDATE meta SET value = 'another' WHERE key = 'database_id'")
    with pytest.raises(OtherDatabaseError, match="db rebuild"), database.write():
        pytest.fail("it was written to")
    with database._writer.begin() as conn:
        conn.exec_driver_sql(f"UPDATE meta SET value = '{own}' WHERE key = 'database_id'")


@pytest.mark.parametrize("decide", [retry_jobs, cancel_jobs, drop_one])
@pytest.mark.parametrize("happened", ["deleted", "replaced by a backup", "without its newest commits"])
def test_no_decision_about_jobs_goes_into_a_file_that_was_taken_away(opened, happened, decide):
    database, path = opened
    with database.read():
        pass  # both connections are open, as in the middle of a long command
    TAKEN_AWAY[happened](path)
    with pytest.raises(DatabaseReplacedError):
        decide(database, JobFilter(states=("pending", "failed")), SIGNED)
