"""Pictures of other run keys that share the clean names of a run's pictures are tries of the same cells."""

import pytest
from support.world import spec

from orchestrator.core.states import AttemptState
from orchestrator.pages.matrix import build
from orchestrator.pages.reasons import Reasons
from orchestrator.store.db.schema import jobs, runs
from orchestrator.store.views.jobs import products
from orchestrator.store.views.jobs.cell_mates import MOST, with_mates


@pytest.fixture
def night(world):
    def made(key, *scenes, path="{scene}.png", **run):
        specs = [
            spec(
                number,
                prefix=f"{key} {run}",
                axes=(("sku", "MUG"), ("scene", scene)),
                output_paths=(path.format(scene=scene, key=key),),
            )
            for number, scene in enumerate(scenes)
        ]
        world.apply(specs, run_key=key, **run)
        return next(row.id for row in world.rows(runs) if row.run_key == key)

    return made


def stacks(world, run_id, product="MUG"):
    with world.database.read() as tx:
        matrix = build(with_mates(tx, products.of_products(tx, run_id, [product])), Reasons())
    return [[each.id for each in cell.tries] for cell in matrix.rows[0].cells]


def test_the_nights_of_one_clean_name_are_one_stack_whose_first_is_the_runs_own(world, night):
    first, second = night("n1", "beach", "alps"), night("n2", "beach", "alps")
    assert stacks(world, first) == [[1, 3], [2, 4]]
    assert stacks(world, second) == [[3, 1], [4, 2]]


def test_a_run_that_names_its_key_in_its_paths_stands_alone(world, night):
    first = night("n1", "beach", path="{key}/{scene}.png")
    night("n2", "beach", path="{key}/{scene}.png")
    assert stacks(world, first) == [[1]]


def test_a_try_says_its_run_and_of_an_accepted_one_the_cell_does(world, night):
    first, _ = night("n1", "beach"), night("n2", "beach")
    while any(row.state == "pending" for row in world.rows(jobs)):
        world.until(AttemptState.SUCCEEDED)
    with world.database.write() as tx:
        tx.conn.execute(jobs.update().where(jobs.c.id == 2).values(verdict="accepted"))
    with world.database.read() as tx:
        matrix = build(with_mates(tx, products.of_products(tx, first, ["MUG"])), Reasons())
    (cell,) = matrix.rows[0].cells
    assert (cell.choice.id, cell.accepted_elsewhere.id) == (1, 2)
    assert [each.row.elsewhere for each in cell.tries] == ["", "spring/hero/n2"]


def test_of_hundreds_of_nights_the_newest_are_shown(world, night):
    keys = [f"n{number}" for number in range(MOST + 4)]
    found = [night(key, "beach") for key in keys]
    (stack,) = stacks(world, found[0])
    assert stack == [1, *range(len(keys), len(keys) - MOST - 1, -1)]
