"""While the gate of a run is closed, only its canary is claimed: by any number of workers, whatever else
happens to its jobs.
"""

import pytest
from support.world import PRICE, run_spec, spec

from orchestrator.core.gates import CanaryRules
from orchestrator.core.states import AttemptState
from orchestrator.store.account import pauses
from orchestrator.store.db.schema import events, jobs
from orchestrator.store.runs import adding, campaigns, gates, order, runs
from orchestrator.store.runs.apart import set_apart
from orchestrator.store.stops.outlook import outlook
from orchestrator.store.stops.stops import survey
from orchestrator.worker.upkeep.gates import tend

KEPT = {"canary": {"jobs": 2, "approve": "person"}}


def gated(world, number=6, *, canary=(0, 1), settings=None, price=PRICE, dear=()):
    """A run of so many jobs with those in its canary; those that are dear cost twice as much."""
    specs = [spec(at, price=2 * price if at in dear else price) for at in range(number)]
    with world.database.write() as tx:
        run = runs.ensure_run(tx, run_spec(settings=settings or KEPT))
        gates.close_new(tx, run.id)
        adding.add_jobs(tx, run, specs)
        gates.mark(tx, run.id, [specs[at].key for at in canary])
    return run


def ids_of(world):
    return [row.id for row in world.rows(jobs)]


def claimed(world, want=100, worker="w1", **more):
    return [item.job_id for item in world.claim(want, worker, **more)]


def tended(world):
    return world.do(tend, None)


def approved(world, run, words="approved by ada"):
    with world.database.write() as tx:
        return gates.open_gate(tx, run.id, words)


def waits(world):
    with world.database.read() as tx:
        return {pause.name: pause.message for pause in pauses.in_force(tx) if pause.reason == "canary"}


def make(world, number):
    for _ in range(number):
        world.until(AttemptState.SUCCEEDED)


def test_nobody_claims_beyond_the_canary_until_it_is_approved(world):
    run = gated(world)
    assert claimed(world, 1, "w1") + claimed(world, 100, "w2") == ids_of(world)[:2]
    assert claimed(world, worker="w3") == []
    assert approved(world, run)
    assert claimed(world) == ids_of(world)[2:]
    world.check_money()


def test_neither_what_is_put_ahead_nor_a_part_gets_past_the_gate(world):
    run = gated(world)
    ids = ids_of(world)
    with world.database.write() as tx:
        order.put_ahead(tx, [ids[5]], order.next_turn(tx))
        part = set_apart(tx, [run.id], ids[3:5])
    assert claimed(world, only_round=part.round) == ids[:2]
    assert claimed(world, only_round=part.round) == claimed(world) == []


def test_who_works_on_a_part_makes_the_canary_and_ends_when_it_waits(world):
    run = gated(world)
    with world.database.write() as tx:
        part = set_apart(tx, [run.id], ids_of(world)[3:5])

    def over():
        with world.database.read() as tx:
            return outlook(tx, "UTC", [run.id], only_round=part.round).finished

    assert not over()
    make(world, 2)
    assert not over()  # until it is decided
    tended(world)
    assert over()
    assert approved(world, run)
    assert claimed(world, only_round=part.round) == ids_of(world)[3:5]


def test_a_canary_that_is_made_waits_for_a_person_and_says_so(world):
    run = gated(world)
    make(world, 1)
    assert tended(world) == 0
    make(world, 1)
    assert tended(world) == 1
    assert tended(world) == 0
    assert "2 made, 0 failed" in waits(world)[str(run.id)]
    with world.database.read() as tx:
        (stop,) = survey(tx, "UTC").stops
        assert (stop.reason, stop.name, stop.until) == ("canary", "spring/hero/main", None)
        assert outlook(tx, "UTC", [run.id]).finished
    with world.database.write() as tx:
        assert not campaigns.resume(tx, "spring")  # another decision
    assert waits(world)
    assert approved(world, run)
    assert not approved(world, run)
    assert waits(world) == {}
    assert [row.kind for row in world.rows(events) if row.kind == "approved"] == ["approved"]
    assert tended(world) == 0
    assert claimed(world) == ids_of(world)[2:]


