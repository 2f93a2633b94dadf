"""The figures that breakers judge runs by, and that resuming counts them anew, on each kind of database."""

from support.world import run_spec, spec

from orchestrator.actions.choosing import verdicts
from orchestrator.core.breakers import Breakers
from orchestrator.core.states import AttemptState
from orchestrator.core.verdicts import JobVerdict
from orchestrator.store.account import pauses
from orchestrator.store.account.acts import Signature
from orchestrator.store.runs import adding, campaigns, runs
from orchestrator.store.runs.failure_rates import of_open_runs
from orchestrator.worker.upkeep.breakers import trip

DEFAULTS = Breakers(failed=0.5, min_jobs=20)


def watched(world, **breakers):
    with world.database.write() as tx:
        run = runs.ensure_run(tx, run_spec(settings={"breakers": breakers}))
        adding.add_jobs(tx, run, [spec(at, images=2) for at in range(8)])
    return run


def make(world, *, seconds=10.0):
    held = world.until(AttemptState.IN_FLIGHT)
    world.clock.advance(seconds)
    world.complete(held, urls=2)
    world.finish(held, stored=2, expected=2)
    return held.job_id


def judged(world, job_id, word):
    verdicts.give(world.database, [job_id], JobVerdict(word), signed=Signature("ada", "here", word))


def tripped(world):
    world.do(trip, DEFAULTS)
    with world.database.read() as tx:
        return {pause.reason: pause.message for pause in pauses.in_force(tx)}


def test_tasks_that_take_too_long_pause_their_run(world):
    watched(world, p95_seconds=60.0, min_jobs=2)
    make(world, seconds=59)
    make(world, seconds=59)
    assert tripped(world) == {}
    make(world, seconds=61)
    assert "95 % of its last 3 tasks took up to 61.0 s" in tripped(world)["p95_seconds"]
    assert world.claim() == ()


def test_accepted_pictures_that_cost_too_much_pause_their_run_and_unjudged_ones_do_not_count(world):
    watched(world, cost_per_accepted=28_000, min_jobs=2)
    first, second, third = make(world), make(world), make(world)
    assert tripped(world) == {}
    judged(world, first, "accepted")
    judged(world, second, "accepted")
    assert tripped(world) == {}
    judged(world, second, "rejected")
    judged(world, third, "rejected")
    assert "more than $0.028 each" in tripped(world)["cost_per_accepted"]


def test_resuming_a_run_counts_anew(world):
    run = watched(world, failed=0.4, min_jobs=2)
    for _ in range(2):
        world.reject(world.until(AttemptState.SUBMITTING))
    assert set(tripped(world)) == {"failure_rate"}
    world.clock.advance(1)
    with world.database.write() as tx:
        assert campaigns.resume_run(tx, run.id)
        assert not campaigns.resume_run(tx, run.id)
    assert tripped(world) == {}
    with world.database.read() as tx:
        assert of_open_runs(tx, DEFAULTS) == []
    for _ in range(2):
        world.reject(world.until(AttemptState.SUBMITTING))
    assert set(tripped(world)) == {"failure_rate"}


def test_a_run_is_judged_by_its_own_manifest_and_others_by_the_configuration(world):
    run = watched(world, failed=0.0, min_jobs=1)
    other = world.run(3, campaign="other")
    for _ in range(2):
        world.reject(world.until(AttemptState.SUBMITTING))
    found = tripped(world)
    assert set(found) == {"failure_rate"}
    with world.database.read() as tx:
        paused = {pause.name for pause in pauses.in_force(tx)}
    assert paused <= {str(run.id)}
    assert other.id in {item.run_id for item in world.claim()}
