"""A cap that is passed all the same is an event, once."""

import pytest
from support.world import PRICE

from orchestrator.store.db.schema import Scope, Window
from orchestrator.store.doubts import adoption
from orchestrator.store.money import bills


def billed(world, held, micros):
    with world.database.write() as tx:
        bills.book_lines(tx, [bills.BillLine(held.attempt_id, micros, 0)])


def paid(world):
    held = world.lease()
    world.send(held)
    world.accept(held, "task1")
    world.complete(held)
    world.finish(held)
    return held


@pytest.mark.parametrize(
    ("window", "when"),
    [(Window.TOTAL, ""), (Window.MONTH, " in 2026-11"), (Window.DAY, " in 2026-11-22")],
)
def test_a_bill_that_passes_a_cap_is_told_once_with_by_how_much(world, window, when):
    world.run(1)
    world.cap(PRICE, window=window)
    held = paid(world)
    assert world.events("cap_passed") == []
    billed(world, held, PRICE + 24_000)
    billed(world, held, PRICE + 26_000)
    kind = "cap" if window is Window.TOTAL else f"{window.value} cap"
    assert world.events("cap_passed") == [
        f"{kind} of the account ($0.028) is passed{when}: $0.052 counts, over by $0.024"
    ]


def test_a_bill_that_just_fills_a_cap_passes_none(world):
    world.run(1)
    world.cap(PRICE + 24_000)
    billed(world, paid(world), PRICE + 24_000)
    assert world.events("cap_passed") == []


def test_an_adopted_task_may_pass_a_cap_and_says_whose(world):
    run = world.run(1)
    world.cap(PRICE // 2, scope=Scope.RUN, scope_id=run.id, window=Window.TOTAL)
    with world.database.write() as tx:
        assert adoption.assign(tx, 1, "task9", status="completed", token="t", timezone="UTC")
    assert world.events("cap_passed") == [
        "cap of run spring/hero/main ($0.014) is passed: $0.028 counts, over by $0.014"
    ]
