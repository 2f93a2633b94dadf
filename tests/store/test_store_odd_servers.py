"""Databases that are not as expected: another encoding, a standby, no place, no right to write."""

import threading

import psycopg
import pytest
from sqlalchemy import exc
from sqlalchemy.engine import make_url
from support.times import FakeClock

from orchestrator.actions.setup import database_check
from orchestrator.actions.setup.check import CheckResult, Patient
from orchestrator.artifacts.shelf import FolderShelf
from orchestrator.core.errors import DatabaseError, UsageError
from orchestrator.ports import Balance, Reached
from orchestrator.settings import Outputs, Settings
from orchestrator.settings.urls import database_url_problem
from orchestrator.store.db import connections, migrate
from orchestrator.store.db.database import Database
from orchestrator.store.db.database_url import parse_url, shown
from orchestrator.store.db.driver_errors import mapped_errors


@pytest.fixture
def server_url(database_url):
    if database_url.startswith("sqlite"):
        pytest.skip("a file has no server")
    return database_url


@pytest.fixture
def admin(server_url):
    url = make_url(server_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def other_database(server_url, admin):
    """Makes a database of this name with these words; its URL."""
    made = []

    def make(name, words):
        admin.execute(f"DROP DATABASE IF EXISTS {name}")
        admin.execute(f"CREATE DATABASE {name} {words}")
        made.append(name)
        return make_url(server_url).set(database=name).render_as_string(hide_password=False)

    yield make
    for name in made:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def examined(url, clock, folder):
    """What doctor says of the database."""
    patient = Patient(
        settings=Settings(database_url=url, outputs=Outputs(root=str(folder))),
        env={},
        clock=clock,
        reach=lambda _url: Reached(),
        ask_balance=lambda: Balance(0),
        check_writable=lambda: None,
        output_root=folder,
        shelf=FolderShelf(folder),
    )
    return list(database_check.examine(patient))


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_of_another_encoding_is_refused_with_the_words_that_make_one(other_database, encoding):
    url = other_database("oddly_encoded", f"ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
    for command in (migrate.current, migrate.upgrade):
        with pytest.raises(UsageError, match=f"encoding {encoding}.*ENCODING 'UTF8'"):
            command(url)


def test_a_read_only_database_is_called_that_and_doctor_notices(server_url, admin, clock, tmp_path):
    name = make_url(server_url).database
    admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    try:
        database = Database.open(server_url, clock)
        with pytest.raises(DatabaseError, match="read-only: a standby") as caught:
            database.try_to_write()
        database.close()
        assert caught.value.transient  # a failover ends
        failed = [c for c in examined(server_url, clock, tmp_path) if c.verdict is CheckResult.FAIL]
        assert "read-only" in failed[0].message
        assert "copy of the file" not in failed[0].fix  # it has none
    finally:
        admin.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")


def test_a_role_that_may_not_insert_is_noticed_by_a_write_that_is_taken_back(server_url, admin, clock):
    admin.execute("DROP ROLE IF EXISTS only_reads")
    admin.execute("CREATE ROLE only_reads LOGIN")
    try:
        admin.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO only_reads")
        url = make_url(server_url).set(username="only_reads").render_as_string(hide_password=False)
        database = Database.open(url, clock)
        with pytest.raises(
            DatabaseError, match="does not let its user only_reads do this: permission denied"
        ):
            database.try_to_write()
        database.close()
    finally:
        admin.execute("DROP OWNED BY only_reads")
        admin.execute("DROP ROLE only_reads")


def test_a_try_to_write_leaves_nothing(database_url, clock):
    database = Database.open(database_url, clock)
    database.try_to_write()
    with database.read() as tx:
        assert tx.conn.exec_driver_sql("SELECT count(*) FROM meta WHERE key = 'doctor'").scalar() == 0
    database.close()


def test_a_server_without_a_place_is_asked_until_it_has_one(server_url, admin, other_database):
    url = other_database("crowded", "")
    migrate.upgrade(url)
    admin.execute("DROP ROLE IF EXISTS crowd")
    admin.execute("CREATE ROLE crowd LOGIN CONNECTION LIMIT 1 IN ROLE pg_read_all_data")
    mine = make_url(url).set(username="crowd")
    plain = mine.set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        holder = psycopg.connect(plain)
        leaves = threading.Timer(0.4, holder.close)
        leaves.start()
        assert migrate.current(mine.render_as_string(hide_password=False)).current is not None
        leaves.join()
    finally:
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'crowd'")
        admin.execute("DROP ROLE crowd")


def test_a_server_that_stays_full_is_an_outage_that_may_pass(server_url, monkeypatch):
    monkeypatch.setattr(connections, "FULL_SECONDS", 0.5)

    def full():
        raise psycopg.OperationalError("FATAL:  sorry, too many clients already")

    with pytest.raises(psycopg.OperationalError, match="too many clients"):
        connections._connected(full)


@pytest.mark.parametrize(
    "text",
    [
        "postgresql+psycopg://u:s3%ret@PW@127.0.0.1:1/db",
        "postgresql+psycopg://u:aa@bb/cc@h/db",
        "postgresql://u:p@x?w@h/db",
    ],
)
def test_a_password_that_is_not_quoted_is_refused_and_never_shown(text):
    problem = database_url_problem(text)
    assert problem is not None
    assert "%40" in problem
    words = shown(parse_url(text))
    assert not any(part in words for part in ("s3", "ret", "PW", "aa", "bb/", "x?w"))


@pytest.mark.parametrize(
    "options",
    ["password=geheim", "sslpassword=geheim&password=geheim", "passfile=geheim"],
)
def test_secrets_among_the_options_of_a_url_are_not_shown(options):
    url = parse_url(f"postgresql+psycopg://u@h/db?{options}")
    assert shown(url) == "postgresql://u@h/db"
    error = psycopg.OperationalError("the server says: geheim is wrong")
    with pytest.raises(DatabaseError) as caught, mapped_errors(url):
        raise exc.OperationalError("SELECT 1", {}, error)
    assert "geheim" not in str(caught.value)


def test_a_file_is_shown_by_its_path():
    assert shown("sqlite:////tmp/x.db") == "/tmp/x.db"  # noqa: S108 - a name, no file


@pytest.mark.parametrize("place", ["localhost:geheim", "localhost:", "[::1", "one:1,two:2"])
def test_a_place_that_cannot_be_read_is_the_users_error_and_is_not_repeated(place):
    with pytest.raises(UsageError, match="cannot be read") as caught:
        parse_url(f"postgresql+psycopg://u:geheim@{place}/db")
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("option", ["connect_timeout=soon", "no_such_option=1"])
def test_an_option_that_the_driver_does_not_know_is_the_users_error(option):
    """One that no waiting mends."""
    url = f"postgresql+psycopg://u:geheim@127.0.0.1:1/db?{option}"
    database = Database.open(url, FakeClock())
    with pytest.raises(DatabaseError, match=option.partition("=")[0]) as caught, database.read():
        pass
    assert not caught.value.transient
    assert "geheim" not in str(caught.value)
