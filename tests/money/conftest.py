"""A whole worker on a fake clock, and attempts whose reply was lost, in few words."""

import pytest
from account import OddAccount
from lost_replies import LostReplies
from reconciled import reconciled
from support.harness import WorkerHarness

from orchestrator.store.money import bills
from orchestrator.store.money.audit import audit


@pytest.fixture
def provider(clock) -> OddAccount:
    return OddAccount(clock)


@pytest.fixture
def harness(sqlite_world, provider, artifacts) -> WorkerHarness:
    """A worker on SQLite."""
    return WorkerHarness(sqlite_world, provider, artifacts)


@pytest.fixture
def lost_replies(sqlite_world, harness) -> LostReplies:
    return LostReplies(sqlite_world, harness)


@pytest.fixture
def agreed():
    """Asserts that everything that is kept twice agrees, by the product's own audit and by the test's
    sums."""

    def check(world, *, caps=True):
        with world.database.read() as tx:
            assert audit(tx).differences == ()
        if caps:
            world.check_money()

    return check


@pytest.fixture
def read(world):
    """Book one line of the bill, and check that everything kept twice agrees."""

    def booked(held, deducted, refunded=0):
        answer = world.do(bills.book_lines, bills.BillLine(held.attempt_id, deducted, refunded))
        with world.database.read() as tx:
            assert audit(tx).differences == ()
        return answer

    return booked


@pytest.fixture
def reader(harness):
    """Reconcile the last week."""

    def compared(*, not_ours=False):
        return reconciled(harness, not_ours=not_ours)

    return compared


@pytest.fixture(autouse=True)
def _workers_idle_calmly(request: pytest.FixtureRequest) -> None:
    if "often_idle" not in request.fixturenames:
        request.getfixturevalue("seldom_idle")
