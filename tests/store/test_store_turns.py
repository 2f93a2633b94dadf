"""Products take turns under a cap, however prices, lanes and claims cut the work up."""

from collections import Counter
from random import Random

import pytest
from support.world import PRICE, spec

from orchestrator.core.specs import JobSpec
from orchestrator.store.db.schema import Scope, jobs, runs

SEEDS = range(6)


def turns(rng: Random, *, fair: bool = True, prices: tuple[int, ...] = (PRICE,)) -> list[JobSpec]:
    """Products with as many jobs each as chance has it; without `fair`, combinations take turns and not
    products, as they did once.
    """
    found = []
    for product in range(rng.randint(2, 6)):
        scenes, variations = rng.randint(1, 4), rng.randint(1, 2)
        for scene in range(scenes):
            for variation in range(1, variations + 1):
                number = len(found)
                turn = (variation - 1) * scenes + scene + 1 if fair else variation
                found.append(
                    spec(
                        number,
                        variation=variation,
                        price=rng.choice(prices),
                        axes=(("product", f"p{product}"), ("scene", f"s{scene}")),
                        round=turn,
                    )
                )
    return found


def uneven(specs: list[JobSpec], taken: list[int]) -> str:
    """How far the products were apart at the worst moment at which jobs of both waited; empty when never by
    more than one.
    """
    product = {item.ordinal: item.axes[0][1] for item in specs}
    waiting = Counter(product.values())
    served: Counter[str] = Counter()
    for ordinal in taken:
        served[product[ordinal]] += 1
        waiting[product[ordinal]] -= 1
        counts = {name: served[name] for name in waiting if waiting[name] > 0}
        if counts and max(counts.values()) - min(counts.values()) > 1:
            return f"after {served.total()} claims: {counts}"
    return ""


def take(world, specs, rng, cap):
    """Ordinals in the order in which they are claimed, by claims of any size, until the cap stops them."""
    world.apply(specs)
    world.cap(cap, Scope.RUN, world.rows(runs)[0].id)
    by_id = {row.id: row.ordinal for row in world.rows(jobs)}
    found = []
    while claimed := world.claim(rng.randint(1, 5)):
        found += [by_id[item.job_id] for item in claimed]
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_products_are_never_more_than_one_first_try_apart_while_jobs_of_both_wait(world, seed):
    rng = Random(seed)
    specs = turns(rng)
    taken = take(world, specs, rng, cap=rng.randint(1, len(specs)) * PRICE)
    assert taken
    assert not uneven(specs, taken)


@pytest.mark.parametrize("seed", SEEDS)
def test_lanes_of_several_prices_share_the_turns_while_all_of_them_fit(world, seed):
    rng = Random(seed)
    specs = turns(rng, prices=(PRICE, 2 * PRICE))
    taken = take(world, specs, rng, cap=2 * PRICE * len(specs))
    assert len(taken) == len(specs)
    assert not uneven(specs, taken)


def test_turns_by_variation_alone_would_be_noticed(world):
    rng = Random(1)
    specs = turns(rng, fair=False)
    assert uneven(specs, take(world, specs, rng, cap=PRICE * len(specs)))


def test_every_product_has_a_picture_before_any_has_two(world):
    specs = turns(Random(3))
    products = {item.axes[0][1] for item in specs}
    taken = take(world, specs, Random(3), cap=PRICE * len(products))
    assert sorted(specs[ordinal].axes[0][1] for ordinal in taken) == sorted(products)
