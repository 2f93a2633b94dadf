"""Half, four fifths and nearly all of a cap are events, each at the reservation that passes it."""

import pytest
from sqlalchemy import select, update
from support.world import PRICE

from orchestrator.core.money import format_usd
from orchestrator.store.db.schema import LedgerKind, Scope, Window, balances, budgets
from orchestrator.store.money import ledger
from orchestrator.store.money.caps import caps_in_force


def test_each_threshold_is_an_event_when_it_is_passed(world):
    world.run(20)
    world.cap(20 * PRICE)
    seen = []
    for _ in range(20):
        world.lease()
        seen.append([message.split(" %")[0] for message in world.events("budget_threshold")])
    passed = [len(each) for each in seen]
    assert seen[-1] == ["50", "80", "95", "100"]
    assert [passed.index(number) + 1 for number in (1, 2, 3, 4)] == [10, 16, 19, 20]


def test_one_large_reservation_passes_several_at_once(world):
    world.run(1)
    world.cap(PRICE)
    world.lease()
    assert len(world.events("budget_threshold")) == 4


def test_a_cap_that_admits_no_further_job_is_reached_though_it_is_not_full(world):
    world.run(3)
    world.cap(2 * PRICE + 1)
    world.lease()
    assert not any(message.startswith("100 %") for message in world.events("budget_threshold"))
    world.lease()
    cap = f"the cap of the account (${format_usd(2 * PRICE + 1)})"
    assert f"100 % of {cap} is reached: no such job fits any more" in world.events("budget_threshold")


def test_each_share_of_a_cap_is_told_once_though_money_comes_back_and_is_held_again(world):
    world.run(4)
    world.cap(2 * PRICE)
    first = world.lease()
    world.lease()
    told = world.events("budget_threshold")
    world.give_back(first)
    world.lease()
    assert world.events("budget_threshold") == told
    with world.database.write() as tx:
        tx.conn.execute(update(budgets).values(cap_micros=3 * PRICE))
    world.lease()
    assert len(world.events("budget_threshold")) > len(told), "of another cap it is told again"


def test_a_threshold_names_the_cap_and_its_period(world):
    run = world.run(1)
    world.cap(micros=PRICE, scope=Scope.CAMPAIGN, scope_id=run.campaign_id, window=Window.DAY)
    world.lease()
    (first, *_) = world.events("budget_threshold")
    assert first.startswith("50 % of the day cap of campaign")
    assert "2026-11-22" in first


def test_no_cap_no_event(world):
    world.run(1)
    world.lease()
    assert world.events("budget_threshold") == []


@pytest.mark.parametrize("times", [1, 2, 3])
def test_several_reservations_in_one_transaction_add_up(world, times):
    """The claims of several workers may share a transaction."""
    run = world.run(1)
    held = world.lease()
    world.cap(100 * PRICE)
    with world.database.write() as tx:
        for _ in range(times):
            caps = caps_in_force(tx, "2026-11-22")
            row = ledger.Movement(
                kind=LedgerKind.RESERVE,
                attempt_id=held.attempt_id,
                run_id=run.id,
                campaign_id=run.campaign_id,
                day="2026-11-22",
                held_delta=PRICE,
            )
            ledger.reserve(tx, [row], caps)
    with world.database.read() as tx:
        held_now = set(tx.conn.execute(select(balances.c.held_micros)).scalars())
    assert held_now == {(1 + times) * PRICE}


def test_a_reservation_after_other_movements_of_its_transaction_counts_them_once(world):
    run = world.run(2)
    first = world.lease()
    world.cap(PRICE)
    with world.database.write() as tx:
        release = ledger.Movement(
            kind=LedgerKind.RELEASE,
            attempt_id=first.attempt_id,
            run_id=run.id,
            campaign_id=run.campaign_id,
            day="2026-11-22",
            held_delta=-PRICE,
        )
        ledger.post(tx, [release])
        caps = caps_in_force(tx, "2026-11-22")
        again = ledger.Movement(
            kind=LedgerKind.RESERVE,
            attempt_id=first.attempt_id,
            run_id=run.id,
            campaign_id=run.campaign_id,
            day="2026-11-22",
            held_delta=PRICE,
        )
        ledger.reserve(tx, [again], caps)
        ledger.post(tx, [release])
    assert world.account() == (0, 0, 0)
