"""Tasks that the provider knows and we do not: adopted by the job that wants one, or left to a person."""

import pytest
from lost_replies import SETTLE
from reconciled import reconciled, wanted_by
from support.harness import WorkerHarness
from support.world import PRICE

from orchestrator.store.account import pauses
from orchestrator.store.attempts import leases


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

    report = reconciled(harness, sidecars=claimed_meanwhile, not_ours=not_ours)
    assert [(item.task.id, item.jobs) for item in report.possible] == [(bought, (1,))]
    assert (report.adopted, report.unknown, report.agrees) == ([], [], False)
    assert harness.pauses() == {"unknown_tasks"}
    world.clock.advance(3600)
    assert reconciled(harness).adopted == [(bought, 1)]
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


def test_a_late_task_after_absence_was_concluded_is_listed(lost_replies, sqlite_world, provider, reader):
    sqlite_world.run(1)
    provider.lag = provider.bill_lag = 600.0
    claimed, task = lost_replies.lose(created=True)
    lost_replies.look(2, after=SETTLE)
    assert lost_replies.state(claimed) == ("abandoned", "absence_proved")
    (again,) = sqlite_world.claim()
    sqlite_world.send(again)
    sqlite_world.accept(again)  # the job is on its way again: it wants nothing else
    sqlite_world.clock.advance(600)
    assert [item.task.id for item in reader().possible] == [task]
    assert [item.id for item in reader(not_ours=True).unknown] == [task]
    assert lost_replies.noted() == {task}
