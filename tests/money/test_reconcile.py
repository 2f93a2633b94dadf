"""Our books against the provider's: what matches, what nobody knows, what is not billed; and a second look changes nothing."""

import pytest
from support.provider import Ending
from support.workshop import Workshop
from support.world import PRICE, spec

from orchestrator.actions.reconcile import Period, reconcile
from orchestrator.core.money import MICROS_MAX
from orchestrator.ports import KeyRefused, Lost, Status
from orchestrator.store import pauses, rescue
from orchestrator.store.schema import attempts, ledger

WEEK_MS = 7 * 86_400_000


@pytest.fixture
def books(shop):
    """Reconcile the last week."""

    def compared(*, not_ours=False):
        return reconciled(shop, shop.artifacts.sidecar, not_ours=not_ours)

    return compared


def reconciled(shop, sidecars, *, not_ours=False):
    now = shop.clock.now_ms()
    return shop.run(
        reconcile(
            shop.world.database,
            shop.provider,
            shop.clock,
            shop.world.entropy,
            Period(now - WEEK_MS, now, shop.settings.provider.base_url, "UTC"),
            sidecars=sidecars,
            not_ours=not_ours,
        )
    )


def wanted_by(number, run="main"):
    """What the job of that number sends, as `World.run` makes it."""
    return spec(number, prefix=f"spring/hero/{run}/{PRICE}").params


def test_books_that_agree_say_so(shop, sqlite_world, books):
    sqlite_world.run(3)
    shop.drain()
    report = books()
    assert report.agrees
    assert (report.matched, report.matched_micros, report.adjusted) == (3, 3 * PRICE, [])
    assert report.balance_micros == 1_000_000_000


def test_what_was_charged_otherwise_is_booked_and_told_once(shop, sqlite_world, provider, books, agreed):
    sqlite_world.run(2)
    shop.drain()
    provider.charges = {"task1": 20_000}
    first, second = books(), books()
    assert first.adjusted == [(1, 20_000 - PRICE)]
    assert second.adjusted == []
    assert sqlite_world.account() == (20_000 + PRICE, 0, 0)
    agreed(sqlite_world, caps=False)


def test_what_the_bill_does_not_mention_is_listed_and_keeps_counting(shop, sqlite_world, provider, books):
    sqlite_world.run(2)
    shop.drain()
    provider.charges = {"task2": 0}
    report = books()
    assert (report.unbilled, report.agrees) == (["task2"], False)
    assert sqlite_world.account() == (2 * PRICE, 0, 0)


def test_refunds_are_counted_as_due_until_seen_and_seen_once(shop, sqlite_world, provider, books, agreed):
    sqlite_world.run(1, max_attempts=1)
    provider.next_endings.append(Ending(Status.FAILED, {"error": "oops", "code": 5000}))
    shop.drain()
    report = books()
    assert (report.refunds_due, report.refunds_due_micros, report.refunds_seen) == (1, PRICE, 0)
    provider.refund("task1")
    report = books()
    assert (report.refunds_due, report.refunds_seen) == (0, 1)
    assert books().refunds_seen == 0
    assert sqlite_world.account() == (0, 0, 0)
    agreed(sqlite_world)


def test_a_refund_larger_than_its_charge_is_listed_and_booked_as_the_charge(
    shop, sqlite_world, provider, books, agreed
):
    sqlite_world.run(2)
    shop.drain()
    provider.refund("task1", 3 * PRICE)
    for _ in range(2):
        report = books()
        assert (report.surplus, report.agrees) == ([("task1", 2 * PRICE)], False)
        assert (report.matched, report.matched_micros) == (2, PRICE)
        assert sqlite_world.account() == (PRICE, 0, 0)
    agreed(sqlite_world, caps=False)


def test_sums_that_cannot_be_right_are_listed_and_the_others_booked(
    shop, sqlite_world, provider, books, agreed
):
    sqlite_world.run(2)
    shop.drain()
    provider.charges = {"task1": 2 * MICROS_MAX, "task2": 20_000}
    report = books()
    assert (report.set_aside, report.matched, report.agrees) == (["task1"], 1, False)
    assert sqlite_world.account() == (PRICE + 20_000, 0, 0)
    agreed(sqlite_world, caps=False)


