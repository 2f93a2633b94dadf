"""Our books against the provider's: what matches, what nobody knows, what is not billed; and a second look
changes nothing."""

import pytest
from support.harness import WorkerHarness
from support.provider import Ending
from support.world import PRICE, spec

from orchestrator.actions.reconciling.reconcile import reconcile
from orchestrator.actions.reconciling.reconciliation import Period
from orchestrator.core.money import MICROS_MAX
from orchestrator.ports import KeyRefused, Lost, Status
from orchestrator.store.account import pauses
from orchestrator.store.attempts import leases
from orchestrator.store.db.schema import attempts, ledger

WEEK_MS = 7 * 86_400_000


@pytest.fixture
def reader(harness):
    """Reconcile the last week."""

    def compared(*, not_ours=False):
        return reconciled(harness, harness.artifacts.sidecar, not_ours=not_ours)

    return compared


def reconciled(harness, sidecars, *, not_ours=False):
    now = harness.clock.now_ms()
    return harness.run(
        reconcile(
            database=harness.world.database,
            provider=harness.provider,
            clock=harness.clock,
            entropy=harness.world.entropy,
            period=Period(
                start_ms=now - WEEK_MS,
                end_ms=now,
                base_url=harness.settings.provider.base_url,
                timezone="UTC",
            ),
            sidecars=sidecars,
            not_ours=not_ours,
        )
    )


def wanted_by(number, run="main"):
    """What the job of that number sends, as `World.run` makes it."""
    return spec(number, prefix=f"spring/hero/{run}/{PRICE}").params


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


def test_a_task_that_nobody_wants_is_listed_until_a_person_says_that_it_is_not_ours(
    harness, sqlite_world, provider, reader
):
    sqlite_world.run(1)
    harness.drain()
    name = provider.strange()
    for _ in range(2):
        report = reader()
        assert ([(item.task.id, item.jobs) for item in report.possible], report.agrees) == (
            [(name, ())],
            False,
        )
    assert [item.id for item in reader(not_ours=True).unknown] == [name]
    assert reader().agrees


def test_a_task_of_a_manifest_that_the_backup_does_not_know_is_adopted_once_it_is_applied(
    harness, sqlite_world, provider, reader
):
    sqlite_world.run(1)
    harness.drain()
    bought = provider.create(wanted_by(0, run="new")).id
    assert [item.task.id for item in reader().possible] == [bought]
    sqlite_world.run(1, run_key="new")
    assert reader().adopted == [(bought, 2)]


def test_a_task_of_a_model_we_never_use_is_on_the_bill_and_reported_there(
    harness, sqlite_world, provider, reader
):
    sqlite_world.run(1)
    harness.drain()
    name = provider.strange(model="other/model")
    report = reader()
    assert report.unknown == []
    assert [record.prediction_id for record in report.billed_unknown] == [name]


def test_a_task_that_a_pending_job_wants_is_adopted_and_paid_once(
    harness, sqlite_world, provider, reader, agreed
):
    sqlite_world.run(2)
    bought = provider.create(wanted_by(1)).id
    report = reader()
    assert report.adopted == [(bought, 2)]
    harness.drain()
    assert (len(provider.posts), sqlite_world.jobs()) == (1, {"succeeded": 2})
    assert sqlite_world.account() == (2 * PRICE, 0, 0)
    assert reader().adopted == []
    agreed(sqlite_world)


def test_what_a_lost_worker_had_claimed_and_not_sent_adopts_what_its_other_self_bought(
    harness, sqlite_world, provider, reader
):
    """A backup of the moment in which a job was claimed."""
    sqlite_world.run(1)
    sqlite_world.claim()
    bought = provider.create(wanted_by(0)).id
    report = reader()
    assert ([(item.task.id, item.jobs) for item in report.possible], report.adopted) == ([(bought, (1,))], [])
    sqlite_world.clock.advance(3600)
    assert reader().adopted == [(bought, 1)]
    harness.drain()
    assert (provider.posts, sqlite_world.jobs()) == ([], {"succeeded": 1})


