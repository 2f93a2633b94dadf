"""What the tests' own Postgres and bad network do is what the tests that use them believe."""

from collections.abc import Iterator

import psycopg
import pytest

from .postgres import OwnPostgres, own_postgres
from .proxy import Proxy


@pytest.fixture(scope="module")
def server() -> Iterator[OwnPostgres]:
    try:
        stack = own_postgres()
        server = stack.__enter__()
    except Exception as error:
        pytest.skip(f"no Postgres could be started here: {error!r}")
    server.execute("CREATE TABLE notes (word text)")
    yield server
    stack.__exit__(None, None, None)


def connected(proxy: Proxy) -> psycopg.Connection:
    return psycopg.connect(f"host=127.0.0.1 port={proxy.port} user=postgres dbname=postgres")


def words(server: OwnPostgres) -> list[str]:
    with psycopg.connect(server.conninfo()) as conn:
        return [word for (word,) in conn.execute("SELECT word FROM notes ORDER BY word")]


def test_a_commit_whose_answer_is_lost_has_happened(server):
    with Proxy(server.socket) as proxy, connected(proxy) as conn:
        conn.execute("INSERT INTO notes VALUES ('lost answer')")
        proxy.lose_answer(b"COMMIT")
        with pytest.raises(psycopg.OperationalError):
            conn.commit()
        assert proxy.lost == 1
    assert "lost answer" in words(server)


def test_a_cut_connection_is_gone_and_a_refused_one_does_not_come_until_mended(server):
    with Proxy(server.socket) as proxy, connected(proxy) as conn:
        assert proxy.cut() == 1
        with pytest.raises(psycopg.OperationalError):
            conn.execute("SELECT 1")
        proxy.refuse()
        with pytest.raises(psycopg.OperationalError):
            connected(proxy)
        proxy.mend()
        connected(proxy).close()


def test_an_acknowledged_commit_survives_a_crash_of_the_server_and_no_connection_does(server):
    with psycopg.connect(server.conninfo()) as conn:
        conn.execute("INSERT INTO notes VALUES ('acknowledged')")
        conn.commit()
        server.restart()
        with pytest.raises(psycopg.OperationalError):
            conn.execute("SELECT 1")
    assert "acknowledged" in words(server)
