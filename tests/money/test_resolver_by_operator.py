"""A doubt that a person ends."""

import pytest
from lost_replies import SETTLE
from support.signed import SIGNED
from support.world import PRICE

from orchestrator.actions.operator import resolve_doubt
from orchestrator.core.errors import NotFoundError, UsageError
from orchestrator.store.db.schema import jobs


def operator(lost_replies, sqlite_world, provider):
    sqlite_world.run(1)
    return lost_replies.lose(created=True)


def test_adopting_takes_the_task_and_pays_once(lost_replies, sqlite_world, provider, harness, agreed):
    claimed, task = operator(lost_replies, sqlite_world, provider)
    harness.run(
        resolve_doubt.resolve_as(
            database=sqlite_world.database,
            signed=SIGNED,
            provider=provider,
            attempt_id=claimed.attempt_id,
            prediction_id=task,
        )
    )
    harness.drain()
    assert (provider.posts, sqlite_world.jobs()) == ([], {"succeeded": 1})
    assert sqlite_world.account() == (PRICE, 0, 0)
    agreed(sqlite_world)


def test_absence_frees_the_money_and_costs_no_try(lost_replies, sqlite_world, provider):
    claimed, _ = operator(lost_replies, sqlite_world, provider)
    resolve_doubt.absent(sqlite_world.database, SIGNED, claimed.attempt_id)
    job = sqlite_world.job(claimed)
    assert (job.state, job.tries_left, sqlite_world.account()) == ("pending", 3, (0, 0, 0))


def test_writing_off_counts_the_money_as_spent_and_fails_the_job(
    lost_replies, sqlite_world, provider, agreed
):
    claimed, _ = operator(lost_replies, sqlite_world, provider)
    resolve_doubt.write_off(sqlite_world.database, SIGNED, claimed.attempt_id)
    assert sqlite_world.job(claimed).state == "failed"
    assert sqlite_world.account() == (PRICE, 0, 0)
    agreed(sqlite_world)


@pytest.mark.parametrize("decide", [resolve_doubt.absent, resolve_doubt.write_off])
def test_a_decision_counts_once(lost_replies, sqlite_world, provider, decide):
    claimed, task = operator(lost_replies, sqlite_world, provider)
    decide(sqlite_world.database, SIGNED, claimed.attempt_id)
    before = sqlite_world.everything()
    for again in (resolve_doubt.absent, resolve_doubt.write_off):
        with pytest.raises(UsageError, match="not in doubt"):
            again(sqlite_world.database, SIGNED, claimed.attempt_id)
    with pytest.raises(UsageError, match="not in doubt"):
        lost_replies.harness.run(
            resolve_doubt.resolve_as(
                database=sqlite_world.database,
                signed=SIGNED,
                provider=provider,
                attempt_id=claimed.attempt_id,
                prediction_id=task,
            )
        )
    assert sqlite_world.everything() == before


def test_a_task_that_another_attempt_holds_cannot_be_adopted(lost_replies, sqlite_world, provider):
    sqlite_world.run(2)
    (first, task), (second, _) = lost_replies.lose(created=True), lost_replies.lose(created=False)
    lost_replies.harness.run(
        resolve_doubt.resolve_as(
            database=sqlite_world.database,
            signed=SIGNED,
            provider=provider,
            attempt_id=first.attempt_id,
            prediction_id=task,
        )
    )
    with pytest.raises(UsageError, match="another attempt holds"):
        lost_replies.harness.run(
            resolve_doubt.resolve_as(
                database=sqlite_world.database,
                signed=SIGNED,
                provider=provider,
                attempt_id=second.attempt_id,
                prediction_id=task,
            )
        )
    assert lost_replies.state(second) == ("in_doubt", "reply_lost")


@pytest.mark.parametrize("which", ["unknown", "other model"])
def test_only_a_task_of_the_model_that_the_provider_knows_can_be_adopted(
    lost_replies, sqlite_world, provider, which
):
    claimed, _ = operator(lost_replies, sqlite_world, provider)
    name = provider.strange(model="other/model") if which == "other model" else "nosuch"
    with pytest.raises(UsageError):
        lost_replies.harness.run(
            resolve_doubt.resolve_as(
                database=sqlite_world.database,
                signed=SIGNED,
                provider=provider,
                attempt_id=claimed.attempt_id,
                prediction_id=name,
            )
        )
    assert lost_replies.state(claimed) == ("in_doubt", "reply_lost")


def test_an_attempt_that_is_not_there_is_named(sqlite_world):
    with pytest.raises(NotFoundError, match="no attempt 99"):
        resolve_doubt.write_off(sqlite_world.database, SIGNED, 99)


def test_a_cancelled_job_in_doubt_ends_cancelled_and_its_money_is_free(lost_replies, sqlite_world):
    from sqlalchemy import update

    sqlite_world.run(1)
    claimed, _ = lost_replies.lose(created=False)
    with sqlite_world.database.write() as tx:
        tx.conn.execute(update(jobs).values(cancel_requested=True))
    lost_replies.look(2, after=SETTLE)
    assert sqlite_world.job(claimed).state == "cancelled"
    assert sqlite_world.account() == (0, 0, 0)


def test_the_proof_of_each_ended_doubt_is_in_the_history(lost_replies, sqlite_world):
    sqlite_world.run(2)
    (_, task), _ = lost_replies.lose(created=True), lost_replies.lose(created=False)
    lost_replies.look(2, after=SETTLE)
    first, second = sqlite_world.events("doubt_ended")
    assert task in first
    assert "shows no task" in second