def test_however_many_lost_workers_had_claimed_all_of_it_is_looked_at(
    sqlite_world, provider, reader, monkeypatch
):
    """A backup of a busy account: more leases have lapsed than one rescue takes."""
    monkeypatch.setattr(leases, "RESCUE_MAX", 2)
    sqlite_world.run(6)
    for _ in range(3):
        sqlite_world.until("in_flight")
    sqlite_world.claim()
    bought = [provider.create(wanted_by(number)).id for number in range(3, 6)]
    sqlite_world.clock.advance(3600)
    assert reader().adopted == list(zip(bought, (4, 5, 6), strict=True))


@pytest.mark.parametrize("not_ours", [False, True])
def test_a_task_whose_job_is_claimed_at_that_moment_stays_for_a_person_and_so_does_the_stop(
    world, provider, artifacts, not_ours
):
    """The claim may buy it again, and what a person says about strangers' tasks does not mean this one."""
    harness = WorkerHarness(world, provider, artifacts)
    world.run(1)
    bought = provider.create(wanted_by(0)).id

    def claimed_meanwhile(_path):
        world.claim()
        with world.database.write() as tx:
            pauses.begin(
                tx, pauses.Pause(scope="account", name="", reason="unknown_tasks", message="newer tasks")
            )

    report = reconciled(harness, claimed_meanwhile, not_ours=not_ours)
    assert [(item.task.id, item.jobs) for item in report.possible] == [(bought, (1,))]
    assert (report.adopted, report.unknown, report.agrees) == ([], [], False)
    assert harness.pauses() == {"unknown_tasks"}
    world.clock.advance(3600)
    assert reconciled(harness, artifacts.sidecar).adopted == [(bought, 1)]
    assert harness.pauses() == set()


def test_one_task_is_adopted_by_one_job_and_one_job_adopts_one_task(sqlite_world, provider, reader):
    sqlite_world.run(1, run_key="a")
    alike = {provider.create(wanted_by(0, run="a")).id for _ in range(2)}
    report = reader()
    ((adopted, job),) = report.adopted
    assert job == 1
    assert {adopted, *(item.task.id for item in report.possible)} == alike
    assert len(report.possible) == 1


def test_adopted_money_counts_even_beyond_a_cap_and_then_nothing_more_is_spent(
    sqlite_world, provider, reader, agreed
):
    sqlite_world.run(2)
    sqlite_world.cap(PRICE - 1)
    provider.create(wanted_by(0))
    assert len(reader().adopted) == 1
    assert sqlite_world.account() == (0, PRICE, 0)
    assert sqlite_world.claim() == ()
    agreed(sqlite_world, caps=False)


def test_without_inputs_in_the_list_nothing_is_adopted_and_a_person_decides(sqlite_world, provider, reader):
    sqlite_world.run(1)
    provider.shows_inputs = False
    name = provider.create(wanted_by(0)).id
    for _ in range(2):
        report = reader()
        assert (report.adopted, report.unknown, report.agrees) == ([], [], False)
        assert [(item.task.id, item.jobs) for item in report.possible] == [(name, (1,))]
    report = reader(not_ours=True)
    assert ([item.id for item in report.unknown], report.possible) == ([name], [])
    assert reader().agrees


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


def test_while_a_reply_is_lost_no_task_is_taken_in_because_it_may_be_that_one(
    lost_replies, sqlite_world, provider, reader
):
    sqlite_world.run(2)
    lost_replies.lose(created=True)
    report = reader()
    assert (report.in_doubt, report.agrees, report.unknown, report.adopted) == (True, False, [], [])
    assert lost_replies.noted() == set()
    lost_replies.look()
    assert not reader().in_doubt


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


def test_a_late_task_after_absence_was_concluded_is_listed(lost_replies, sqlite_world, provider, reader):
    sqlite_world.run(1)
    provider.lag = provider.bill_lag = 600.0
    claimed, task = lost_replies.lose(created=True)
    lost_replies.look(2, after=121)
    assert lost_replies.state(claimed) == ("abandoned", "absence_proved")
    (again,) = sqlite_world.claim()
    sqlite_world.send(again)
    sqlite_world.accept(again)  # the job is on its way again: it wants nothing else
    sqlite_world.clock.advance(600)
    assert [item.task.id for item in reader().possible] == [task]
    assert [item.id for item in reader(not_ours=True).unknown] == [task]
    assert lost_replies.noted() == {task}
