"""A lost reply whose webhook arrives is adopted at once; a webhook that does not arrive proves nothing."""

import pytest
from lost_replies import SETTLE, WEBHOOK_URL, tell
from support.signed import SIGNED
from support.world import PRICE

from orchestrator.actions.operator import resolve_doubt
from orchestrator.core.errors import UsageError
from orchestrator.ports import Lost
from orchestrator.store.attempts.lifecycle import AMBIGUOUS
from orchestrator.store.doubts.webhook_reports import ReportOutcome


@pytest.fixture
def provider(provider):
    provider.shows_inputs = False  # so that the list alone cannot tell two lost replies apart
    return provider


@pytest.fixture
def office(lost_replies, harness):
    """An office where webhooks are configured."""
    harness.change("webhook", url=WEBHOOK_URL)
    lost_replies.restart()
    return lost_replies


def test_a_reported_task_is_adopted_at_the_next_look_without_the_settle_delay_or_the_list(
    office, sqlite_world, provider, agreed
):
    sqlite_world.run(1)
    claimed, task = office.lose(created=True)
    provider.list_answer = Lost("502")
    assert tell(sqlite_world, claimed, task) is ReportOutcome.EVIDENCE
    (adopted,) = office.look()
    assert (adopted.attempt_id, adopted.prediction_id) == (claimed.attempt_id, task)
    assert sqlite_world.account() == (0, PRICE, 0)
    agreed(sqlite_world)


def test_a_worker_that_dies_before_it_adopts_what_it_heard_leaves_it_to_the_next(
    office, harness, sqlite_world, provider
):
    class PowerCut(BaseException):
        pass

    def die(point):
        if point == "resolve.confirmed":
            raise PowerCut

    sqlite_world.run(1)
    claimed, task = office.lose(created=True)
    tell(sqlite_world, claimed, task)
    harness.crashpoint = die
    office.restart()
    with pytest.raises(PowerCut):
        office.look()
    assert office.state(claimed) == ("in_doubt", "reply_lost")
    harness.crashpoint = lambda _point: None
    office.restart("w3")
    (adopted,) = office.look()
    assert adopted.prediction_id == task
    assert sqlite_world.account() == (0, PRICE, 0)


def test_many_lost_replies_at_once_each_find_their_own_task(office, sqlite_world):
    sqlite_world.run(5)
    lost = [office.lose(created=True) for _ in range(5)]
    for claimed, task in reversed(lost):
        tell(sqlite_world, claimed, task)
    assert {(row.attempt_id, row.prediction_id) for row in office.look()} == {
        (claimed.attempt_id, task) for claimed, task in lost
    }


def test_a_report_that_came_before_the_reply_was_lost_counts(office, sqlite_world, provider):
    sqlite_world.run(1)
    claimed = sqlite_world.claim(1)[0]
    sqlite_world.send(claimed)
    task = provider.create(claimed.params).id
    assert tell(sqlite_world, claimed, task) is ReportOutcome.EVIDENCE
    assert office.look() == []
    sqlite_world.doubt(claimed)
    (adopted,) = office.look()
    assert adopted.prediction_id == task


def test_a_reported_task_is_never_adopted_by_another_doubt(office, sqlite_world, provider):
    """The list alone would give the only visible task to the only settled doubt, which created nothing."""
    sqlite_world.run(2)
    sending = sqlite_world.claim(1)[0]
    sqlite_world.send(sending)
    task = provider.create(sending.params).id
    tell(sqlite_world, sending, task)
    empty, _ = office.lose(created=False)
    for _ in range(2):
        office.look(after=SETTLE)
    assert office.state(empty)[0] == "abandoned"
    assert sqlite_world.accept(sending, task) == sending.epoch


def test_of_two_doubts_the_reported_one_is_adopted_and_the_list_decides_the_other(
    office, sqlite_world, provider, agreed
):
    sqlite_world.run(2)
    (told, task), (silent, _) = office.lose(created=True), office.lose(created=False)
    tell(sqlite_world, told, task)
    for _ in range(2):
        office.look(after=SETTLE)
    assert office.state(told) == ("in_flight", None)
    assert office.state(silent) == ("abandoned", "absence_proved")
    agreed(sqlite_world)


