"""A month's statement adds up: booked to the ledger, billed to the bill, and one leads to the other."""

import pytest
from sqlalchemy import func, select, update
from statements import bill, bridge, go_to, paid, refund_due, statement, sums
from support.world import PRICE

from orchestrator.core.errors import UsageError
from orchestrator.core.states import AttemptState
from orchestrator.store.db.schema import attempts, balances, job_specs, jobs
from orchestrator.store.money import balance_days, bill_entries


@pytest.fixture
def november(world):
    """Forty jobs in the middle of November."""
    world.run(40, campaign="sale")
    go_to(world, "2026-11-25T12:00")
    return world


def test_a_month_without_anything_is_nothing_and_adds_up(world):
    found = statement(world, "2026-11")
    assert (sums(found), found.booked, found.billed, found.bridge, found.wrong) == ({}, [], [], [], [])


def test_what_was_paid_and_made_stands_on_one_line(november):
    for _ in range(3):
        paid(november)
    found = statement(november, "2026-11")
    (row,) = found.booked
    assert (row.values, row.images, row.cost_per_image) == (("sale",), 3, PRICE)
    assert sums(found) == {"charged": 3 * PRICE, "net": 3 * PRICE}
    assert (found.billed_total.charged, found.bridge, found.wrong) == (3 * PRICE, [], [])


def test_each_fate_of_money_has_its_column(november):
    paid(november)
    paid(november, charged=PRICE + 5)  # dearer than held
    bill(november, back := refund_due(november))
    bill(november, back, refunded=PRICE)
    refund_due(november)
    november.until(AttemptState.IN_FLIGHT)
    found = statement(november, "2026-11")
    assert sums(found) == {
        "charged": 3 * PRICE,
        "refunded": PRICE,
        "adjusted": 5,
        "net": 2 * PRICE + 5,
        "held_open": 2 * PRICE,
    }
    assert found.wrong == []


def test_a_task_at_the_turn_of_the_month_is_booked_in_one_and_billed_in_the_other(november):
    go_to(november, "2026-11-30T23:59")
    held = november.until(AttemptState.SUCCEEDED)
    go_to(november, "2026-12-01T00:05")
    bill(november, held)
    old, new = statement(november, "2026-11"), statement(november, "2026-12")
    assert (sums(old)["net"], old.billed_total.charged) == (PRICE, 0)
    assert (sums(new), new.billed_total.charged) == ({}, PRICE)
    assert (bridge(old), bridge(new)) == ({"charged_elsewhen": -PRICE}, {"charged_of_other": PRICE})
    assert old.wrong == new.wrong == []


def test_a_charge_without_a_bill_and_one_whose_refund_is_due_are_in_the_bridge(november):
    november.until(AttemptState.SUCCEEDED)
    bill(november, refund_due(november))
    found = statement(november, "2026-11")
    assert bridge(found) == {"unread": -PRICE, "due": PRICE}
    assert found.wrong == []


def test_a_refund_of_an_earlier_month_frees_nothing_in_the_new_one(november):
    held = refund_due(november)
    bill(november, held)
    go_to(november, "2026-12-02T00:00")
    bill(november, held, charged_at=1, refunded=PRICE)
    new = statement(november, "2026-12")
    assert (sums(new), new.billed_total.refunded) == ({}, PRICE)
    assert bridge(new) == {"refunded_of_other": -PRICE}
    assert new.wrong == []


def test_values_of_jobs_tell_lines_apart_and_a_job_without_one_is_a_line_too(november):
    held = [paid(november) for _ in range(3)]
    with november.database.write() as tx:
        for job_id, tags in ((held[0].job_id, {"client": "acme"}), (held[1].job_id, {"client": "=zeta"})):
            tx.conn.execute(
                update(job_specs)
                .where(job_specs.c.job_id == job_id)
                .values(tags=tags, axes=[["scene", "beach"]], params={"resolution": "2k"})
            )
    found = statement(november, "2026-11", by=("tag:client", "campaign", "axis:scene"))
    assert [(row.values, row.amounts.net, row.images) for row in found.booked] == [
        (("=zeta", "sale", "beach"), PRICE, 1),
        (("acme", "sale", "beach"), PRICE, 1),
        (("untagged", "sale", "untagged"), PRICE, 1),
    ]
    assert [row.values for row in found.billed] == [row.values for row in found.booked]
    assert found.wrong == []


