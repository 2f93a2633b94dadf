"""Jobs that wait in a run and are not asked for: found exactly, and only among those that were there at
the first look."""

import pytest
from support.world import PRICE, spec

from orchestrator.core.states import AttemptState
from orchestrator.store.runs import runs, unrequested
from orchestrator.store.runs.unrequested import Requested


def look(world, run, wanted, *, between=lambda: None):
    """The others of a run when `wanted` are asked for; `between` happens after the first look."""
    with world.database.read() as tx:
        asked = Requested(tx, run.id)
        asked.add(runs.existing_ids(tx, run.id, [item.key for item in wanted]).values())
    between()
    with world.database.read() as tx:
        return asked.others(tx)


@pytest.mark.parametrize("page", [1, 2, 3, 1000])
def test_what_waits_and_is_not_asked_for_is_counted_with_its_cost_and_pictures(world, monkeypatch, page):
    monkeypatch.setattr(unrequested, "_PAGE", page)
    monkeypatch.setattr(unrequested, "_WAITING", unrequested._WAITING.limit(page))
    specs = [spec(number, images=2) for number in range(7)]
    world.apply(specs)
    run = world.run(0)
    found = look(world, run, specs[3:5])
    assert (list(found.ids), found.images, found.cost_micros) == ([1, 2, 3, 6, 7], 10, 5 * PRICE)
    assert look(world, run, specs).jobs == 0


def test_jobs_of_other_runs_are_nobodys_others(world):
    world.apply([spec(0)], run_key="monday")
    run = world.run(0, run_key="tuesday")
    assert look(world, run, []).jobs == 0


@pytest.mark.parametrize(
    "state", [AttemptState.LEASED, AttemptState.IN_DOUBT, AttemptState.SUCCEEDED, AttemptState.FAILED]
)
def test_only_what_waits_counts(world, state):
    run = world.run(1)
    world.until(state)
    assert look(world, run, []).jobs == 0


def test_a_job_that_somebody_adds_after_the_first_look_is_not_taken_for_an_other(world):
    world.apply([spec(0)])
    run = world.run(0)
    found = look(world, run, [], between=lambda: world.apply([spec(1)]))
    assert list(found.ids) == [1]


def test_an_asked_job_that_comes_back_to_wait_after_the_first_look_is_no_other(world):
    world.apply([spec(0)])
    run = world.run(0)
    held = world.lease()
    found = look(world, run, [spec(0)], between=lambda: world.give_back(held))
    assert found.jobs == 0
    assert world.jobs() == {"pending": 1}
