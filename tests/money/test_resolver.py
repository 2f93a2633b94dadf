"""A lost reply ends by evidence or by a person: never by guessing, and never by sending again meanwhile."""

import pytest
from lost_replies import SETTLE
from support.world import PRICE

from orchestrator.ports import KeyRefused, Lost
from orchestrator.store.attempts import predictions
from orchestrator.store.attempts.lifecycle import MarkInDoubt, mark_in_doubt
from orchestrator.store.db.schema import attempts
from orchestrator.store.doubts import doubts


def test_equal_inputs_are_adopted_at_the_first_look(lost_replies, sqlite_world):
    sqlite_world.run(2)
    (one, first), (two, second) = lost_replies.lose(created=True), lost_replies.lose(created=True)
    adopted = lost_replies.look()
    assert {(row.attempt_id, row.prediction_id) for row in adopted} == {
        (one.attempt_id, first),
        (two.attempt_id, second),
    }
    assert sqlite_world.account() == (0, 2 * PRICE, 0)


def test_the_only_possible_task_is_adopted_after_the_settle_delay(lost_replies, sqlite_world, provider):
    sqlite_world.run(1)
    provider.shows_inputs = False
    claimed, task = lost_replies.lose(created=True)
    assert lost_replies.look(3) == []
    (adopted,) = lost_replies.look(after=SETTLE)
    assert (adopted.attempt_id, adopted.prediction_id) == (claimed.attempt_id, task)


def test_absence_needs_the_settle_delay_and_two_looks(lost_replies, sqlite_world, provider):
    sqlite_world.run(1)
    claimed, _ = lost_replies.lose(created=False)
    lost_replies.look(5, after=SETTLE - 62)
    assert lost_replies.state(claimed) == ("in_doubt", "reply_lost")
    lost_replies.look(after=2)
    assert lost_replies.state(claimed) == ("in_doubt", "reply_lost")
    lost_replies.look()
    assert lost_replies.state(claimed) == ("abandoned", "absence_proved")
    job = sqlite_world.job(claimed)
    assert (job.state, job.tries_left, sqlite_world.account()) == ("pending", 3, (0, 0, 0))


@pytest.mark.parametrize("answer", [Lost("502"), KeyRefused("suspended", 403)])
def test_a_list_that_cannot_be_read_proves_nothing(lost_replies, sqlite_world, provider, answer):
    sqlite_world.run(1)
    claimed, _ = lost_replies.lose(created=False)
    provider.list_answer = answer
    lost_replies.look(5, after=SETTLE)
    assert lost_replies.state(claimed) == ("in_doubt", "reply_lost")


def test_a_list_that_is_too_long_to_read_whole_proves_nothing(
    lost_replies, sqlite_world, provider, monkeypatch
):
    monkeypatch.setattr("orchestrator.ports.paging.PAGES_MAX", 2)
    provider.page_size = 1
    sqlite_world.run(1)
    claimed, _ = lost_replies.lose(created=False)
    for number in range(3):
        provider.strange(f"{number}", model="other/model")
    lost_replies.look(5, after=SETTLE)
    assert lost_replies.state(claimed) == ("in_doubt", "reply_lost")


def test_a_page_that_fails_now_and_then_does_not_spoil_the_rest_of_a_long_list(
    lost_replies, sqlite_world, provider, monkeypatch
):
    provider.page_size = 1
    sqlite_world.run(1)
    claimed, _ = lost_replies.lose(created=False)
    for number in range(30):
        provider.strange(f"{number}", model="other/model")
    read, asked = provider.list_predictions, []

    async def flaky(**window):
        asked.append(window["page"])
        return await read(**window) if asked.count(window["page"]) % 2 == 0 else Lost("502")

    monkeypatch.setattr(provider, "list_predictions", flaky)
    lost_replies.look(2, after=SETTLE)
    assert lost_replies.state(claimed) == ("abandoned", "absence_proved")
    assert len(asked) > 60


def test_a_late_own_reply_is_attached_after_a_rescue_set_it_in_doubt(lost_replies, sqlite_world, agreed):
    sqlite_world.run(1)
    claimed, task = lost_replies.lose(created=True)
    assert sqlite_world.accept(claimed, task) == claimed.epoch
    assert lost_replies.state(claimed) == ("in_flight", None)
    lost_replies.look(3, after=SETTLE)
    assert sqlite_world.attempts() == {"in_flight": 1}
    agreed(sqlite_world)


def test_evidence_that_comes_after_absence_was_concluded_is_recorded_and_never_dropped(
    lost_replies, sqlite_world, agreed
):
    sqlite_world.run(1)
    claimed, _ = lost_replies.lose(created=False)
    lost_replies.look(2, after=SETTLE)
    assert sqlite_world.accept(claimed, "late") is None
    assert lost_replies.noted() == {"late"}
    (message,) = sqlite_world.events("late_acceptance")
    assert "late" in message
    assert sqlite_world.accept(claimed, "late") is None
    assert lost_replies.noted() == {"late"}
    agreed(sqlite_world)


def test_a_task_of_ours_that_is_recorded_a_moment_later_is_no_case_for_a_person(
    lost_replies, sqlite_world, provider
):
    sqlite_world.run(2)
    claimed, _ = lost_replies.lose(created=False)
    sqlite_world.clock.advance(SETTLE)
    (other,) = sqlite_world.claim(1)
    sqlite_world.send(other)
    task = provider.create(other.params).id
    lost_replies.look()
    assert lost_replies.state(claimed) == ("in_doubt", "reply_lost")
    sqlite_world.accept(other, task)
    lost_replies.look(2)
    assert lost_replies.state(claimed) == ("abandoned", "absence_proved")


def test_a_task_noted_as_foreign_is_no_candidate(lost_replies, sqlite_world, provider):
    sqlite_world.run(1)
    provider.shows_inputs = False
    claimed, _ = lost_replies.lose(created=False)
    with sqlite_world.database.write() as tx:
        predictions.mark_foreign(
            tx=tx, prediction_id=provider.strange(), model=None, created_at=None, why="somebody else's"
        )
    lost_replies.look(2, after=SETTLE)
    assert lost_replies.state(claimed) == ("abandoned", "absence_proved")


def test_a_doubt_ends_once_on_each_database(world):
    world.run(1)
    held = world.lease()
    world.send(held)
    world.do(_doubt, held)
    found = doubts.Found(
        attempt_id=held.attempt_id,
        epoch=held.epoch,
        prediction_id="p1",
        status="created",
        worker="w2",
        lease_ms=60_000,
        evidence="seen",
    )
    assert world.do(doubts.resolve_as, found) is True
    assert world.do(doubts.resolve_as, found) is False
    assert world.do(doubts.abandon, doubts.Absent(held.attempt_id, held.epoch, "no")) is False
    assert world.rows(attempts)[0].prediction_id == "p1"
    world.check_money()


def _doubt(tx, rows):
    return mark_in_doubt(tx, [MarkInDoubt(row.attempt_id, row.epoch, "reset") for row in rows])
