"""A month that is closed stays as it is; what comes later stands in the month it comes in."""

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, insert, select, update
from statements import ADA, bill, bridge, closed, go_to, paid, refund_due, statement, sums
from support.databases import wipe
from support.times import FakeClock
from support.world import PRICE, World

from orchestrator.core.errors import UsageError
from orchestrator.core.month import next_month
from orchestrator.core.states import AttemptState
from orchestrator.store.db.schema import acts, attempts, closed_months, ledger
from orchestrator.store.db.server_clock import ServerClock
from orchestrator.store.money import closing
from orchestrator.store.money.audit import audit
from orchestrator.store.money.closing import Freezing

FROZEN = (
    "(902, 1793491200000, {attempt}, {run}, {campaign}, '2026-11-01', 'settle', -28000, 28000, 0, None)"
    "(905, 1793491200001, None, {run}, {campaign}, '2026-11-30', 'adjusted', 0, -5, 0, \"Ada's: 2 × $0.03\")"
    "(906, 1793491200002, None, None, None, '2026-11-30', 'written_off', 0, 9, 0, 'C:\\\\tmp\\n\"x\\'')"
)
"""Three lines as every month that was ever closed has them under its digest."""


@pytest.fixture
def november(world):
    """Two paid jobs of November, one whose refund is due, and December."""
    world.run(40)
    go_to(world, "2026-11-25T12:00")
    paid(world)
    paid(world)
    world.owed = refund_due(world)
    bill(world, world.owed)
    go_to(world, "2026-12-03T12:00")
    return world


def test_a_refund_after_the_closing_is_a_line_of_the_month_in_which_it_comes(november):
    assert not closed(november, "2026-11").already
    before = sums(statement(november, "2026-11"))
    bill(november, november.owed, charged_at=1, refunded=PRICE)
    old, new = statement(november, "2026-11"), statement(november, "2026-12")
    assert sums(old) == before == {"charged": 2 * PRICE, "net": 2 * PRICE, "held_open": PRICE}
    (row,) = new.booked
    assert (row.period, row.amounts.charged, row.amounts.refunded) == ("2026-11", PRICE, PRICE)
    assert (row.amounts.net, row.amounts.held_open) == (0, -PRICE)
    assert old.wrong == new.wrong == []


def test_a_charge_that_is_corrected_after_the_closing_is_in_the_bridges_of_both_months(november):
    held = november.until(AttemptState.SUCCEEDED)
    go_to(november, "2027-01-02T12:00")
    closed(november, "2026-11")
    closed(november, "2026-12")
    bill(november, held, charged=PRICE + 7)
    old, new = statement(november, "2026-12"), statement(november, "2027-01")
    assert (sums(old)["net"], sums(new)) == (PRICE, {"adjusted": 7, "net": 7})
    assert bridge(old) == {"charged_elsewhen": -PRICE - 7, "moved_on": 7}
    assert bridge(new) == {"charged_of_other": PRICE + 7, "prior_period": -7}
    assert old.wrong == new.wrong == []


def test_a_month_that_is_not_over_is_not_closed_and_told_when_it_can_be(november):
    with pytest.raises(UsageError, match="can be closed from 2027-01-01T00:00:00Z"):
        closed(november, "2026-12")
    assert november.rows(closed_months) == []


def test_months_are_closed_in_their_order(november):
    paid(november)
    go_to(november, "2027-01-02T12:00")
    with pytest.raises(UsageError, match="orchestrator report close 2026-11"):
        closed(november, "2026-12")


def test_closing_twice_changes_nothing_and_says_who_did(november):
    first, second = closed(november, "2026-11"), closed(november, "2026-11")
    assert (first.already, second.already, second.wrong) == (False, True, ())
    assert first.closed == second.closed
    assert second.closed.who == f"{ADA.who}@{ADA.host}"
    assert len(november.rows(acts)) == 1


def test_of_several_who_close_a_month_at_once_one_does(november):
    with ThreadPoolExecutor(3) as several:
        answers = list(several.map(lambda _: closed(november, "2026-11"), range(3)))
    assert sorted(answer.already for answer in answers) == [False, True, True]
    assert len({answer.closed for answer in answers}) == 1
    assert len(november.rows(acts)) == 1


@pytest.mark.parametrize("column", ["note", "at", "kind", "spent_delta"])
def test_a_line_that_was_changed_under_a_closed_month_is_found(november, column):
    closed(november, "2026-11")
    value = {"note": "another", "at": 1, "kind": "adjusted", "spent_delta": 1}[column]
    first = select(func.min(ledger.c.id)).scalar_subquery()
    with november.database.write() as tx:
        tx.conn.execute(update(ledger).where(ledger.c.id == first).values({column: value}))
    assert "are not as they were" in closed(november, "2026-11").changed[0]
    with november.database.read() as tx:
        assert any("2026-11 was closed with" in each.what for each in audit(tx).differences)