def test_a_report_that_the_provider_does_not_confirm_is_not_adopted_and_not_absent(
    office, sqlite_world, provider
):
    sqlite_world.run(1)
    claimed, _ = office.lose(created=False)
    tell(sqlite_world, claimed, "nosuch")
    office.look(2)
    assert office.state(claimed) == ("in_doubt", "reply_lost")
    office.look(4, after=SETTLE)
    assert office.state(claimed) == ("in_doubt", AMBIGUOUS)
    assert office.possible(claimed) == {"nosuch"}
    assert sqlite_world.account() == (0, PRICE, 0)


def test_a_report_is_adopted_as_soon_as_the_provider_answers_again(office, sqlite_world, provider):
    sqlite_world.run(1)
    claimed, task = office.lose(created=True)
    tell(sqlite_world, claimed, task)
    provider.next_looks.extend([Lost("502"), Lost("502")])
    assert office.look(2) == []
    (adopted,) = office.look()
    assert adopted.prediction_id == task


def test_a_report_of_another_models_task_is_left_to_a_person(office, sqlite_world, provider):
    sqlite_world.run(1)
    claimed, _ = office.lose(created=False)
    tell(sqlite_world, claimed, provider.strange(model="other/model"))
    office.look(3, after=SETTLE)
    assert office.state(claimed) == ("in_doubt", AMBIGUOUS)


def test_two_reports_for_one_attempt_are_left_to_a_person(office, sqlite_world, provider):
    sqlite_world.run(1)
    claimed, task = office.lose(created=True)
    second = provider.strange()
    tell(sqlite_world, claimed, task)
    tell(sqlite_world, claimed, second)
    office.look(3, after=SETTLE)
    assert office.state(claimed) == ("in_doubt", AMBIGUOUS)
    assert office.possible(claimed) == {task, second}


def test_a_missing_webhook_is_no_evidence_of_absence(office, sqlite_world, provider):
    sqlite_world.run(1)
    claimed, _ = office.lose(created=True)
    provider.list_answer = Lost("502")
    office.look(5, after=3600)
    assert office.state(claimed) == ("in_doubt", "reply_lost")
    provider.list_answer = None
    (adopted,) = office.look(after=60)
    assert adopted.attempt_id == claimed.attempt_id


def test_a_person_is_asked_only_when_the_webhook_has_had_its_time(office, sqlite_world, harness):
    sqlite_world.run(2)
    lost = [office.lose(created=True) for _ in range(2)]
    office.look(2, after=SETTLE)
    assert [office.state(claimed) for claimed, _ in lost] == [("in_doubt", "reply_lost")] * 2
    office.look(after=harness.settings.webhook.wait_seconds)
    assert [office.state(claimed) for claimed, _ in lost] == [("in_doubt", AMBIGUOUS)] * 2
    for claimed, task in lost:
        tell(sqlite_world, claimed, task)
    assert len(office.look()) == 2


def test_hearing_often_does_not_read_the_list_more_often(office, sqlite_world, provider):
    sqlite_world.run(1)
    office.lose(created=False)
    office.look()
    provider.windows.clear()
    for _ in range(5):
        sqlite_world.clock.advance(2.0)
        office.tick()
    assert provider.windows == []
    office.look(after=15.0)
    assert len(provider.windows) == 1


def test_a_new_doubt_is_looked_at_at_once_unless_the_list_was_read_a_moment_ago(
    office, sqlite_world, provider
):
    sqlite_world.run(3)
    office.lose(created=False)
    office.tick()
    first = len(provider.windows)
    office.lose(created=False)
    office.tick()
    assert len(provider.windows) == first == 1
    sqlite_world.clock.advance(15.0)
    office.lose(created=False)
    office.tick()
    assert len(provider.windows) > first


def test_the_token_decides_even_when_the_list_would_have_guessed_otherwise(office, sqlite_world, provider):
    sqlite_world.run(2)
    (first, task), (second, other) = office.lose(created=True), office.lose(created=True)
    tell(sqlite_world, first, other)
    tell(sqlite_world, second, task)
    office.look()
    assert sqlite_world.attempt(first).prediction_id == other
    assert sqlite_world.attempt(second).prediction_id == task


def test_an_operator_cannot_call_absent_what_a_webhook_reported(office, sqlite_world):
    sqlite_world.run(1)
    claimed, task = office.lose(created=True)
    tell(sqlite_world, claimed, task)
    with pytest.raises(UsageError, match=f"created {task}"):
        resolve_doubt.absent(sqlite_world.database, SIGNED, claimed.attempt_id)
    assert office.state(claimed)[0] == "in_doubt"
    resolve_doubt.write_off(sqlite_world.database, SIGNED, claimed.attempt_id)
    assert office.look() == []
