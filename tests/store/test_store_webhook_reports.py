"""What a signed webhook says is recorded once, as evidence, and moves no attempt and no money by itself."""

import threading

import pytest
from support.world import PRICE

from orchestrator.core.states import AttemptEvent, AttemptState
from orchestrator.store.attempts import lifecycle, predictions
from orchestrator.store.db.schema import events, foreign_predictions, webhook_receipts
from orchestrator.store.doubts import doubts, webhook_reports
from orchestrator.store.doubts.webhook_reports import Delivery, ReportOutcome

OPEN = [AttemptState.LEASED, AttemptState.SUBMITTING, AttemptState.IN_DOUBT]
HOLDING = [AttemptState.IN_FLIGHT, AttemptState.FETCHING, AttemptState.SUCCEEDED]
OVER = [AttemptState.FAILED, AttemptState.ABANDONED]


def tell(world, held, prediction_id="p9", status="completed"):
    """A webhook with this attempt's token arrives."""
    token = held if isinstance(held, str) else world.attempt(held).token
    return world.do(webhook_reports.record_report, Delivery(token, prediction_id, status))


def written(world):
    return [(row.attempt_id, row.prediction_id, row.status) for row in world.rows(webhook_receipts)]


def noted(world):
    return {row.prediction_id for row in world.rows(foreign_predictions)}


@pytest.mark.parametrize("state", OPEN)
def test_a_report_for_an_attempt_without_a_prediction_is_evidence_and_moves_nothing(world, state):
    world.run(1)
    held = world.until(state)
    before = world.everything()
    assert tell(world, held) is ReportOutcome.EVIDENCE
    assert written(world) == [(held.attempt_id, "p9", "completed")]
    assert (world.everything(), world.rows(events)) == (before, [])


@pytest.mark.parametrize("state", HOLDING)
def test_a_report_of_the_prediction_that_the_attempt_holds_writes_nothing(world, state):
    world.run(1)
    held = world.until(state)
    assert tell(world, held, "p1") is ReportOutcome.KNOWN
    assert (written(world), world.rows(events)) == ([], [])


@pytest.mark.parametrize("state", [*OPEN, *HOLDING, *OVER])
def test_a_replay_changes_nothing(world, state):
    world.run(1)
    held = world.until(state)
    tell(world, held)
    tables = (webhook_receipts, events, foreign_predictions)
    before = (world.everything(), [world.rows(table) for table in tables])
    for status in ("completed", "failed"):
        assert tell(world, held, status=status) is ReportOutcome.KNOWN
    assert (world.everything(), [world.rows(table) for table in tables]) == before


@pytest.mark.parametrize("state", [*HOLDING, *OVER])
def test_a_second_or_late_task_is_recorded_told_and_never_taken_for_anothers(world, state):
    world.run(1)
    held = world.until(AttemptState.SUBMITTING if state is AttemptState.ABANDONED else state)
    if state is AttemptState.ABANDONED:
        world.give_back(held, AttemptEvent.THROTTLED)
    before = world.everything()
    assert tell(world, held) is ReportOutcome.SECOND
    assert written(world) == [(held.attempt_id, "p9", "completed")]
    (message,) = world.events(webhook_reports.SECOND_TASK)
    assert "prediction p9 was created for this attempt" in message
    assert noted(world) == {"p9"}
    assert world.everything() == before


def test_a_task_reported_for_one_of_two_alike_stays_free_for_the_other(world):
    """The list cannot tell equal requests apart: it may have given each the other's task."""
    world.run(2)
    swapped, other = world.lease(), world.lease()
    for held in (swapped, other):
        world.do(lifecycle.begin_submit, lifecycle.BeginSubmit(held.attempt_id, held.epoch, "alike"))
        world.doubt(held)
    world.do(
        doubts.resolve_as,
        doubts.Found(
            attempt_id=swapped.attempt_id,
            epoch=swapped.epoch,
            prediction_id="p1",
            status="created",
            worker="w1",
            lease_ms=60_000,
            evidence="listed",
        ),
    )
    assert tell(world, swapped, "p9") is ReportOutcome.SECOND
    assert noted(world) == set()
    with world.database.read() as tx:
        assert webhook_reports.reported(tx, ["p9"]) == set()


def test_a_task_of_an_attempt_that_never_left_is_told_and_stays_unknown(world):
    """Only another self of this database can have sent it: `reconcile` gives it to the job that wants it."""
    world.run(1)
    held = world.until(AttemptState.ABANDONED)
    assert tell(world, held) is ReportOutcome.SECOND
    (message,) = world.events(webhook_reports.SECOND_TASK)
    assert "never left" in message
    assert noted(world) == set()