@pytest.mark.parametrize("page", [1, 2, 3, 2_000])
def test_the_digest_of_lines_is_what_it_was_when_months_were_closed_with_it(november, monkeypatch, page):
    names = [column.name for column in ledger.columns]
    ids = november.rows(attempts)[0]
    attempt, run, campaign = ids.id, ids.run_id, ids.campaign_id
    rows = [
        (902, 1793491200000, attempt, run, campaign, "2026-11-01", "settle", -28_000, 28_000, 0, None),
        (905, 1793491200001, None, run, campaign, "2026-11-30", "adjusted", 0, -5, 0, "Ada's: 2 × $0.03"),
        (906, 1793491200002, None, None, None, "2026-11-30", "written_off", 0, 9, 0, "C:\\tmp\n\"x'"),
        (907, 1793491200003, None, run, campaign, "2026-11-30", "release", -1, 0, 0, None),
    ]
    with november.database.write() as tx:
        tx.conn.execute(insert(ledger), [dict(zip(names, row, strict=True)) for row in rows])
    monkeypatch.setattr(closing, "PAGE", page)
    frozen = FROZEN.format(attempt=attempt, run=run, campaign=campaign)
    with november.database.read() as tx:
        assert closing.digest(tx, Freezing(901, 906)) == sha256(frozen.encode()).hexdigest()


def test_what_does_not_add_up_is_not_closed(november):
    first = select(func.min(ledger.c.id)).scalar_subquery()
    with november.database.write() as tx:
        tx.conn.execute(update(ledger).where(ledger.c.id == first).values(held_delta=1))
    answer = closed(november, "2026-11")
    assert (answer.closed, november.rows(closed_months)) == (None, [])
    assert "open by the" in answer.wrong[0]


STEP = st.one_of(
    st.tuples(st.just("pay"), st.sampled_from([None, PRICE, PRICE + 3, PRICE // 2])),
    st.tuples(st.just("fail"), st.sampled_from([None, PRICE])),
    st.tuples(st.just("hold"), st.none()),
    st.tuples(st.just("refund"), st.sampled_from([PRICE, 9])),
    st.tuples(st.just("lapse"), st.none()),
    st.tuples(st.just("wait"), st.sampled_from([1, 9, 20, 33])),  # days
    st.tuples(st.just("close"), st.none()),
)


@settings(max_examples=20)
@given(steps=st.lists(STEP, min_size=1, max_size=25))
def test_month_reports_add_up(database, entropy, steps):
    """Over any life of money, with refunds and corrections long after their month: every line of the ledger
    stands in one month's statement, no closed statement ever changes, and every bridge leads over.
    """
    wipe(database)
    clock = FakeClock(1_793_000_000_000)  # the end of October 2026
    database.clock = ServerClock(clock)
    world = World(database, clock, entropy)
    world.run(60)
    owed, frozen, months = [], {}, ["2026-10"]
    for what, given_ in steps:
        _step(world, what, given_, owed=owed)
        with database.read() as tx:
            now = _month(tx.now)
        while months[-1] < now:
            months.append(next_month(months[-1]))
        if what == "close" and len(months) > 1 + len(frozen):
            month = months[len(frozen)]
            frozen[month] = sums(closed(world, month).statement)
    found = {month: statement(world, month) for month in months}
    assert [each.wrong for each in found.values()] == [[] for _ in found]
    assert {month: sums(found[month]) for month in frozen} == frozen
    with database.read() as tx:
        spent = tx.conn.execute(select(func.coalesce(func.sum(ledger.c.spent_delta), 0))).scalar_one()
    assert sum(each.booked_total.net for each in found.values()) == spent


def _step(world, what, given_, *, owed):
    match what:
        case "pay":
            held = world.until(AttemptState.SUCCEEDED)
            if given_ is not None:
                bill(world, held, charged=given_)
        case "fail":
            owed.append(refund_due(world))
            if given_ is not None:
                bill(world, owed[-1], charged=given_)
        case "hold":
            world.until(AttemptState.IN_FLIGHT)
        case "refund" if owed:
            bill(world, owed.pop(), charged=PRICE, charged_at=world.clock.now_ms() - 1, refunded=given_)
        case "lapse":
            world.lapse()
        case "wait":
            world.clock.advance(given_ * 86_400)


def _month(now):
    from orchestrator.core.month import month_of

    return month_of(now, "UTC")
