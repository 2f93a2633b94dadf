"""Workers that run heed an order that changes meanwhile: what was put ahead is next, what is held is not
made.
"""

from orchestrator.store.db.schema import jobs
from orchestrator.store.runs import order


def ids_of(world):
    return [row.id for row in world.rows(jobs)]


def test_workers_make_what_was_put_ahead_first_and_end_without_what_is_held(harness, world, provider):
    world.run(8)
    ids = ids_of(world)
    harness.change("limits", submits_per_minute=2, concurrency=2)
    with world.database.write() as tx:
        order.put_ahead(tx, [ids[7]], order.next_turn(tx))
        order.hold(tx, [ids[0], ids[1]], "the client decides")
    harness.drain()
    prompts = [sent["prompt"][-1] for _at, sent in provider.posts]
    assert sorted(prompts[:2]) == ["2", "7"]
    assert sorted(prompts) == ["2", "3", "4", "5", "6", "7"]
    assert world.jobs()["pending"] == 2
    with world.database.write() as tx:
        order.release(tx, ids)
    harness.drain()
    assert world.jobs()["succeeded"] == 8
    assert len(provider.posts) == 8
    world.check_money()
