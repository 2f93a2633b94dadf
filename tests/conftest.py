"""Databases, time and chance for every test."""

import gc
import os
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, settings
from support.artifacts import FakeArtifacts
from support.compiled import share_compiled_statements
from support.databases import PostgresServer, SqliteFiles, postgres_server
from support.provider import FakeProvider
from support.times import FakeClock, FakeEntropy
from support.world import World

from orchestrator.store.db.database import Database
from orchestrator.worker import worker
from orchestrator.worker.doubts import resolver
from orchestrator.worker.pipeline import claim, copies
from orchestrator.worker.upkeep import gates, judging, rescue, upkeep

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
"""Every process that a test starts would compile the program anew: a second each."""

settings.register_profile(
    "suite",
    deadline=None,  # the machine has other work
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("suite")
share_compiled_statements()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported and collected stays to the end, so that the garbage collector need not look at it."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session")
def _sqlite(tmp_path_factory: pytest.TempPathFactory) -> SqliteFiles:
    return SqliteFiles(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def _postgres() -> Iterator[PostgresServer | str]:
    with ExitStack() as stack:
        try:
            server: PostgresServer | str = stack.enter_context(postgres_server())
        except Exception as error:
            server = f"no Postgres could be started here: {error!r}"
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty, migrated database; the test runs once on each kind."""
    source = request.getfixturevalue(f"_{request.param}")
    if isinstance(source, str):
        pytest.skip(source)
    with source.fresh_url() as url:
        yield url


@pytest.fixture
def sqlite_url(_sqlite: SqliteFiles) -> Iterator[str]:
    with _sqlite.fresh_url() as url:
        yield url


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def entropy() -> FakeEntropy:
    return FakeEntropy()


@pytest.fixture
def open_database(database_url: str, clock: FakeClock) -> Iterator[Callable[..., Database]]:
    """Opens the test's database once more, as another process would; on the fake clock unless told."""
    with ExitStack() as stack:

        def opened(**options) -> Database:
            database = Database.open(database_url, clock, **{"clock_from_server": False, **options})
            stack.callback(database.close)
            return database

        yield opened


@pytest.fixture
def database(open_database: Callable[..., Database]) -> Database:
    return open_database()


@pytest.fixture
def world(database: Database, clock: FakeClock, entropy: FakeEntropy) -> World:
    """The store in few words, on each kind of database."""
    return World(database, clock, entropy)


@pytest.fixture
def sqlite_world(sqlite_url: str, clock: FakeClock, entropy: FakeEntropy) -> Iterator[World]:
    """The store in few words, on SQLite alone."""
    database = Database.open(sqlite_url, clock)
    yield World(database, clock, entropy)
    database.close()


@pytest.fixture
def seldom_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker with nothing to do looks seldom whether there is more, or a reason to leave: that was more
    than half the cost of hours of virtual time.
    """
    monkeypatch.setattr(claim, "IDLE_SECONDS", 20.0)
    monkeypatch.setattr(worker, "DRAIN_SECONDS", 5.0)
    monkeypatch.setattr(copies, "COPIES_SECONDS", 60.0)
    monkeypatch.setattr(gates, "NO_GATE_SECONDS", 60.0)
    monkeypatch.setattr(judging, "LOOK_SECONDS", 60.0)
    monkeypatch.setattr(rescue, "IDLE_SECONDS", 20.0)
    monkeypatch.setattr(resolver, "IDLE_CHECK_SECONDS", 30.0)
    monkeypatch.setattr(upkeep, "UPKEEP_SECONDS", 30.0)


@pytest.fixture
def often_idle() -> None:
    """A worker that looks as often as it does for users: for tests of when it does, in folders whose workers
    look seldom."""


@pytest.fixture
def provider(clock: FakeClock) -> FakeProvider:
    return FakeProvider(clock)


@pytest.fixture
def artifacts() -> FakeArtifacts:
    return FakeArtifacts()
