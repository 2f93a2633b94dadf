"""A store that does not know what its account has bought spends nothing until `reconcile` has told it."""

from contextlib import suppress

import pytest
from reconciled import reconciled
from support.harness import WorkerHarness
from support.world import PRICE, World

from orchestrator.artifacts.mark import MarkFile
from orchestrator.core.errors import ExitCode, OperatorNeededError
from orchestrator.ports import NoMark
from orchestrator.store.account import pauses
from orchestrator.store.db.database import Database
from orchestrator.store.db.schema import attempts
from orchestrator.store.doubts import webhook_reports
from orchestrator.store.doubts.webhook_reports import Delivery


def test_a_worker_that_finds_unknown_newer_tasks_sends_nothing_and_needs_an_operator(
    harness, sqlite_world, provider
):
    sqlite_world.run(2)
    provider.strange()
    with pytest.raises(OperatorNeededError, match="orchestrator reconcile") as error:
        harness.drain()
    assert error.value.exit_code == ExitCode.OPERATOR
    assert (provider.posts, harness.pauses()) == ([], {"unknown_tasks"})


def test_what_is_accepted_is_collected_although_a_gap_stops_spending(harness, sqlite_world, provider):
    """Results expire: a stop of spending must not become a loss of pictures."""
    sqlite_world.run(2)
    held = sqlite_world.until("in_flight", "dead")
    mine = provider.create({"prompt": "mine"})
    with sqlite_world.database.write() as tx:
        tx.conn.exec_driver_sql(
            "UPDATE attempts SET prediction_id = ?, lease_expires_at = 0 WHERE id = ?",
            (mine.id, held.attempt_id),
        )
    sqlite_world.clock.advance(600)
    provider.strange()
    harness.drain()
    assert sqlite_world.jobs() == {"succeeded": 1, "pending": 1}
    assert (provider.posts, harness.pauses()) == ([], {"unknown_tasks"})


def test_a_lasting_worker_waits_paused_and_goes_on_after_reconcile(harness, sqlite_world, provider):
    sqlite_world.run(2)
    provider.strange()
    harness.run_for(60)
    assert (provider.posts, harness.pauses()) == ([], {"unknown_tasks"})
    assert [item.task.id for item in reconciled(harness).possible] == ["task1"]
    harness.run_for(60)
    assert (provider.posts, harness.pauses()) == ([], {"unknown_tasks"})
    report = reconciled(harness, not_ours=True)
    assert [item.id for item in report.unknown] == ["task1"]
    harness.run_for(60)
    assert sqlite_world.jobs() == {"succeeded": 2}


@pytest.mark.parametrize("why", ["other model", "older than our last", "ignored"])
def test_tasks_that_cannot_be_ours_stop_nothing(harness, sqlite_world, provider, why):
    if why == "older than our last":
        provider.strange()
        sqlite_world.clock.advance(600)
    sqlite_world.run(1)
    if why == "other model":
        provider.strange(model="other/model")
    if why == "ignored":
        provider.strange()
        harness.change("guards", unknown_tasks="ignore")
    harness.drain()
    assert sqlite_world.jobs() == {"succeeded": 1}


def test_the_stop_is_not_lifted_by_time_or_by_another_start(harness, sqlite_world, provider):
    sqlite_world.run(1)
    provider.strange()
    harness.run_for(30)
    sqlite_world.clock.advance(30 * 86_400)
    harness.run_for(30)
    assert (provider.posts, harness.pauses()) == ([], {"unknown_tasks"})
    with sqlite_world.database.read() as tx:
        (pause,) = pauses.in_force(tx)
    assert pause.until is None


