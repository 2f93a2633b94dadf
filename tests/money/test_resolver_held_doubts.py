"""A doubt that no evidence can end: it is held with its money and its candidates, and left to a person."""

from lost_replies import SETTLE, WEEK
from support.signed import SIGNED
from support.world import PRICE

from orchestrator.actions.operator import resolve_doubt
from orchestrator.store.attempts.lifecycle import AMBIGUOUS
from orchestrator.store.doubts import possible_tasks
from orchestrator.worker.doubts.resolver import AMBIGUOUS_CHECK_SECONDS


def test_what_cannot_be_told_apart_is_set_aside_with_its_candidates_and_its_money(
    lost_replies, sqlite_world, provider, agreed
):
    sqlite_world.run(2)
    provider.shows_inputs = False
    lost = [lost_replies.lose(created=True) for _ in range(2)]
    lost_replies.look(4, after=SETTLE)
    for claimed, _ in lost:
        assert lost_replies.state(claimed) == ("in_doubt", AMBIGUOUS)
        assert lost_replies.possible(claimed) == {task for _, task in lost}
    assert sqlite_world.account() == (0, 2 * PRICE, 0)
    agreed(sqlite_world)


def test_tasks_of_requests_that_are_on_their_way_send_nobody_to_a_person(
    lost_replies, sqlite_world, provider
):
    sqlite_world.run(3)
    provider.shows_inputs = False
    lost, _ = lost_replies.lose(created=False)
    under_way = [lost_replies.send() for _ in range(2)]
    lost_replies.look(5, after=SETTLE)
    assert lost_replies.state(lost) == ("in_doubt", "reply_lost")
    for claimed, task in under_way:
        lost_replies.answer(claimed, task)
    lost_replies.look(2)
    assert lost_replies.state(lost) == ("abandoned", "absence_proved")


def test_requests_that_are_sent_later_do_not_keep_a_doubt_from_a_person(lost_replies, sqlite_world, provider):
    sqlite_world.run(4)
    provider.shows_inputs = False
    lost = [lost_replies.lose(created=True)[0] for _ in range(2)]
    lost_replies.look(after=SETTLE)
    lost_replies.send()
    lost_replies.look()
    assert {lost_replies.state(each) for each in lost} == {("in_doubt", AMBIGUOUS)}


def test_candidates_are_shown_as_they_are_now(lost_replies, sqlite_world, provider):
    sqlite_world.run(2)
    provider.shows_inputs = False
    provider.latency = 600.0
    claimed, _ = lost_replies.lose(created=True)
    lost_replies.lose(created=True)
    lost_replies.look(2, after=SETTLE)
    lost_replies.look(after=600)
    with sqlite_world.database.read() as tx:
        shown = [row for row in possible_tasks.possible(tx) if row.attempt_id == claimed.attempt_id]
    assert {row.status for row in shown} == {"completed"}
    assert all(row.outputs for row in shown)


def test_a_held_doubt_never_sends_again(harness, sqlite_world, provider):
    sqlite_world.run(2)
    provider.shows_inputs = False
    provider.loses = 2
    harness.run_for(400)
    assert len(provider.posts) == 2
    assert sqlite_world.attempts() == {"in_doubt": 2}
    assert sqlite_world.account() == (0, 2 * PRICE, 0)


def test_a_drain_leaves_a_held_doubt_to_the_operator_and_ends(harness, sqlite_world, provider):
    sqlite_world.run(3)
    provider.shows_inputs = False
    provider.loses = 2
    harness.drain(limit_seconds=3600)
    assert sqlite_world.attempts() == {"in_doubt": 2, "succeeded": 1}


def test_once_an_operator_has_decided_one_the_evidence_decides_the_other(
    lost_replies, sqlite_world, provider
):
    sqlite_world.run(2)
    provider.shows_inputs = False
    (first, task), (second, _) = lost_replies.lose(created=True), lost_replies.lose(created=False)
    lost_replies.look(2, after=SETTLE)
    lost_replies.harness.run(
        resolve_doubt.resolve_as(
            database=sqlite_world.database,
            signed=SIGNED,
            provider=provider,
            attempt_id=first.attempt_id,
            prediction_id=task,
        )
    )
    for _ in range(2):
        lost_replies.look(after=AMBIGUOUS_CHECK_SECONDS)
    assert lost_replies.state(first) == ("in_flight", None)
    assert lost_replies.state(second) == ("abandoned", "absence_proved")


def test_a_doubt_older_than_the_providers_memory_is_left_to_a_person(lost_replies, sqlite_world, provider):
    sqlite_world.run(1)
    claimed, _ = lost_replies.lose(created=False)
    lost_replies.look(4, after=WEEK + 3600)
    assert lost_replies.state(claimed) == ("in_doubt", AMBIGUOUS)
    assert sqlite_world.account() == (0, PRICE, 0)


def test_doubts_in_every_slot_do_not_stop_the_rest_once_whatever_they_created_has_ended(
    harness, sqlite_world, provider, agreed
):
    sqlite_world.run(6)
    harness.change("limits", concurrency=2)
    provider.shows_inputs = False
    provider.loses = 2
    harness.drain(limit_seconds=1800)
    assert sqlite_world.attempts() == {"in_doubt": 2, "succeeded": 4}
    assert provider.most_tasks_at_once() <= 2
    agreed(sqlite_world)
