"""Who only looks reads what is there now, and can write nothing."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from orchestrator.core.errors import DatabaseError
from orchestrator.store.db.database import Database


@pytest.fixture
def looker(database_url, clock):
    database = Database.open(database_url, clock, clock_from_server=False, look=True)
    yield database
    database.close()


def test_who_looks_can_write_nothing_even_by_mistake(looker):
    with pytest.raises(DatabaseError), looker.read() as tx:
        tx.conn.execute(text("DELETE FROM meta"))
    with pytest.raises(AssertionError), looker.write():
        pass


def test_who_looks_sees_every_commit_made_before(looker, database):
    for number in range(3):
        with database.write() as tx:
            tx.conn.execute(text("INSERT INTO meta (key, value) VALUES (:key, 'x')"), {"key": str(number)})
        with looker.read() as tx:
            assert (
                tx.conn.execute(text("SELECT count(*) FROM meta WHERE key <> 'database_id'")).scalar()
                == number + 1
            )


def test_a_file_at_rest_that_is_written_to_while_it_is_read_is_not_believed(sqlite_url, clock):
    path = make_url(sqlite_url).database
    looker = Database.open(sqlite_url, clock, look=True)

    def read_while_another_writes():
        with looker.read() as tx:
            tx.conn.execute(text("SELECT count(*) FROM meta WHERE key <> 'database_id'")).all()
            with sqlite3.connect(path) as other:
                other.execute("INSERT INTO meta VALUES ('k', 'v')")
            other.close()  # the last one out writes the log into the file

    with pytest.raises(DatabaseError, match="was changed while it was read") as caught:
        read_while_another_writes()
    assert caught.value.transient
    with looker.read() as tx:
        assert tx.conn.execute(text("SELECT count(*) FROM meta WHERE key <> 'database_id'")).scalar() == 1
    assert not Path(f"{path}-shm").exists()