def test_a_report_of_what_a_restored_database_never_sent_leaves_the_task_to_reconcile(
    harness, sqlite_world, provider, agreed
):
    """Noted as nobody's, it would be taken for a stranger's, and its job bought again."""
    sqlite_world.run(1)
    (claimed,) = sqlite_world.claim(1)  # so stood the backup; its other self sent the request
    provider.shows_inputs = True
    task = provider.create(claimed.params).id
    sqlite_world.clock.advance(600)
    sqlite_world.rescue()
    assert sqlite_world.attempts() == {"abandoned": 1}
    report = Delivery(claimed.token, task, "completed")
    assert sqlite_world.do(webhook_reports.record_report, report) is webhook_reports.ReportOutcome.SECOND
    with pytest.raises(OperatorNeededError, match="orchestrator reconcile"):
        harness.drain()
    assert reconciled(harness).adopted == [(task, claimed.job_id)]
    harness.drain()
    assert (provider.posts, sqlite_world.jobs()) == ([], {"succeeded": 1})
    agreed(sqlite_world)


@pytest.mark.parametrize("moment", ["before the first", "under way", "while sending", "with a lost reply"])
@pytest.mark.parametrize("shows_inputs", [True, False])
@pytest.mark.parametrize("rule", ["ours", "stop"])
def test_a_restored_database_pays_for_nothing_twice(
    harness, sqlite_world, provider, artifacts, tmp_path, agreed, moment, shows_inputs, rule
):
    """The other self finishes the run; then the copy comes back. Its mark tells, or the list alone."""
    harness.mark = MarkFile(tmp_path) if rule == "ours" else NoMark()
    sqlite_world.run(6)
    provider.shows_inputs = shows_inputs
    if moment in {"under way", "while sending", "with a lost reply"}:
        harness.change("limits", concurrency=2)
        provider.loses = 1 if moment == "with a lost reply" else 0
        copied = []

        def copy_at(name):
            wanted = "submit.answered" if moment == "while sending" else "submit.recorded"
            if name == wanted and not copied and len(provider.posts) >= 2:
                copied.append(copy(sqlite_world, tmp_path))

        harness.crashpoint = copy_at
        harness.drain(limit_seconds=7200)
        restored = copied[0]
    else:
        restored = copy(sqlite_world, tmp_path)
        harness.drain()
    assert (sqlite_world.jobs(), len(provider.posts)) == ({"succeeded": 6}, 6)
    database = restored(harness)
    world = World(database, sqlite_world.clock, sqlite_world.entropy)
    again = WorkerHarness(world, provider, artifacts)
    again.change("in_doubt", settle_seconds=5)
    again.change("guards", unknown_tasks=rule)
    again.mark = harness.mark
    sqlite_world.clock.advance(3600)
    with_doubts = moment in {"while sending", "with a lost reply"}
    with suppress(OperatorNeededError):
        again.drain(limit_seconds=7200)
    assert "unknown_tasks" in again.pauses()
    assert len(provider.posts) == 6, "nothing was sent before the gap was known"
    report = reconciled(again, mark=again.mark)
    if not (with_doubts and report.in_doubt):
        known = {row.prediction_id for row in world.rows(attempts)} | {item.id for item in report.unknown}
        assert known >= set(provider.tasks), "every task of the gap is adopted or listed"
        again.drain(limit_seconds=7200)
        assert world.jobs() == {"succeeded": 6}
        agreed(world)
        if shows_inputs:
            assert len(provider.posts) == 6
            assert world.account() == (6 * PRICE, 0, 0)
    else:
        assert not shows_inputs, "inputs tell every task apart"
        assert world.attempts()["in_doubt"]
    database.close()


def copy(world, tmp_path):
    """A backup, as `VACUUM INTO` takes it; gives a way to open it as a database."""
    path = tmp_path / "backup.db"
    with world.database._reader.connect() as conn:
        conn.connection.driver_connection.execute("PRAGMA query_only = OFF")
        conn.connection.driver_connection.execute(f"VACUUM INTO '{path}'")
        conn.connection.driver_connection.execute("PRAGMA query_only = ON")
    return lambda harness: Database.open(f"sqlite:///{path}", world.clock)