def test_a_report_of_a_prediction_that_another_attempt_holds_is_told_and_leaves_it_there(world):
    world.run(2)
    other = world.until(AttemptState.IN_FLIGHT)
    held = world.until(AttemptState.IN_DOUBT)
    assert tell(world, held, "p1") is ReportOutcome.SECOND
    (message,) = world.events(webhook_reports.SECOND_TASK)
    assert "another attempt holds it" in message
    assert (world.attempt(other).prediction_id, noted(world)) == ("p1", set())


def test_a_token_of_no_attempt_writes_nothing(world):
    world.run(1)
    world.lease()
    for token in ("", "nobody's", "f" * 32):
        assert tell(world, token) is ReportOutcome.STRANGER
    assert (written(world), world.rows(events), noted(world)) == ([], [], set())


def test_reports_are_read_for_attempts_in_doubt_only(world):
    world.run(3)
    doubted, sending = world.until(AttemptState.IN_DOUBT), world.until(AttemptState.SUBMITTING)
    tell(world, doubted, "p8")
    tell(world, sending, "p9")
    with world.database.read() as tx:
        assert webhook_reports.of_doubts(tx) == [(doubted.attempt_id, "p8")]
        assert webhook_reports.reported(tx, ["p7", "p8", "p9"]) == {"p8", "p9"}
        assert webhook_reports.with_report(tx, [doubted.attempt_id, 99]) == {doubted.attempt_id}


def test_a_reported_attempt_is_never_taken_as_absent(world):
    world.run(2)
    told, silent = world.until(AttemptState.IN_DOUBT), world.until(AttemptState.IN_DOUBT)
    tell(world, told)
    absent = [doubts.Absent(held.attempt_id, held.epoch, "the list shows nothing") for held in (told, silent)]
    with world.database.write() as tx:
        assert doubts.abandon(tx, absent) == [False, True]
    assert world.attempts() == {"in_doubt": 1, "abandoned": 1}
    assert world.account() == (0, PRICE, 0)
    world.check_money()


def test_a_prediction_that_was_noted_as_nobodys_is_adopted_all_the_same_once_it_is_reported(world):
    world.run(1)
    held = world.until(AttemptState.IN_DOUBT)
    with world.database.write() as tx:
        predictions.mark_foreign(
            tx=tx, prediction_id="p9", model=None, created_at=None, why="listed by reconcile"
        )
    assert tell(world, held) is ReportOutcome.EVIDENCE
    found = doubts.Found(
        attempt_id=held.attempt_id,
        epoch=held.epoch,
        prediction_id="p9",
        status="completed",
        worker="w2",
        lease_ms=60_000,
        evidence="reported",
    )
    assert world.do(doubts.resolve_as, found) is True


def test_the_same_delivery_on_many_connections_at_once_is_recorded_once(world, open_database):
    world.run(1)
    held = world.until(AttemptState.FAILED)
    token = world.attempt(held).token
    answers = []

    def deliver(database):
        with database.write() as tx:
            answers.extend(webhook_reports.record_report(tx, [Delivery(token, "p9", "completed")]))

    threads = [threading.Thread(target=deliver, args=(open_database(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [
        ReportOutcome.KNOWN,
        ReportOutcome.KNOWN,
        ReportOutcome.KNOWN,
        ReportOutcome.SECOND,
    ]
    assert len(written(world)) == len(world.events(webhook_reports.SECOND_TASK)) == 1


def test_a_verdict_of_absence_waits_for_a_report_that_is_being_recorded(world, open_database):
    """Invariant 2: whichever comes first, a job that may have a paid prediction is not sent again
    unnoticed."""
    world.run(1)
    held = world.until(AttemptState.IN_DOUBT)
    token = world.attempt(held).token
    other, answers = open_database(), []

    def abandon():
        with other.write() as tx:
            answers.extend(doubts.abandon(tx, [doubts.Absent(held.attempt_id, held.epoch, "nothing listed")]))

    thread = threading.Thread(target=abandon)
    with world.database.write() as tx:
        webhook_reports.record_report(tx, [Delivery(token, "p9", "completed")])
        thread.start()
        thread.join(0.2)  # long enough to get as far as it can
    thread.join()
    assert answers == [False]
    assert world.attempts() == {"in_doubt": 1}
