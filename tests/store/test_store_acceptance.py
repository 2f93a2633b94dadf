"""What was accepted, and what an accepted picture cost with everything that was spent on its tries."""

import pytest
from support.signed import SIGNED
from support.world import PRICE, World, spec

from orchestrator.actions.choosing.redo import redo
from orchestrator.actions.choosing.verdicts import give
from orchestrator.core.states import AttemptState
from orchestrator.core.verdicts import JobVerdict
from orchestrator.store.choosing.acceptance import Acceptance, breakdown, by_run
from orchestrator.store.db.schema import runs

ACCEPTED, REJECTED, _ = JobVerdict


@pytest.fixture
def judged(world) -> World:
    """Two scenes of one product, each with a picture; the beach is rejected and made once more."""
    world.apply(
        [
            spec(number, axes=(("product", "MUG"), ("scene", scene)), tags={"client": "acme"})
            for number, scene in enumerate(["beach", "city"])
        ]
    )
    for _ in range(2):
        world.until(AttemptState.SUCCEEDED)
    give(world.database, [1], REJECTED, signed=SIGNED)
    redo(world.database, [1], signed=SIGNED)
    world.until(AttemptState.SUCCEEDED)
    give(world.database, [2, 3], ACCEPTED, signed=SIGNED)
    return world


def sums(*counts):
    """Accepted, rejected, accepted pictures, and how many were paid."""
    *verdicts, paid = counts
    return Acceptance(*verdicts, spent_micros=paid * PRICE)


def run_id(world):
    return world.rows(runs)[0].id


def of_run(world):
    """Of the only run."""
    with world.database.read() as tx:
        found = by_run(tx)
    assert set(found) <= {run_id(world)}
    return found.get(run_id(world))


def test_a_run_counts_verdicts_and_all_that_was_spent_on_it(judged):
    assert of_run(judged) == sums(2, 1, 2, 3)
    assert of_run(judged).picture_micros == 3 * PRICE // 2
    assert of_run(judged).rate == pytest.approx(2 / 3)


def test_a_run_without_verdicts_is_left_out_and_costs_nothing_an_accepted_picture(world):
    world.run(1)
    assert of_run(world) is None
    assert (Acceptance().picture_micros, Acceptance().rate) == (None, None)


def test_a_cell_costs_what_its_rejected_and_failed_tries_cost_too(judged):
    with judged.database.read() as tx:
        found = {(item.kind, item.name, item.value): item.found for item in breakdown(tx, [run_id(judged)])}
    assert found["axis", "scene", "beach"] == sums(1, 1, 1, 2)
    assert found["axis", "scene", "city"] == sums(1, 0, 1, 1)
    assert found["axis", "product", "MUG"] == found["tag", "client", "acme"] == of_run(judged)
    assert found["prompt", "prompt", "hero 0"].picture_micros == 2 * PRICE
    assert len(found) == 3 + 1 + 2


def test_only_the_last_word_counts(judged):
    give(judged.database, [1], ACCEPTED, signed=SIGNED)
    give(judged.database, [2], JobVerdict.NONE, signed=SIGNED)
    assert of_run(judged) == sums(2, 0, 2, 3)


def test_sums_of_several_pictures_are_rounded_to_the_nearest_micro():
    assert Acceptance(accepted=1, accepted_pictures=3, spent_micros=100).picture_micros == 33
    assert Acceptance(accepted=1, accepted_pictures=3, spent_micros=200).picture_micros == 67
