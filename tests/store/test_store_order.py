"""A person changes the order of waiting jobs: the next claim of any worker heeds it, and caps stay caps."""

import pytest
from support.world import PRICE, spec

from orchestrator.core.states import AttemptState
from orchestrator.store.db.schema import jobs
from orchestrator.store.runs import held_jobs, order, runs
from orchestrator.store.runs.apart import set_apart
from orchestrator.store.runs.jobs import cancel
from orchestrator.store.stops.outlook import outlook
from orchestrator.store.stops.stops import survey


def ids_of(world):
    return [row.id for row in world.rows(jobs)]


def ahead(world, *job_ids):
    with world.database.write() as tx:
        return order.put_ahead(tx, job_ids, order.next_turn(tx))


def held(world, *job_ids):
    with world.database.write() as tx:
        return order.hold(tx, job_ids, "the client decides")


def released(world, *job_ids):
    with world.database.write() as tx:
        return order.release(tx, job_ids)


def claimed(world, want=100, worker="w1", **more):
    return [item.job_id for item in world.claim(want, worker, **more)]


def test_what_was_put_ahead_last_is_claimed_first_by_every_worker_and_the_rest_keeps_its_turns(world):
    world.apply([spec(number, round=1 + number // 3) for number in range(9)])
    ids = ids_of(world)
    ahead(world, ids[4], ids[7])
    ahead(world, ids[8])
    assert claimed(world, 1, "w1") == [ids[8]]
    assert claimed(world, 2, "w2") == [ids[4], ids[7]]
    assert claimed(world) == [ids[at] for at in (0, 1, 2, 3, 5, 6)]


def test_what_is_put_ahead_comes_before_jobs_of_other_prices_and_other_runs_of_its_campaign(world):
    world.run(4, name="first")
    world.run(4, name="second", price=2 * PRICE)
    ids = ids_of(world)
    ahead(world, ids[6])
    assert claimed(world, 1) == [ids[6]]


def test_nothing_that_a_worker_has_or_that_is_over_is_put_ahead(world):
    world.run(3)
    done = world.until(AttemptState.SUCCEEDED)
    under_way = world.until(AttemptState.IN_FLIGHT)
    moved = ahead(world, *ids_of(world))
    assert moved.left == {done.job_id: "succeeded", under_way.job_id: "running"}
    assert len(moved.changed) == 1


def test_a_part_that_somebody_works_on_alone_is_left_to_him(world):
    run = world.run(6)
    ids = ids_of(world)
    ahead(world, ids[5])
    with world.database.write() as tx:
        part = set_apart(tx, [run.id], ids[:2])
    assert order.AHEAD < part.round < 0
    assert ahead(world, *ids[:3]).left == dict.fromkeys(ids[:2], "apart")
    assert claimed(world, only_round=part.round) == ids[:2]
    assert claimed(world, 2) == [ids[2], ids[5]]


def test_caps_hold_for_what_is_put_ahead(world):
    world.run(4)
    world.cap(2 * PRICE)
    ids = ids_of(world)
    ahead(world, ids[3])
    assert claimed(world) == [ids[3], ids[0]]
    world.check_money()


def test_a_held_job_is_claimed_by_nobody_until_it_is_released_and_keeps_its_turn(world):
    run = world.run(3)
    ids = ids_of(world)
    assert held(world, ids[0], ids[1]).changed == ids[:2]
    assert claimed(world) == [ids[2]]
    with world.database.read() as tx:
        (stop,) = survey(tx, "UTC").stops
        assert (stop.scope, stop.key, stop.reason) == ("run", str(run.id), "held")
        assert "2 of its jobs are held: the client decides" in stop.message
    world.clock.advance(3600 * 24)
    assert claimed(world, worker="w2") == []
    assert released(world, *ids).changed == ids[:2]
    assert claimed(world) == ids[:2]


def test_a_drained_worker_does_not_wait_for_held_jobs(world):
    run = world.run(1)
    held(world, *ids_of(world))
    with world.database.read() as tx:
        assert outlook(tx, "UTC", [run.id]).finished


def test_a_job_that_waits_for_its_next_try_is_held_too(world):
    world.run(1)
    (job,) = ids_of(world)
    attempt = world.until(AttemptState.IN_FLIGHT)
    world.fail(attempt, delay_ms=5_000)
    assert held(world, job).changed == [job]
    world.clock.advance(10)
    assert claimed(world) == []
    released(world, job)
    assert claimed(world) == [job]


def test_holding_twice_and_holding_what_runs_changes_nothing(world):
    world.run(2)
    under_way = world.until(AttemptState.IN_FLIGHT).job_id
    waiting = next(job for job in ids_of(world) if job != under_way)
    held(world, waiting)
    again = held(world, waiting, under_way)
    assert (again.changed, again.left) == ([], {waiting: "held", under_way: "running"})


def test_neither_release_lets_go_of_what_the_other_holds(world):
    world.run(2)
    mine, unknown = ids_of(world)
    with world.database.write() as tx:
        held_jobs.hold(tx, {unknown: "task-1"})
    held(world, mine, unknown)
    with world.database.write() as tx:
        assert held_jobs.release(tx) == 1
    assert claimed(world) == [unknown]
    with world.database.write() as tx:
        held_jobs.hold(tx, {mine: "task-2"})  # it waits already
    assert released(world, mine, unknown).changed == [mine]


def test_a_held_job_can_be_cancelled(world):
    world.run(1)
    held(world, *ids_of(world))
    with world.database.write() as tx:
        assert cancel(tx, ids_of(world)).now == ids_of(world)
    assert released(world, *ids_of(world)).changed == []


@pytest.mark.parametrize("again", [False, True])
def test_a_person_s_priority_of_a_run_counts_also_after_its_manifest_is_applied_again(world, again):
    world.run(2, campaign="first", priority=5)
    late = world.run(2, campaign="late", priority=1)
    with world.database.write() as tx:
        assert order.highest_priority(tx, late.id) == 5
        order.prioritise_run(tx, late.id, 6)
    if again:
        world.run(4, campaign="late", priority=1)
    assert {item.run_id for item in world.claim(2)} == {late.id}
    with world.database.write() as tx:
        order.prioritise_run(tx, late.id, None)
        assert order.priority_of(tx, late.id) == 1
        assert runs.run_by_id(tx, late.id).priority == 1
    assert late.id not in {item.run_id for item in world.claim(2)}


def test_runs_that_a_higher_priority_precedes_are_named(world):
    world.run(1, campaign="first", priority=5)
    world.run(1, campaign="late", priority=1)
    with world.database.read() as tx:
        assert order.preceded(tx, ids_of(world)) == ["late/hero/main"]
