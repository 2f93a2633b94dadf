"""Further tries take turns too: no product is made once more while another waits for its first picture."""

from collections import Counter
from random import Random

import pytest
from support.signed import SIGNED
from support.world import PRICE, spec

from orchestrator.actions.choosing.redo import redo
from orchestrator.core.states import JobState
from orchestrator.store.db.schema import Scope, jobs, runs
from orchestrator.store.runs.apart import set_apart

SEEDS = range(6)


def products(rng):
    """Products with as many scenes and variations each as chance has it."""
    found = []
    for product in range(rng.randint(3, 6)):
        scenes, variations = rng.randint(1, 3), rng.randint(1, 2)
        for scene in range(scenes):
            for variation in range(variations):
                axes = (("product", f"p{product}"), ("scene", f"s{scene}"))
                turn = variation * scenes + scene + 1
                found.append(spec(len(found), variation=variation + 1, axes=axes, round=turn))
    return found


class AskingShop:
    """Claims, and people who ask for other tries between them."""

    def __init__(self, world, rng, specs):
        self.world, self.rng = world, rng
        self.products = {item.ordinal: item.axes[0][1] for item in specs}
        self.uneven = []

    def served(self):
        """How many jobs of each product have a picture or are under way, and which products wait for a first
        one: nothing was tried of them, or what failed is to be made once more.
        """
        has, tried, again, waits = Counter(), set(), set(), set()
        for row in self.world.rows(jobs):
            product = self.products[row.ordinal]
            has[product] += row.state in {JobState.SUCCEEDED, JobState.RUNNING}
            (waits if row.state == JobState.PENDING else tried).add(product)
            if row.state == JobState.PENDING and row.redo_of:
                again.add(product)
        return has, {name for name in waits if not has[name] and (name not in tried or name in again)}

    def work(self):
        """Claim one job and end it; whether there was one."""
        has, waits = self.served()
        claimed = self.world.claim(1)
        for held in claimed:
            job = self.world.job(held.job_id)
            product = self.products[job.ordinal]
            if job.redo_of and has[product] and waits:
                self.uneven.append((job.id, product, has, waits))
            self.world.send(held)
            self.world.accept(held)
            if self.rng.random() < 0.3:
                self.world.fail(held, delay_ms=None)
            else:
                self.world.complete(held)
                self.world.finish(held)
        return bool(claimed)

    def ask(self):
        """Another try of what has ended, of one or two at a time."""
        ended = [row.id for row in self.world.rows(jobs) if row.state in {"succeeded", "failed"}]
        if ended:
            some = self.rng.sample(ended, k=min(len(ended), self.rng.randint(1, 2)))
            redo(self.world.database, some, signed=SIGNED, changes={"prompt": "Another"})


@pytest.mark.parametrize("seed", SEEDS)
def test_no_product_is_made_once_more_while_another_waits_for_its_first_picture(sqlite_world, seed):
    world = sqlite_world
    rng = Random(seed)
    specs = products(rng)
    world.apply(specs)
    run_id = world.rows(runs)[0].id
    world.cap(2 * len(specs) * PRICE, Scope.RUN, run_id)
    shop = AskingShop(world, rng, specs)
    firsts = {name: number for number, name in reversed([(n, s.axes[0][1]) for n, s in enumerate(specs)])}
    ids = {row.ordinal: row.id for row in world.rows(jobs)}
    with world.database.write() as tx:  # a sample: ahead of everybody, and of other products than the rest
        set_apart(tx, [run_id], [ids[number] for number in rng.sample(sorted(firsts.values()), k=2)])
    asked = 0
    while shop.work():
        if asked < len(specs) and rng.random() < 0.6:
            shop.ask()
            asked += 1
    assert asked
    assert not shop.uneven


@pytest.fixture
def rounds_of(world):
    def made(*ids):
        tries = redo(world.database, ids, signed=SIGNED, changes={"prompt": "Another"}).tries
        return [world.job(item.job_id).round for item in tries]

    return made


def ended(world, *fails):
    """Work on everything, in order; jobs whose number is in `fails` end without a picture."""
    while claimed := world.claim(1):
        world.send(claimed[0])
        world.accept(claimed[0])
        if claimed[0].job_id in fails:
            world.fail(claimed[0], delay_ms=None)
        else:
            world.complete(claimed[0])
            world.finish(claimed[0])


def of(product, number, turn):
    return spec(number, axes=(("product", product), ("scene", f"s{number}")), round=turn)


def test_a_try_of_a_picture_comes_a_round_after_it_and_never_with_the_first_ones(world, rounds_of):
    world.apply([of("a", 0, 1), of("a", 1, 2), of("a", 2, 3)])
    with world.database.write() as tx:
        set_apart(tx, [1], [1])
    ended(world)
    assert world.job(1).round < 0
    assert rounds_of(1, 2, 3) == [2, 3, 4]


def test_a_try_of_a_failed_job_is_a_first_picture_once_where_its_product_has_none(world, rounds_of):
    world.apply([of("a", 0, 1), of("a", 1, 2), of("b", 2, 1), of("b", 3, 2)])
    ended(world, 1, 2, 3)
    assert rounds_of(1, 2) == [1, 2], "the first is on its way then"
    assert rounds_of(3) == [2], "the product has its second picture"


def test_where_another_axis_takes_turns_a_failed_job_leaves_its_place_to_its_try(world, rounds_of):
    world.apply([of("a", 0, 1), of("a", 1, 2), of("a", 2, 1)], settings={"cover": "scene"})
    ended(world, 1, 3)
    assert rounds_of(1, 2, 3) == [1, 3, 1]
