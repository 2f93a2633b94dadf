"""What an operator decides is recorded with the decision: who, where, by which command, and why."""

import pytest
from sqlalchemy import select
from support.signed import SIGNED
from support.world import PRICE

from orchestrator.actions.operator import pausing, resolve_doubt
from orchestrator.actions.operator.change_jobs import cancel_jobs, drop_waiting, retry_jobs
from orchestrator.core.errors import UsageError
from orchestrator.store.account import workers
from orchestrator.store.db.schema import Scope, Window, acts
from orchestrator.store.money.cap_changes import StandingCap
from orchestrator.store.money.decided_caps import decide_cap
from orchestrator.store.views.jobs.walk import JobFilter


@pytest.fixture
def recorded(world):
    """Subject, old and new of every act; each is signed as it was decided."""

    def look():
        with world.database.read() as tx:
            rows = tx.conn.execute(select(acts).order_by(acts.c.id)).all()
        assert {(row.who, row.host, row.command, row.why) for row in rows} <= {
            (SIGNED.who, SIGNED.host, SIGNED.command, SIGNED.why)
        }
        return [(row.subject, row.old, row.new) for row in rows]

    return look


def decide(world, window, cap_micros, *, source="operator"):
    new = None if cap_micros is None else StandingCap(cap_micros, source)
    with world.database.write() as tx:
        return decide_cap(tx, SIGNED, scope=Scope.ACCOUNT, scope_id=0, window=window, new=new)


def test_a_cap_that_is_set_raised_and_removed_is_told_in_dollars(world, recorded):
    for cap in (50_000_000, 80_000_000, None):
        assert decide(world, Window.DAY, cap)
    day = "day cap of the account"
    assert recorded() == [(day, None, "$50.00"), (day, "$50.00", "$80.00"), (day, "$80.00", None)]
    assert world.events("cap_changed") == [
        f"{day}: none became $50.00, as an operator decided",
        f"{day}: $50.00 became $80.00, as an operator decided",
        f"{day}: $80.00 became none",
    ]


def test_a_cap_that_is_as_it_was_is_no_act(world, recorded):
    assert decide(world, Window.TOTAL, 50_000_000)
    assert not decide(world, Window.TOTAL, 50_000_000)
    assert recorded() == [("cap of the account", None, "$50.00")]


def test_whose_word_a_cap_is_counts_as_a_change(world, recorded):
    decide(world, Window.DAY, 50_000_000)
    decide(world, Window.DAY, 50_000_000, source="config")
    assert recorded()[-1] == ("day cap of the account", "$50.00, set by operator", "$50.00, set by config")


def test_a_decision_that_is_rolled_back_leaves_no_act(world, recorded):
    def decide_and_fail():
        with world.database.write() as tx:
            pausing.pause_account(tx, SIGNED)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        decide_and_fail()
    assert recorded() == []


def test_pausing_and_resuming_are_acts_and_what_changes_nothing_is_none(world, recorded):
    with world.database.write() as tx:
        assert not pausing.resume_account(tx, SIGNED)
        assert pausing.pause_account(tx, SIGNED)
        assert pausing.resume_account(tx, SIGNED)
    assert recorded() == [("the account", "running", "paused"), ("the account", "paused", "running")]
    assert world.events("paused") == [f"the account: paused: {SIGNED.why}"]
    assert world.events("resumed") == ["the account: paused is over"]


def test_a_campaign_is_named_as_people_name_it(world, recorded):
    world.run(1)
    with world.database.write() as tx:
        pausing.pause_campaign(tx, "spring", SIGNED)
        pausing.weigh_campaign(tx=tx, name="spring", weight=3, signed=SIGNED)
        pausing.resume_campaign(tx, "spring", SIGNED)
    campaign = "campaign spring"
    assert recorded() == [
        (campaign, "running", "paused"),
        (campaign, "weight 1", "weight 3"),
        (campaign, "paused", "running"),
    ]
    assert world.events("paused") == [f"campaign spring: paused: {SIGNED.why}"]


def test_each_job_that_is_cancelled_or_retried_has_its_act(world, recorded):
    world.run(2)
    cancel_jobs(world.database, JobFilter(ids=(1, 2)), SIGNED, dry_run=True)
    assert recorded() == []
    cancel_jobs(world.database, JobFilter(ids=(1, 2)), SIGNED)
    retry_jobs(world.database, JobFilter(ids=(2,)), SIGNED)
    assert drop_waiting(world.database, [1, 2], SIGNED) == 1
    assert recorded() == [
        ("job 1", "waiting", "cancelled"),
        ("job 2", "waiting", "cancelled"),
        ("job 2", "cancelled", "waiting again"),
        ("job 2", "waiting", "cancelled"),
    ]


def test_a_job_that_runs_is_cancelled_when_its_attempt_ends(world, recorded):
    world.run(1)
    held = world.lease()
    cancel_jobs(world.database, JobFilter(ids=(held.job_id,)), SIGNED)
    assert recorded() == [("job 1", "running", "cancelled, unless its attempt brings pictures")]


def test_a_doubt_that_a_person_ends_is_his_act(world, recorded):
    world.run(1)
    held = world.lease()
    world.send(held)
    world.doubt(held)
    resolve_doubt.write_off(world.database, SIGNED, held.attempt_id)
    with pytest.raises(UsageError):
        resolve_doubt.absent(world.database, SIGNED, held.attempt_id)
    assert recorded() == [(f"attempt {held.attempt_id} of job 1", "in doubt", "written off")]
    assert world.account() == (PRICE, 0, 0)


def test_a_worker_that_is_asked_to_finish_is_asked_by_somebody(world, recorded):
    with world.database.write() as tx:
        workers.register(tx, workers.WorkerRow("w1", "host", 1))
        assert pausing.drain_worker(tx, "w1", SIGNED)
        assert not pausing.drain_worker(tx, "w1", SIGNED)
    assert recorded() == [("worker w1", "running", "asked to finish")]