def test_a_record_that_slides_to_the_next_page_counts_once(shop, sqlite_world, provider, books, agreed):
    sqlite_world.run(12)
    shop.drain()
    provider.page_size, provider.bill_slides = 5, 2
    report = books()
    assert (report.matched, report.matched_micros, report.adjusted) == (12, 12 * PRICE, [])
    assert report.agrees
    agreed(sqlite_world)


def test_a_task_that_nobody_wants_is_listed_until_a_person_says_that_it_is_not_ours(
    shop, sqlite_world, provider, books
):
    sqlite_world.run(1)
    shop.drain()
    name = provider.strange()
    for _ in range(2):
        report = books()
        assert ([(item.task.id, item.jobs) for item in report.possible], report.agrees) == (
            [(name, ())],
            False,
        )
    assert [item.id for item in books(not_ours=True).unknown] == [name]
    assert books().agrees


def test_a_task_of_a_manifest_that_the_backup_does_not_know_is_adopted_once_it_is_applied(
    shop, sqlite_world, provider, books
):
    sqlite_world.run(1)
    shop.drain()
    bought = provider.create(wanted_by(0, run="new")).id
    assert [item.task.id for item in books().possible] == [bought]
    sqlite_world.run(1, run_key="new")
    assert books().adopted == [(bought, 2)]


def test_a_task_of_a_model_we_never_use_is_on_the_bill_and_reported_there(
    shop, sqlite_world, provider, books
):
    sqlite_world.run(1)
    shop.drain()
    name = provider.strange(model="other/model")
    report = books()
    assert report.unknown == []
    assert [record.prediction_id for record in report.billed_unknown] == [name]


def test_a_task_that_a_pending_job_wants_is_adopted_and_paid_once(
    shop, sqlite_world, provider, books, agreed
):
    sqlite_world.run(2)
    bought = provider.create(wanted_by(1)).id
    report = books()
    assert report.adopted == [(bought, 2)]
    shop.drain()
    assert (len(provider.posts), sqlite_world.jobs()) == (1, {"succeeded": 2})
    assert sqlite_world.account() == (2 * PRICE, 0, 0)
    assert books().adopted == []
    agreed(sqlite_world)


def test_what_a_lost_worker_had_claimed_and_not_sent_adopts_what_its_other_self_bought(
    shop, sqlite_world, provider, books
):
    """A backup of the moment in which a job was claimed."""
    sqlite_world.run(1)
    sqlite_world.claim()
    bought = provider.create(wanted_by(0)).id
    report = books()
    assert ([(item.task.id, item.jobs) for item in report.possible], report.adopted) == ([(bought, (1,))], [])
    sqlite_world.clock.advance(3600)
    assert books().adopted == [(bought, 1)]
    shop.drain()
    assert (provider.posts, sqlite_world.jobs()) == ([], {"succeeded": 1})


def test_however_many_lost_workers_had_claimed_all_of_it_is_looked_at(
    sqlite_world, provider, books, monkeypatch
):
    """A backup of a busy account: more leases have lapsed than one rescue takes."""
    monkeypatch.setattr(rescue, "RESCUE_MAX", 2)
    sqlite_world.run(6)
    for _ in range(3):
        sqlite_world.until("in_flight")
    sqlite_world.claim()
    bought = [provider.create(wanted_by(number)).id for number in range(3, 6)]
    sqlite_world.clock.advance(3600)
    assert books().adopted == list(zip(bought, (4, 5, 6), strict=True))


@pytest.mark.parametrize("not_ours", [False, True])
def test_a_task_whose_job_is_claimed_at_that_moment_stays_for_a_person_and_so_does_the_stop(
    world, provider, artifacts, not_ours
):
    """The claim may buy it again, and what a person says about strangers' tasks does not mean this one."""
    shop = Workshop(world, provider, artifacts)
    world.run(1)
    bought = provider.create(wanted_by(0)).id

    def claimed_meanwhile(_path):
        world.claim()
        with world.database.write() as tx:
            pauses.begin(tx, pauses.Pause("account", "", "unknown_tasks", "newer tasks"))

    report = reconciled(shop, claimed_meanwhile, not_ours=not_ours)
    assert [(item.task.id, item.jobs) for item in report.possible] == [(bought, (1,))]
    assert (report.adopted, report.unknown, report.agrees) == ([], [], False)
    assert shop.pauses() == {"unknown_tasks"}
    world.clock.advance(3600)
    assert reconciled(shop, artifacts.sidecar).adopted == [(bought, 1)]
    assert shop.pauses() == set()


