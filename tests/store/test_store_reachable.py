"""How many waiting jobs the caps let through is what claims then take."""

import pytest
from support.world import PRICE

from orchestrator.core.budget import day_of
from orchestrator.store.claiming.lanes import pending_lanes
from orchestrator.store.db.schema import Scope
from orchestrator.store.stops.reachable import beyond_caps


def beyond(world, pending):
    with world.database.read() as tx:
        return beyond_caps(tx, pending_lanes(tx, day_of(tx.now, "UTC")), pending)


def exhaust(world):
    taken = 0
    while claimed := world.claim(7):
        taken += len(claimed)
    return taken


@pytest.mark.parametrize("fits", [0, 1, 5, 9, 10, 50])
def test_what_is_beyond_a_cap_is_what_claims_leave(world, fits):
    run = world.run(10)
    world.cap(fits * PRICE + 1, Scope.RUN, run.id)
    assert beyond(world, 10) == 10 - exhaust(world) == max(0, 10 - fits)


def test_a_narrow_cap_stops_nothing_twice(world):
    first, second = world.run(10, name="a"), world.run(10, name="b")
    world.cap(3 * PRICE, Scope.RUN, first.id)
    world.cap(5 * PRICE, Scope.CAMPAIGN, first.campaign_id)
    assert beyond(world, 20) == 15
    world.cap(1 * PRICE, Scope.RUN, second.id)
    assert beyond(world, 20) == 16
    assert exhaust(world) == 4


def test_without_a_cap_nothing_is_beyond_it(world):
    world.run(10)
    assert beyond(world, 10) == 0
