"""Jobs set apart are claimed by themselves; what else waits in their runs goes on waiting."""

import pytest
from support.world import PRICE, spec

from orchestrator.store.db.schema import jobs
from orchestrator.store.runs.apart import set_apart, states_of
from orchestrator.store.stops.outlook import outlook


def apart(world, run, ids):
    with world.database.write() as tx:
        return set_apart(tx, [run.id], ids)


def finished(world, run, only):
    with world.database.read() as tx:
        return outlook(tx, "UTC", [run.id], only_round=only).finished


def ids_of(world):
    return [row.id for row in world.rows(jobs)]


def make(world, held):
    world.send(held)
    world.accept(held)
    world.complete(held)
    world.finish(held)


def test_a_worker_of_a_part_claims_nothing_else_and_ends_when_the_part_is_done(world):
    run = world.run(20)
    chosen = apart(world, run, ids_of(world)[5:9])
    taken = world.claim(100, run_ids=frozenset({run.id}), only_round=chosen.round)
    assert sorted(item.job_id for item in taken) == list(chosen.ids)
    assert world.claim(100, only_round=chosen.round) == ()
    assert not finished(world, run, chosen.round)
    for held in taken:
        make(world, held)
    assert finished(world, run, chosen.round)
    assert not finished(world, run, None)
    with world.database.read() as tx:
        assert states_of(tx, chosen.ids)["succeeded"] == 4
    assert len(world.claim(100)) == 16
    world.check_money()


def test_a_part_is_served_by_every_worker_before_all_others(world):
    run = world.run(20)
    chosen = apart(world, run, ids_of(world)[12:14])
    assert [item.job_id for item in world.claim(2)] == list(chosen.ids)


def test_two_parts_at_once_buy_each_job_once(world):
    run = world.run(6)
    first = apart(world, run, ids_of(world)[:4])
    second = apart(world, run, ids_of(world)[2:])
    assert first.round != second.round
    taken = [item.job_id for only in (first.round, second.round) for item in world.claim(9, only_round=only)]
    assert sorted(taken) == ids_of(world)
    assert finished(world, run, first.round) is False  # its own are under way


@pytest.mark.parametrize("delay_ms", [0, 60_000])
def test_a_job_of_a_part_that_is_tried_again_stays_in_it(world, delay_ms):
    run = world.run(3)
    chosen = apart(world, run, ids_of(world)[1:2])
    (held,) = world.claim(9, only_round=chosen.round)
    world.send(held)
    world.accept(held)
    world.fail(held, delay_ms=delay_ms)
    assert not finished(world, run, chosen.round)
    world.clock.advance(delay_ms / 1000 + 1)
    assert [item.job_id for item in world.claim(9, only_round=chosen.round)] == list(chosen.ids)


def test_lanes_of_several_prices_are_read_for_a_part_too(world):
    world.apply([spec(number, price=PRICE * (1 + number % 3)) for number in range(12)])
    (run_id,) = {row.run_id for row in world.rows(jobs)}
    with world.database.write() as tx:
        chosen = set_apart(tx, [run_id], ids_of(world)[4:8])
    assert sorted(item.job_id for item in world.claim(50, only_round=chosen.round)) == list(chosen.ids)
