"""Our books against the provider's: what matches, what is charged otherwise, what is not billed; and a second
look changes nothing."""

import pytest
from support.provider import Ending
from support.world import PRICE

from orchestrator.core.money import MICROS_MAX
from orchestrator.ports import KeyRefused, Lost, Status
from orchestrator.store.db.schema import attempts, ledger


def test_books_that_agree_say_so(harness, sqlite_world, reader):
    sqlite_world.run(3)
    harness.drain()
    report = reader()
    assert report.agrees
    assert (report.matched, report.matched_micros, report.adjusted) == (3, 3 * PRICE, [])
    assert report.balance_micros == 1_000_000_000


def test_what_was_charged_otherwise_is_booked_and_told_once(harness, sqlite_world, provider, reader, agreed):
    sqlite_world.run(2)
    harness.drain()
    provider.charges = {"task1": 20_000}
    first, second = reader(), reader()
    assert first.adjusted == [(1, 20_000 - PRICE)]
    assert second.adjusted == []
    assert sqlite_world.account() == (20_000 + PRICE, 0, 0)
    agreed(sqlite_world, caps=False)


def test_what_the_bill_does_not_mention_is_listed_and_keeps_counting(harness, sqlite_world, provider, reader):
    sqlite_world.run(2)
    harness.drain()
    provider.charges = {"task2": 0}
    report = reader()
    assert (report.unbilled, report.agrees) == (["task2"], False)
    assert sqlite_world.account() == (2 * PRICE, 0, 0)


def test_refunds_are_counted_as_due_until_seen_and_seen_once(harness, sqlite_world, provider, reader, agreed):
    sqlite_world.run(1, max_attempts=1)
    provider.next_endings.append(Ending(Status.FAILED, {"error": "oops", "code": 5000}))
    harness.drain()
    report = reader()
    assert (report.refunds_due, report.refunds_due_micros, report.refunds_seen) == (1, PRICE, 0)
    provider.refund("task1")
    report = reader()
    assert (report.refunds_due, report.refunds_seen) == (0, 1)
    assert reader().refunds_seen == 0
    assert sqlite_world.account() == (0, 0, 0)
    agreed(sqlite_world)


def test_a_refund_larger_than_its_charge_is_listed_and_booked_as_the_charge(
    harness, sqlite_world, provider, reader, agreed
):
    sqlite_world.run(2)
    harness.drain()
    provider.refund("task1", 3 * PRICE)
    for _ in range(2):
        report = reader()
        assert (report.surplus, report.agrees) == ([("task1", 2 * PRICE)], False)
        assert (report.matched, report.matched_micros) == (2, PRICE)
        assert sqlite_world.account() == (PRICE, 0, 0)
    agreed(sqlite_world, caps=False)


def test_sums_that_cannot_be_right_are_listed_and_the_others_booked(
    harness, sqlite_world, provider, reader, agreed
):
    sqlite_world.run(2)
    harness.drain()
    provider.charges = {"task1": 2 * MICROS_MAX, "task2": 20_000}
    report = reader()
    assert (report.set_aside, report.matched, report.agrees) == (["task1"], 1, False)
    assert sqlite_world.account() == (PRICE + 20_000, 0, 0)
    agreed(sqlite_world, caps=False)


def test_a_record_that_slides_to_the_next_page_counts_once(harness, sqlite_world, provider, reader, agreed):
    sqlite_world.run(12)
    harness.drain()
    provider.page_size, provider.bill_slides = 5, 2
    report = reader()
    assert (report.matched, report.matched_micros, report.adjusted) == (12, 12 * PRICE, [])
    assert report.agrees
    agreed(sqlite_world)


@pytest.mark.parametrize("what", ["list_answer", "bill_answer"])
@pytest.mark.parametrize("answer", [Lost("502"), KeyRefused("no", 403)])
def test_what_cannot_be_read_whole_is_not_compared(harness, sqlite_world, provider, reader, what, answer):
    sqlite_world.run(1)
    harness.drain()
    setattr(provider, what, answer)
    before = sqlite_world.everything()
    report = reader()
    assert (report.readable, report.agrees) == (False, False)
    assert sqlite_world.everything() == before


def test_a_second_look_changes_nothing(harness, sqlite_world, provider, reader):
    sqlite_world.run(3, max_attempts=1)
    provider.next_endings.append(Ending(Status.FAILED, {"error": "oops", "code": 5000}))
    harness.drain()
    provider.charges = {"task2": 20_000}
    provider.refund("task1")
    provider.strange()
    reader(not_ours=True)
    before = (sqlite_world.account(), [tuple(row) for row in sqlite_world.rows(ledger)])
    report = reader()
    assert (sqlite_world.account(), [tuple(row) for row in sqlite_world.rows(ledger)]) == before
    assert report.agrees
    assert {row.billed_micros for row in sqlite_world.rows(attempts)} == {PRICE, 20_000}
