"""The database in trouble: an accepted id survives it, and nothing is sent without a durable intent."""

import pytest
from support.world import PRICE

from orchestrator.core.errors import DatabaseError
from orchestrator.store.db.schema import attempts


def test_the_intent_is_durable_before_the_post_leaves(harness, world):
    world.run(1)
    seen = []
    normal = harness.provider.submit

    async def look(model, inputs, **more):
        seen.extend(world.rows(attempts))
        return await normal(model, inputs, **more)

    harness.provider.submit = look
    harness.drain()
    assert [(row.state, row.prediction_id, row.reservation) for row in seen] == [("submitting", None, "held")]


def test_the_prediction_id_is_durable_before_anything_else_happens_to_it(harness, world):
    world.run(1)
    seen = []
    normal = harness.provider.result

    async def look(prediction_id):
        seen.append(world.rows(attempts)[0].prediction_id == prediction_id)
        return await normal(prediction_id)

    harness.provider.result = look
    harness.drain()
    assert set(seen) == {True}


def test_an_accepted_id_survives_trouble_with_the_database(harness, world):
    world.run(1)
    harness.writer.failures["accept"] = 5
    harness.drain()
    assert len(harness.provider.posts) == 1
    assert (world.jobs(), world.rows(attempts)[0].prediction_id) == ({"succeeded": 1}, "task1")


@pytest.mark.parametrize("operation", ["accept", "complete", "finish"])
def test_a_commit_whose_answer_was_lost_is_repeated_without_harm(harness, world, operation):
    world.run(1)
    harness.writer.lost_commits[operation] = 1
    harness.drain()
    harness.drain()
    assert (world.jobs(), len(harness.provider.posts)) == ({"succeeded": 1}, 1)
    assert world.account() == (PRICE, 0, 0)


def test_trouble_before_the_post_sends_nothing(harness, world):
    world.run(1)
    harness.writer.failures["begin_submit"] = 1_000
    with pytest.raises(DatabaseError):
        harness.drain()
    assert harness.provider.posts == []
    assert harness.writer.calls.count("begin_submit") > 3
    harness.writer.failures.clear()
    harness.drain()
    assert (world.jobs(), len(harness.provider.posts)) == ({"succeeded": 1}, 1)