@pytest.mark.parametrize("by", ["campaign", "run", "model", "resolution", "tag:client", "axis:scene"])
def test_the_total_is_the_same_by_whatever_it_is_told_apart(november, by):
    held = paid(november)
    with november.database.write() as tx:
        one = update(job_specs).where(job_specs.c.job_id == held.job_id)
        tx.conn.execute(one.values(tags={"client": "kim"}, axes=[["scene", "beach"]]))
    bill(november, refund_due(november))
    found = statement(november, "2026-11", by=(by,))
    assert sums(found) == sums(statement(november, "2026-11"))
    assert found.wrong == []


def test_accepted_and_flagged_pictures_are_counted(november):
    held = paid(november)
    with november.database.write() as tx:
        tx.conn.execute(update(jobs).where(jobs.c.id == held.job_id).values(verdict="accepted"))
    paid(november)
    (row,) = statement(november, "2026-11").booked
    assert (row.images, row.accepted, row.nsfw, row.failed_paid) == (2, 1, 0, 0)


@pytest.mark.parametrize("what", ["attempt", "balance"])
def test_a_sum_that_is_not_the_ledgers_is_told_to_the_micro_dollar(november, what):
    held = paid(november)
    with november.database.write() as tx:
        if what == "attempt":
            change = update(attempts).where(attempts.c.id == held.attempt_id)
            tx.conn.execute(change.values(cost_micros=PRICE - 1, billed_micros=PRICE - 1))
        else:
            change = update(balances).where(balances.c.scope == "account", balances.c.period == "2026-11")
            tx.conn.execute(change.values(spent_micros=PRICE + 1))
    assert "spent by the" in statement(november, "2026-11").wrong[0]


def test_other_programs_on_the_account_are_lines_of_the_bill_alone(november):
    paid(november)
    with november.database.write() as tx:
        bill_entries._put(
            tx,
            [
                {
                    "key": "record x",
                    "at": tx.now,
                    "what": "other_task",
                    "attempt_id": None,
                    "prediction_id": "theirs",
                    "charged_micros": 70,
                    "refunded_micros": 0,
                }
            ],
        )
    found = statement(november, "2026-11")
    assert (sums(found)["net"], found.billed_total.charged) == (PRICE, PRICE + 70)
    assert (bridge(found), found.wrong) == ({"other_task": 70}, [])


def read(world, micros):
    with world.database.write() as tx:
        balance_days.note(tx, micros)


def test_the_balance_leads_from_the_first_of_a_month_to_the_next_with_what_was_paid_in(november):
    go_to(november, "2026-11-30T22:00")
    read(november, 10 * PRICE)
    go_to(november, "2026-11-30T23:00")
    paid(november)
    go_to(november, "2026-12-10T12:00")
    paid(november)
    read(november, 8 * PRICE)
    go_to(november, "2026-12-20T12:00")
    paid(november)
    read(november, 107 * PRICE)  # a hundred were paid in
    go_to(november, "2027-01-01T06:00")
    paid(november)
    read(november, 106 * PRICE)
    found = statement(november, "2026-12")
    equation = found.equation
    assert (equation.opening, equation.top_ups, equation.billed, equation.closing) == (
        9 * PRICE,
        100 * PRICE,
        2 * PRICE,
        107 * PRICE,
    )
    assert (equation.unexplained, found.is_over) == (0, True)


def test_money_that_left_the_account_on_no_bill_is_told(november):
    read(november, 10 * PRICE)
    go_to(november, "2026-11-26T12:00")
    read(november, 9 * PRICE)
    assert statement(november, "2026-11").equation.unexplained == -PRICE


def test_without_readings_nothing_is_said_of_the_balance(november):
    paid(november)
    assert statement(november, "2026-11").equation is None


def test_a_tag_or_axis_that_no_job_of_any_month_has_is_refused_and_an_older_one_is_not(november):
    paid(november)
    with pytest.raises(UsageError, match="tag:clint,axis:nope: no job has that"):
        statement(november, "2026-11", by=("tag:clint", "campaign", "axis:nope"))
    with november.database.write() as tx:
        tagged = tx.conn.execute(select(func.max(job_specs.c.job_id))).scalar_one()  # one that still waits
        tx.conn.execute(update(job_specs).where(job_specs.c.job_id == tagged).values(tags={"clint": "x"}))
    (row,) = statement(november, "2026-11", by=("tag:clint",)).booked
    assert row.values == ("untagged",)
