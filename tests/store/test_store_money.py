"""Money: no cap is ever passed, and the balances are the sums of the ledger, whatever happens in which
order."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.databases import wipe
from support.world import LEASE_MS, PRICE, REFUND_MS, World

from orchestrator.core.budget import day_of
from orchestrator.core.errors import NotFoundError
from orchestrator.core.states import AttemptEvent, AttemptState
from orchestrator.store.attempts import endings
from orchestrator.store.claiming import claim
from orchestrator.store.db.schema import LedgerKind, Scope, Window, attempts, balances, ledger
from orchestrator.store.money import ledger as money
from orchestrator.store.money.caps import caps_in_force
from orchestrator.store.runs import campaigns

SCOPES = [Scope.ACCOUNT, Scope.CAMPAIGN, Scope.RUN]
PRICES = st.sampled_from([1, 28_000, 56_000, 99_999])
CAPS = st.lists(
    st.tuples(st.sampled_from(SCOPES), st.sampled_from(list(Window)), st.integers(0, 400_000)), max_size=4
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["claim", "send", "accept", "complete", "finish", "lose", "fail", "charge", "release"]
            + ["throttle", "reject", "doubt", "rescue", "lapse", "tomorrow"]
        ),
        st.integers(1, 3),
    ),
    max_size=40,
)


@settings(max_examples=50)
@given(prices=st.lists(PRICES, min_size=2, max_size=3), caps=CAPS, steps=STEPS)
def test_no_cap_is_passed_and_balances_are_the_ledgers_sums_after_every_step(
    database, clock, entropy, prices, caps, steps
):
    wipe(database)
    world = World(database, clock, entropy)
    made = [
        world.run(4, price=price, campaign=f"c{number % 2}", run_key=f"r{number}")
        for number, price in enumerate(prices)
    ]
    for number, (scope, window, micros) in enumerate(caps):
        run = made[number % len(made)]
        scope_id = {Scope.ACCOUNT: 0, Scope.CAMPAIGN: run.campaign_id, Scope.RUN: run.id}[scope]
        world.cap(micros=micros, scope=scope, scope_id=scope_id, window=window)
    for action, count in steps:
        _do(world, action, count)
        world.check_money()


def _do(world, action, count):
    if action == "claim":
        world.claim(count)
    elif action == "rescue":
        world.clock.advance_ms(LEASE_MS)
        world.rescue()
    elif action == "lapse":
        world.clock.advance_ms(REFUND_MS)
        world.lapse()
    elif action == "tomorrow":
        world.clock.advance_ms(24 * 3600 * 1000)
    else:
        state, move = {
            "send": ("leased", world.send),
            "release": ("leased", world.give_back),
            "accept": ("submitting", world.accept),
            "throttle": ("submitting", lambda held: world.give_back(held, AttemptEvent.THROTTLED)),
            "reject": ("submitting", world.reject),
            "doubt": ("submitting", world.doubt),
            "complete": ("in_flight", world.complete),
            "fail": ("in_flight", world.fail),
            "charge": ("in_flight", lambda held: world.fail(held, charged=True)),
            "finish": ("fetching", world.finish),
            "lose": ("fetching", lambda held: world.finish(held, 0, lost=((0, "gone"),))),
        }[action]
        for row in [row for row in world.rows(attempts) if row.state == state][:count]:
            move(_AsHeld(row))


class _AsHeld:
    def __init__(self, row):
        self.attempt_id, self.epoch, self.job_id = row.id, row.epoch, row.job_id


@settings(max_examples=15)
@given(
    price=st.integers(1, 100_000),
    cap=st.integers(0, 500_000),
    scope=st.sampled_from(SCOPES),
    window=st.sampled_from(list(Window)),
)
def test_a_claim_takes_exactly_what_fits_under_a_cap_of_any_scope_and_window(
    database, clock, entropy, price, cap, scope, window
):
    wipe(database)
    world = World(database, clock, entropy)
    run = world.run(6, price=price)
    world.cap(
        micros=cap,
        scope=scope,
        scope_id={Scope.ACCOUNT: 0, Scope.CAMPAIGN: run.campaign_id, Scope.RUN: run.id}[scope],
        window=window,
    )
    assert len(world.claim()) == min(6, cap // price)


@pytest.mark.parametrize(
    ("window", "days", "free"), [("day", 1, True), ("month", 1, False), ("month", 9, True)]
)
def test_a_window_ends_with_its_day_or_month(world, window, days, free):
    world.run(2)
    world.cap(PRICE, window=Window(window))
    assert len(world.claim()) == 1
    world.clock.advance_ms(days * 24 * 3600 * 1000)
    assert len(world.claim()) == (1 if free else 0)


def test_an_amount_counts_on_the_day_that_admitted_it(world):
    world.run(1)
    held = world.until(AttemptState.FETCHING)
    world.clock.advance_ms(24 * 3600 * 1000)
    world.finish(held)
    days = {row.period: row.spent_micros for row in world.rows(balances) if row.scope == "account"}
    assert days == {"total": PRICE, "2026-11": PRICE, "2026-11-22": PRICE}


def test_the_day_is_the_time_zones(world):
    world.run(1)
    (claimed,) = world.claim(timezone="Pacific/Auckland")
    assert world.attempt(claimed).day == day_of(world.clock.now_ms(), "Pacific/Auckland") == "2026-11-23"


def test_refunds_that_are_due_count_against_a_cap_until_they_lapse(world):
    world.run(1)
    world.cap(PRICE)
    world.fail(world.until(AttemptState.IN_FLIGHT))
    world.clock.advance_ms(REFUND_MS - 1)
    assert world.lapse() == 0
    assert world.claim() == ()
    world.clock.advance_ms(1)
    assert world.lapse() == 1
    assert world.lapse() == 0
    assert len(world.claim()) == 1
    world.check_money()


def test_a_reservation_ends_once(world):
    world.run(1)
    held = world.until(AttemptState.FETCHING)
    assert [world.finish(held), world.finish(held), world.fail(held)] == [True, False, False]
    assert [row.kind for row in world.rows(ledger)] == [LedgerKind.RESERVE, LedgerKind.SETTLE]


def test_a_cap_lowered_below_what_is_counted_stops_spending_and_takes_nothing_back(world):
    world.run(3)
    world.claim(2)
    world.cap(PRICE)
    assert world.claim() == ()
    assert world.account() == (0, PRICE * 2, 0)


def test_a_cap_set_late_knows_the_past(world):
    run = world.run(3)
    world.until(AttemptState.SUCCEEDED)
    world.cap(micros=PRICE * 2, scope=Scope.CAMPAIGN, scope_id=run.campaign_id, window=Window.MONTH)
    assert len(world.claim()) == 1


def test_the_reservation_itself_refuses_to_pass_a_cap(world):
    """The look at the head-room may be stale; the conditional update is what holds."""
    run = world.run(1)
    world.cap(PRICE)
    with world.database.read() as tx:
        (stale,) = caps_in_force(tx, "2026-11-22")
    assert stale.remaining_micros == PRICE
    held = world.lease()

    def reserve_again():
        with world.database.write() as tx:
            movement = money.Movement(
                kind=LedgerKind.RESERVE,
                attempt_id=held.attempt_id,
                run_id=run.id,
                campaign_id=run.campaign_id,
                day="2026-11-22",
                held_delta=1,
            )
            money.reserve(tx, [movement], [stale])

    before = world.everything()
    with pytest.raises(money.CapRacedError):
        reserve_again()
    assert world.everything() == before


def test_money_moved_earlier_in_a_transaction_counts_in_it(world):
    world.run(2)
    world.cap(PRICE)
    held = world.lease()
    with world.database.write() as tx:
        row = endings.GiveBack(
            attempt_id=held.attempt_id,
            epoch=held.epoch,
            event=AttemptEvent.RELEASED,
            delay_ms=60_000,
            reason="released",
            message="",
        )
        endings.give_back(tx, [row])
        (result,) = claim.claim(tx, [world.request()])
    assert len(result.claimed) <= 1
    world.check_money()


def test_an_unknown_campaign_is_named(world):
    with world.database.read() as tx, pytest.raises(NotFoundError, match="no campaign 'nobody'"):
        campaigns.find_campaign(tx, "nobody")
