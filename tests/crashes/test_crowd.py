"""Several workers on one Postgres, killed, frozen, cut off, with wrong clocks, while the database crashes:
nothing is lost or paid twice, and every limit holds."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.postgres import OwnPostgres, own_postgres

from crashes.crowd import Crowd, Upset, fresh_database, run_crowd
from crashes.cycle import At, run_cycle
from crashes.points import Case
from crashes.processes import Processes
from crashes.reader import PostgresStore
from crashes.stage import CAPPED, CROWDED, MIXED


@pytest.fixture(scope="module")
def server() -> Iterator[OwnPostgres]:
    stack = own_postgres()
    try:
        server = stack.__enter__()
    except Exception as error:
        pytest.skip(f"no Postgres could be started here: {error!r}")
    yield server
    stack.__exit__(None, None, None)


@pytest.fixture
def store(server: OwnPostgres) -> Iterator[PostgresStore]:
    with fresh_database(server, "crashes") as made:
        yield made


CROWDS = [
    Crowd(
        CROWDED,
        3,
        kills=(At("submit.committed", 3), None, None),
        clocks=(0, 3600, -86_400),
        upsets=(Upset("freeze", 0.8, 1), Upset("crash of the database", 1.2)),
    ),
    Crowd(
        CROWDED,
        2,
        upsets=(Upset("partition", 0.7, 0), Upset("cut", 1.0, 1)),
        lost_commits=(20, 25),
    ),
]


@pytest.mark.parametrize("crowd", CROWDS, ids=str)
def test_nothing_is_lost_or_paid_twice_by_a_crowd_in_trouble(
    crowd: Crowd, processes: Processes, server: OwnPostgres, store: PostgresStore, tmp_path: Path
):
    report = run_crowd(
        processes=processes, server=server, store=store, folder=tmp_path / "stage", crowd=crowd
    )
    assert not report.problems, "\n".join([*report.problems, report.log[-3000:]])
    assert (report.verdict.double_billed, report.verdict.lost) == (0, 0)
    assert report.verdict.pictures == CROWDED.succeeded


@pytest.mark.parametrize(
    "case",
    [
        Case((At("migrate.statement", 20),)),
        Case((At("submit.answered", 2), At("resolve.judged")), CAPPED),
        Case((At("poll.recorded", 2), At("rescue.committed")), MIXED),
    ],
    ids=str,
)
def test_nothing_is_lost_or_paid_twice_on_postgres_by_a_kill_at(
    case: Case, processes: Processes, store: PostgresStore, tmp_path: Path
):
    report = run_cycle(
        processes=processes,
        folder=tmp_path / "stage",
        scenario=case.scenario,
        kills=case.kills,
        database=store,
    )
    assert not report.missed, report.log
    assert not report.problems, "\n".join([*report.problems, report.log[-3000:]])
