"""An upgrade while others write, and programs that meet a schema they do not know."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import pytest
from alembic_moves import move, objects, revisions, writing
from sqlalchemy import text
from support.times import FakeClock
from test_migrations import ROWS, contents, fill

from orchestrator.core.errors import DatabaseError, SchemaVersionError
from orchestrator.store.account import workers
from orchestrator.store.db import dialect, migrate, schema_version
from orchestrator.store.db.database import Database
from orchestrator.store.db.database_url import parse_url, sqlite_path

NEWER = "UPDATE alembic_version SET version_num = '9999'"


class PowerCutError(Exception):
    """Where the process is killed."""


@pytest.fixture
def opened(empty_url):
    """Opens the migrated test database, as many times as there are processes."""
    migrate.upgrade(empty_url)
    with ExitStack() as stack:

        def open_once() -> Database:
            database = Database.open(empty_url, FakeClock())
            stack.callback(database.close)
            return database

        yield open_once


def on_a_server(url: str) -> bool:
    return not url.startswith("sqlite")


# --- programs and schemas ---


def test_no_transaction_writes_to_a_schema_that_became_newer_while_the_program_runs(empty_url, opened):
    database = opened()
    with database.write() as tx:
        workers.register(tx, workers.WorkerRow("w1", "here", 1))
    with writing(empty_url) as conn:
        conn.execute(text(NEWER))
    before = contents(empty_url)
    with pytest.raises(SchemaVersionError, match="newer"), database.write() as tx:
        workers.register(tx, workers.WorkerRow("w2", "here", 2))
    assert contents(empty_url) == before


def test_a_program_refuses_an_older_schema_while_it_runs(monkeypatch, opened):
    database = opened()
    monkeypatch.setattr(schema_version, "HEAD", "9999")
    with pytest.raises(SchemaVersionError, match="db upgrade"), database.write():
        pass


def test_a_transaction_that_waited_for_a_migration_sees_the_new_schema(empty_url, opened):
    """It began under the old schema and must not write a row after the migration has ended."""
    if not on_a_server(empty_url):
        pytest.skip("SQLite has one write lock")
    database = opened()
    with database.write():
        pass  # its statement is prepared, and its connection made, under the old schema
    started = threading.Event()

    def write():
        started.set()
        with database.write() as tx:
            workers.register(tx, workers.WorkerRow("late", "here", 1))

    with ThreadPoolExecutor(1) as pool:
        with writing(empty_url) as conn:
            dialect.lock_schema(conn)
            conn.execute(text(NEWER))
            late = pool.submit(write)
            started.wait(10)
            wait_until_blocked(conn)
        with pytest.raises(SchemaVersionError):
            late.result(10)
    assert contents(empty_url)["workers"] == []


def wait_until_blocked(conn) -> None:
    """Return when somebody waits for the revision's table."""
    waiting = text(
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'alembic_version'::regclass"
    )
    for _ in range(1000):
        if conn.execute(waiting).scalar():
            return
        threading.Event().wait(0.01)
    raise AssertionError("nobody waits")


# --- upgrades ---


def test_an_upgrade_waits_for_a_writer_and_then_goes_on(empty_url, opened):
    database = opened()
    with ThreadPoolExecutor(1) as pool:
        with database.write() as tx:
            upgrading = pool.submit(migrate.upgrade, empty_url)
            workers.register(tx, workers.WorkerRow("w1", "here", 1))
            threading.Event().wait(0.1)
            assert not upgrading.done()
        assert upgrading.result(60).head == schema_version.HEAD
    assert len(contents(empty_url)["workers"]) == 1


def test_an_upgrade_that_cannot_get_its_locks_says_what_to_do_and_changes_nothing(
    empty_url, opened, monkeypatch
):
    if not on_a_server(empty_url):
        pytest.skip("SQLite has one write lock, and waits for it")
    monkeypatch.setattr(migrate, "LOCK_TRIES", 2)
    monkeypatch.setattr(dialect, "LOCK_WAIT_SECONDS", 0.05)
    before = objects(empty_url)
    with (
        opened().write(),
        pytest.raises(DatabaseError, match="somebody held a table.*pg_stat_activity"),
    ):
        migrate.upgrade(empty_url)
    assert objects(empty_url) == before


def test_two_upgrades_of_an_empty_database_at_once_make_it_once(empty_url):
    with ThreadPoolExecutor(3) as pool:
        done = [pool.submit(migrate.upgrade, empty_url) for _ in range(3)]
        assert sorted(str(one.result(60).current) for one in done) == [
            schema_version.HEAD,
            schema_version.HEAD,
            "None",
        ]
    migrate.check(empty_url)


def test_an_upgrade_of_a_file_that_somebody_writes_in_the_old_journal_waits_for_it(empty_url):
    """SQLite's own waiting does not cover the change of the journal."""
    if on_a_server(empty_url):
        pytest.skip("only SQLite has a journal mode")
    other = sqlite3.connect(sqlite_path(parse_url(empty_url)), isolation_level=None)
    with closing(other), ThreadPoolExecutor(1) as pool:
        other.execute("BEGIN IMMEDIATE")
        upgrading = pool.submit(migrate.upgrade, empty_url)
        with pytest.raises(TimeoutError):
            upgrading.result(0.2)
        other.execute("ROLLBACK")
        assert upgrading.result(60).head == schema_version.HEAD


@pytest.mark.parametrize("start", [None, revisions()[0]])
@pytest.mark.parametrize("statement", [1, 4, 9, 27])
def test_an_upgrade_that_is_killed_changes_nothing_and_is_run_again(empty_url, start, statement):
    if start is not None:
        move(empty_url, "upgrade", start)
        fill(empty_url, ROWS / f"{start}.sql")
    before = contents(empty_url)
    left = statement

    def crash(_name: str) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise PowerCutError

    try:
        migrate.upgrade(empty_url, crash)
    except PowerCutError:
        assert migrate.current(empty_url).current == start
        assert contents(empty_url) == before
    assert migrate.upgrade(empty_url).head == migrate.current(empty_url).current
    assert {name: len(rows) for name, rows in before.items()}.items() <= {
        name: len(rows) for name, rows in contents(empty_url).items()
    }.items()
