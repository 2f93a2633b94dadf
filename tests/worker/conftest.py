"""A workshop for every test of the worker."""

import pytest
from support.harness import WorkerHarness


@pytest.fixture
def harness(sqlite_world, provider, artifacts) -> WorkerHarness:
    return WorkerHarness(sqlite_world, provider, artifacts)


@pytest.fixture
def world(sqlite_world):
    """The worker's tests run on SQLite; the store's own run on both."""
    return sqlite_world


@pytest.fixture(autouse=True)
def _workers_idle_calmly(request: pytest.FixtureRequest) -> None:
    if "often_idle" not in request.fixturenames:
        request.getfixturevalue("seldom_idle")
