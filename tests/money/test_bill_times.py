"""On which day the provider charged and paid back, whatever is read when; and what the account had left."""

from ended import succeeded
from sqlalchemy import select, update
from support.world import PRICE

from orchestrator.ports import BillingRecord
from orchestrator.ports.outcomes import OtherCharge
from orchestrator.ports.paging import DAY_MS, Bill, BillPart, BillTimes
from orchestrator.store.db.schema import attempts, balance_days, bill_entries
from orchestrator.store.money import balance_days as days
from orchestrator.store.money import bill_entries as entries
from orchestrator.store.money import bills


def record(key, kind, micros, *, at, task="p"):
    return BillingRecord(id=key, prediction_id=task, kind=kind, micros=micros, created_at_ms=at)


def bill_of(*records, others=()):
    bill = Bill()
    bill.add(records, others)
    return bill


def test_a_charge_and_its_refund_are_each_of_the_day_of_their_last_record():
    bill = bill_of(record("1", "deduct", 5, at=10), record("2", "refund", 5, at=DAY_MS + 7))
    assert bill.times() == {"p": BillTimes(10, DAY_MS + 7)}


def test_a_refund_in_parts_of_several_days_keeps_what_was_of_which():
    bill = bill_of(
        record("1", "deduct", 9, at=10),
        record("2", "refund", 2, at=20),
        record("3", "refund", 3, at=30),
        record("4", "refund", 4, at=2 * DAY_MS),
    )
    assert bill.times()["p"] == BillTimes(10, 2 * DAY_MS, (BillPart(True, 30, 5),))


def test_a_record_without_a_time_leaves_the_time_unknown():
    assert bill_of(record("1", "deduct", 5, at=None)).times() == {"p": BillTimes()}


def test_booking_a_line_records_the_days_and_a_later_reading_without_them_keeps_them(world):
    held = succeeded(world)
    for times in (BillTimes(111, 222), BillTimes()):
        world.do(bills.book_lines, bills.BillLine(held.attempt_id, PRICE, 1, times=times))
    with world.database.read() as tx:
        row = tx.conn.execute(select(attempts.c.charged_at, attempts.c.refunded_at)).one()
    assert tuple(row) == (111, 222)


def test_parts_of_other_days_add_up_to_nothing_and_count_once_however_often_they_are_read(world):
    held = succeeded(world)
    times = BillTimes(10, 2 * DAY_MS, (BillPart(True, 30, 5),))
    for _ in range(2):
        with world.database.write() as tx:
            tx.conn.execute(update(attempts).values(billed_at=None))
        world.do(bills.book_lines, bills.BillLine(held.attempt_id, PRICE, 9, times=times))
    found = [(row.at, row.refunded_micros, row.what) for row in world.rows(bill_entries)]
    assert sorted(found) == [(30, 5, "part"), (2 * DAY_MS, -5, "part")]


def test_other_programs_and_services_are_kept_once_and_our_own_tasks_are_not_among_them(world):
    bill = bill_of(
        record("1", "deduct", 5, at=10, task="ours"),
        record("2", "deduct", 7, at=20, task="theirs"),
        record("3", "refund", 7, at=30, task="theirs"),
        others=(OtherCharge("x", 11, 40), OtherCharge("y", -2, 50), OtherCharge("", 1, 60)),
    )
    for _ in range(2):
        with world.database.write() as tx:
            entries.note_others(tx, bill, {"ours"})
    found = [(row.at, row.what, row.charged_micros, row.refunded_micros) for row in world.rows(bill_entries)]
    assert sorted(found) == [
        (20, "other_task", 7, 0),
        (30, "other_task", 0, 7),
        (40, "other_charge", 11, 0),
        (50, "other_charge", 0, 2),
    ]


def test_the_first_and_the_last_balance_of_a_day_are_kept(world):
    for micros, hours in ((100, 0), (90, 1), (80, 1), (70, 24)):
        world.clock.advance(hours * 3600)
        with world.database.write() as tx:
            days.note(tx, micros)
    found = [(row.first_micros, row.last_micros) for row in world.rows(balance_days)]
    assert sorted(found) == [(70, 70), (100, 80)]
