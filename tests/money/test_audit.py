"""The audit recomputes everything from the ledger, so an edit anywhere else shows."""

import pytest
from sqlalchemy import delete, func, select, update
from support.world import PRICE

from orchestrator.core.states import AttemptState
from orchestrator.store.db.schema import attempts, balances, jobs, ledger
from orchestrator.store.money.audit import audit

# the first attempt's settlement and its job; a database that was used before does not count from 1
SECOND = ledger.c.id == select(func.min(ledger.c.id)).scalar_subquery() + 1
OLDEST = jobs.c.id == select(func.min(jobs.c.id)).scalar_subquery()


@pytest.fixture
def reader(world):
    """Attempts in every state, so that every kind of entry is there."""
    world.run(6)
    for state in (AttemptState.SUCCEEDED, AttemptState.IN_DOUBT, AttemptState.IN_FLIGHT, AttemptState.FAILED):
        world.until(state)
    world.fail(world.until(AttemptState.IN_FLIGHT), delay_ms=None)
    return world


def differences(world):
    with world.database.read() as tx:
        return audit(tx).differences


def test_books_of_normal_work_agree(reader):
    assert differences(reader) == ()
    with reader.database.read() as tx:
        found = audit(tx)
    assert (found.attempts, found.entries) == (5, 5 + 3)
    assert found.balances == 9


@pytest.mark.parametrize(
    ("edit", "what"),
    [
        (update(balances).where(balances.c.scope == "account").values(spent_micros=1), "balance account"),
        (update(balances).where(balances.c.scope == "run").values(held_micros=0), "balance run"),
        (delete(balances).where(balances.c.scope == "campaign"), "balance campaign"),
        (delete(ledger).where(SECOND), "attempt"),
        (update(ledger).where(SECOND).values(spent_delta=1), "attempt 1"),
        (update(ledger).where(SECOND).values(day="2020-01-01"), "balance account"),
        (update(attempts).where(attempts.c.id == 1).values(cost_micros=PRICE - 1), "attempt 1"),
        (update(attempts).where(attempts.c.id == 3).values(reservation="released"), "attempt 3"),
        (update(attempts).where(attempts.c.id == 1).values(reservation="held"), "attempt 1"),
        (update(attempts).where(attempts.c.id == 1).values(reservation="released"), "attempt 1"),
        (update(attempts).where(attempts.c.id == 4).values(reservation="settled"), "attempt 4"),
        (update(jobs).where(OLDEST).values(cost_micros=PRICE + 1), "cost of job"),
    ],
)
def test_one_edit_anywhere_is_found(reader, edit, what):
    with reader.database.write() as tx:
        assert tx.conn.execute(edit).rowcount
    assert [item for item in differences(reader) if item.what.startswith(what)]


def test_a_difference_says_what_the_ledger_says_and_what_was_found(reader):
    with reader.database.write() as tx:
        tx.conn.execute(update(jobs).where(OLDEST).values(cost_micros=5))
    (found,) = differences(reader)
    assert found.what.startswith("cost of job ")
    assert (found.expected, found.found) == (str(PRICE), "5")


def test_a_cost_beside_a_reservation_that_says_nothing_is_owed_is_found(reader):
    with reader.database.write() as tx:
        tx.conn.execute(update(attempts).where(attempts.c.id == 1).values(reservation="released"))
    (found,) = differences(reader)
    assert (found.what, found.expected, found.found) == (
        "attempt 1",
        "settled exactly when it has a cost",
        f"released and {PRICE}",
    )


def test_an_empty_database_agrees(world):
    assert differences(world) == ()