def test_a_failed_canary_job_that_is_retried_ends_the_wait_until_it_is_over(world):
    run = gated(world)
    world.reject(world.until(AttemptState.SUBMITTING))
    make(world, 1)
    tended(world)
    assert "1 made, 1 failed" in waits(world)[str(run.id)]
    with world.database.write() as tx:
        from orchestrator.store.runs.jobs import retry

        retry(tx, ids_of(world)[:1])
    assert tended(world) == 1
    assert waits(world) == {}
    assert claimed(world) == ids_of(world)[:1]


def test_a_held_canary_job_keeps_nobody_waiting(world):
    gated(world)
    with world.database.write() as tx:
        order.hold(tx, ids_of(world)[:1], "odd")
    make(world, 1)
    assert tended(world) == 1
    assert waits(world)


def test_a_canary_that_no_cap_admits_stops_for_money_and_nothing_else_of_its_run_moves(world):
    run = gated(world, canary=(0, 1), dear=(0, 1))
    world.cap(3 * PRICE)
    assert len(claimed(world)) == 1  # a cheap job would fit, and is no canary
    with world.database.read() as tx:
        (stop,) = survey(tx, "UTC").stops
        assert (stop.reason, outlook(tx, "UTC", [run.id]).movable) == ("budget", False)
    assert approved(world, run)  # a person may go on with less
    assert len(claimed(world)) == 1
    world.check_money()


def test_thresholds_approve_by_themselves_and_hand_over_to_a_person_where_they_are_not_met(world):
    auto = {"canary": {"jobs": 2, "approve": "auto", "max_failed": 0.5}}
    gated(world, settings=auto)
    make(world, 2)
    assert tended(world) == 1
    assert claimed(world) == ids_of(world)[2:]


def test_a_run_that_misses_its_thresholds_waits(world):
    auto = {"canary": {"jobs": 2, "approve": "auto", "max_failed": 0.2}}
    run = gated(world, settings=auto)
    world.reject(world.until(AttemptState.SUBMITTING))
    make(world, 1)
    tended(world)
    assert "1 of 2 failed, more than 20%" in waits(world)[str(run.id)]


@pytest.mark.parametrize(("word", "goes"), [("go", True), ("stop", False)])
def test_a_timeout_counts_from_the_moment_it_began_to_wait(world, word, goes):
    rules = {"canary": {"jobs": 2, "approve": "person", "timeout": 60, "on_timeout": word}}
    run = gated(world, settings=rules)
    make(world, 2)
    world.clock.advance(3600)
    tended(world)
    world.clock.advance(59)
    assert tended(world) == 0
    world.clock.advance(1)
    assert claimed(world) == []  # a pause that is past its time opens no gate by itself
    assert tended(world) == 1
    assert bool(waits(world)) is not goes
    assert bool(claimed(world)) is goes
    assert approved(world, run) is not goes


def test_an_approval_stands_for_few_new_jobs_and_not_for_many(world):
    run = gated(world)
    make(world, 2)
    approved(world, run)
    more = [spec(at) for at in range(6, 9)]
    keys = [more[0].key, more[1].key]

    def close(fresh):
        with world.database.write() as tx:
            return gates.close_anew(tx, run.id, CanaryRules(2), keys=keys, fresh=fresh)

    assert not close(2)
    assert close(3)
    with world.database.write() as tx:
        adding.add_jobs(tx, runs.run_by_id(tx, run.id), more)
        gates.mark(tx, run.id, keys)
    assert claimed(world) == ids_of(world)[6:8]
    assert tended(world) == 0
    with world.database.read() as tx:
        assert (
            gates.figures_of(tx, run.id, checked=False).succeeded == 0
        )  # the earlier canary is no part of it


def test_a_keeper_that_looked_before_an_approval_does_not_pause_after_it(world):
    run = gated(world)
    make(world, 2)
    approved(world, run)
    assert tended(world) == 0
    assert waits(world) == {}
