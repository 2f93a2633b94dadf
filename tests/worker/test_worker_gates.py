"""Workers make the canary of a run and nothing beyond it, until somebody, or its thresholds, let the rest
run.
"""

import pytest
from support.provider import Ending
from support.world import run_spec, spec

from orchestrator.ports import Status
from orchestrator.store.runs import adding, gates, runs

PERSON = {"canary": {"jobs": 3, "approve": "person"}}
AUTO = {"canary": {"jobs": 3, "approve": "auto", "max_failed": 0.34}}
TIMED = {"canary": {"jobs": 3, "approve": "person", "timeout": 600, "on_timeout": "go"}}


def gated(world, settings, number=12):
    specs = [spec(at) for at in range(number)]
    with world.database.write() as tx:
        run = runs.ensure_run(tx, run_spec(settings=settings, max_attempts=1))
        gates.close_new(tx, run.id)
        adding.add_jobs(tx, run, specs)
        gates.mark(tx, run.id, [specs[at].key for at in (1, 5, 9)])
    return run


def approve(world, run):
    with world.database.write() as tx:
        assert gates.open_gate(tx, run.id, "approved by ada")


def sent(provider):
    return sorted(int(inputs["prompt"].split()[-1]) for _at, inputs in provider.posts)


def test_a_worker_makes_the_canary_ends_and_makes_the_rest_once_it_is_approved(harness, world, provider):
    run = gated(world, PERSON)
    harness.drain()
    assert sent(provider) == [1, 5, 9]
    assert harness.pauses() == {"canary"}
    harness.drain()
    assert len(provider.posts) == 3
    approve(world, run)
    harness.drain()
    assert sent(provider) == list(range(12))
    assert harness.pauses() == set()
    world.check_money()


def test_a_standing_worker_goes_on_when_it_is_approved(harness, world, provider):
    run = gated(world, PERSON)
    seen = []
    harness.run_for(
        600,
        (300, lambda _stop: seen.append(sent(provider))),
        (300, lambda _stop: approve(world, run)),
    )
    assert seen == [[1, 5, 9]]
    assert world.jobs()["succeeded"] == 12


@pytest.mark.parametrize(("bad", "goes"), [(1, True), (2, False)])
def test_thresholds_decide_by_themselves(harness, world, provider, bad, goes):
    gated(world, AUTO)
    provider.next_endings.extend([Ending(Status.FAILED, {"error": "bad", "code": 1401})] * bad)
    harness.drain()
    assert len(provider.posts) == (12 if goes else 3)
    assert harness.pauses() == (set() if goes else {"canary"})


def test_a_run_that_nobody_looks_at_goes_on_after_its_time_where_it_says_so(harness, world, provider):
    gated(world, TIMED)
    harness.drain()
    assert len(provider.posts) == 12
    (third, fourth) = sorted(at for at, _inputs in provider.posts)[2:4]
    assert fourth - third >= 600
