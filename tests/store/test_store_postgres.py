"""Connections to Postgres: what must not be relied on behind a pooler, and servers that go away."""

import pytest
from support.relayed import POSES_AS_POOLER, relayed

from orchestrator.core.errors import DatabaseError, UsageError
from orchestrator.store.db import schema_version
from orchestrator.store.db.database import Database


@pytest.fixture
def server_url(database_url):
    if database_url.startswith("sqlite"):
        pytest.skip("there is no connection to a file")
    return database_url


@pytest.mark.parametrize("pooled", [True, False])
def test_statements_are_prepared_on_a_servers_own_session_and_never_behind_a_pooler(
    server_url, clock, pooled
):
    with relayed(server_url, **POSES_AS_POOLER if pooled else {}) as (_, url):
        database = Database.open(url, clock)
        for engine in (database._writer, database._reader):
            with engine.connect() as conn:
                for _ in range(20):
                    conn.exec_driver_sql("SELECT 1 + %(n)s", {"n": 1})
                prepared = conn.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements").scalar_one()
                assert (prepared == 0) is pooled
        database.close()


def test_a_lost_server_is_a_transient_error_and_the_next_transaction_connects_anew(server_url, clock):
    with relayed(server_url) as (proxy, url):
        database = Database.open(url, clock)
        with database.write():
            pass
        proxy.refuse()
        for _ in range(2):
            with pytest.raises(DatabaseError) as caught, database.write():
                pass
            assert (caught.value.transient, caught.value.in_doubt) == (True, False)
        proxy.mend()
        with database.write() as tx:
            assert tx.conn.exec_driver_sql("SELECT 1").scalar() == 1
        database.close()


def test_a_lost_answer_to_a_commit_is_in_doubt(server_url, clock):
    with relayed(server_url) as (proxy, url):
        database = Database.open(url, clock)
        proxy.lose_answer(b"COMMIT")
        with pytest.raises(DatabaseError) as caught, database.write() as tx:
            tx.conn.exec_driver_sql("INSERT INTO meta VALUES ('was it', 'written?')")
        assert (caught.value.transient, caught.value.in_doubt, proxy.lost) == (True, True, 1)
        with database.read() as tx:
            assert (
                tx.conn.exec_driver_sql("SELECT value FROM meta WHERE key = 'was it'").scalar() == "written?"
            )
        database.close()


def test_a_standby_is_a_transient_error(server_url, clock):
    """After a failover the old address may lead to a server that only reads."""
    database = Database.open(server_url, clock)
    with pytest.raises(DatabaseError) as caught, database.write() as tx:
        tx.conn.exec_driver_sql("SET TRANSACTION READ ONLY; INSERT INTO meta VALUES ('a', 'b')")
    assert caught.value.transient
    database.close()


def test_a_server_that_is_too_old_is_refused_before_anything_is_written(server_url, clock, monkeypatch):
    monkeypatch.setattr(schema_version, "OLDEST_SERVER", 99)
    database = Database.open(server_url, clock)
    with pytest.raises(UsageError, match="needs 99 or newer"), database.write():
        pass
    database.close()
