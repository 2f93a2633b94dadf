"""The whole program works behind PgBouncer in transaction mode, where no two transactions need share a
session."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from support import pgbouncer
from support.pgbouncer import SESSIONS, Pooler, own_pgbouncer
from support.postgres import OwnPostgres, own_postgres

from crashes.crowd import fresh_database
from crashes.judge import judge_end
from crashes.processes import Processes
from crashes.reader import PostgresStore
from crashes.stage import CROWDED, staged


@pytest.fixture(scope="module")
def server() -> Iterator[OwnPostgres]:
    if why := pgbouncer.why_not():
        pytest.skip(why)
    with own_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def pooler(server: OwnPostgres) -> Iterator[Pooler]:
    with own_pgbouncer(server) as pooler:
        yield pooler


def test_two_workers_and_the_commands_share_a_poolers_few_sessions(
    server: OwnPostgres, pooler: Pooler, processes: Processes, tmp_path: Path
):
    with fresh_database(server, "pooled") as direct:
        store = PostgresStore(direct.conninfo, pooler.url("pooled"))
        with staged(processes, tmp_path / "stage", CROWDED, database=store) as stage:
            stage.make_tables()
            workers = [stage.worker() for _ in range(2)]
            assert [worker.wait() for worker in workers] == [CROWDED.exit_code] * 2, stage.log()
            verdict = judge_end(store=store, outputs=stage.outputs, bill=stage.bill(), scenario=CROWDED)
            assert verdict.problems == [], stage.log()
            for command in (("status",), ("budget", "audit"), ("jobs", "list"), ("db", "check")):
                assert stage.command(*command).wait() == 0, stage.log()
            assert "Traceback" not in stage.log()
            with psycopg.connect(direct.conninfo) as conn:
                (sessions,) = conn.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = 'pooled' AND pid <> "
                    "pg_backend_pid()"
                ).fetchone()
        assert sessions <= SESSIONS
