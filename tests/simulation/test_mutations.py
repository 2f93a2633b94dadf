"""The simulation can fail: every planted bug is noticed within a few seeds."""

import pytest

from .mutations import MUTATIONS, Mutation, planted
from .simulation import simulate

SEEDS_MAX = 30


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name.replace(" ", "_"))
def test_a_planted_bug_is_noticed(mutation: Mutation, record_property) -> None:
    with planted(mutation):
        for seeds in range(1, SEEDS_MAX + 1):
            failure = simulate(mutation.first + seeds - 1, mutation.theme).failure
            if failure is not None:
                break
    assert failure is not None, f"{mutation.name} went unnoticed for {SEEDS_MAX} seeds"
    record_property("seeds", seeds)
    assert failure.startswith(("invariant", "a worker broke")), failure