def test_one_task_is_adopted_by_one_job_and_one_job_adopts_one_task(sqlite_world, provider, books):
    sqlite_world.run(1, run_key="a")
    alike = {provider.create(wanted_by(0, run="a")).id for _ in range(2)}
    report = books()
    ((adopted, job),) = report.adopted
    assert job == 1
    assert {adopted, *(item.task.id for item in report.possible)} == alike
    assert len(report.possible) == 1


def test_adopted_money_counts_even_beyond_a_cap_and_then_nothing_more_is_spent(
    sqlite_world, provider, books, agreed
):
    sqlite_world.run(2)
    sqlite_world.cap(PRICE - 1)
    provider.create(wanted_by(0))
    assert len(books().adopted) == 1
    assert sqlite_world.account() == (0, PRICE, 0)
    assert sqlite_world.claim() == ()
    agreed(sqlite_world, caps=False)


def test_without_inputs_in_the_list_nothing_is_adopted_and_a_person_decides(sqlite_world, provider, books):
    sqlite_world.run(1)
    provider.shows_inputs = False
    name = provider.create(wanted_by(0)).id
    for _ in range(2):
        report = books()
        assert (report.adopted, report.unknown, report.agrees) == ([], [], False)
        assert [(item.task.id, item.jobs) for item in report.possible] == [(name, (1,))]
    report = books(not_ours=True)
    assert ([item.id for item in report.unknown], report.possible) == ([name], [])
    assert books().agrees


@pytest.mark.parametrize("what", ["list_answer", "bill_answer"])
@pytest.mark.parametrize("answer", [Lost("502"), KeyRefused("no", 403)])
def test_what_cannot_be_read_whole_is_not_compared(shop, sqlite_world, provider, books, what, answer):
    sqlite_world.run(1)
    shop.drain()
    setattr(provider, what, answer)
    before = sqlite_world.everything()
    report = books()
    assert (report.readable, report.agrees) == (False, False)
    assert sqlite_world.everything() == before


def test_while_a_reply_is_lost_no_task_is_taken_in_because_it_may_be_that_one(
    bureau, sqlite_world, provider, books
):
    sqlite_world.run(2)
    bureau.lose(created=True)
    report = books()
    assert (report.in_doubt, report.agrees, report.unknown, report.adopted) == (True, False, [], [])
    assert bureau.noted() == set()
    bureau.look()
    assert not books().in_doubt


def test_a_second_look_changes_nothing(shop, sqlite_world, provider, books):
    sqlite_world.run(3, max_attempts=1)
    provider.next_endings.append(Ending(Status.FAILED, {"error": "oops", "code": 5000}))
    shop.drain()
    provider.charges = {"task2": 20_000}
    provider.refund("task1")
    provider.strange()
    books(not_ours=True)
    before = (sqlite_world.account(), [tuple(row) for row in sqlite_world.rows(ledger)])
    report = books()
    assert (sqlite_world.account(), [tuple(row) for row in sqlite_world.rows(ledger)]) == before
    assert report.agrees
    assert {row.billed_micros for row in sqlite_world.rows(attempts)} == {PRICE, 20_000}


def test_a_late_task_after_absence_was_concluded_is_listed(bureau, sqlite_world, provider, books):
    sqlite_world.run(1)
    provider.lag = provider.bill_lag = 600.0
    claimed, task = bureau.lose(created=True)
    bureau.look(2, after=121)
    assert bureau.state(claimed) == ("abandoned", "absence_proved")
    (again,) = sqlite_world.claim()
    sqlite_world.send(again)
    sqlite_world.accept(again)  # the job is on its way again: it wants nothing else
    sqlite_world.clock.advance(600)
    assert [item.task.id for item in books().possible] == [task]
    assert [item.id for item in books(not_ours=True).unknown] == [task]
    assert bureau.noted() == {task}
