"""Hundreds of seeds: whatever the provider, the power and the people do, the books hold."""

import pytest

from .bench import benches
from .command import many
from .simulation import simulate
from .summary import Summary

CHUNKS = 12
SEEDS = 15  # in each chunk
POSTGRES_SEEDS = range(500, 506)


@pytest.fixture(scope="module", autouse=True)
def _no_files_left():
    yield
    benches.close()


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_invariant_holds(chunk: int) -> None:
    summary = many(range(chunk * SEEDS, (chunk + 1) * SEEDS))
    assert summary.seeds == SEEDS
    assert not summary.failures, _told(summary)


def test_every_invariant_holds_on_a_server() -> None:
    summary = many(POSTGRES_SEEDS, "postgres")
    assert not summary.failures, _told(summary)


def test_a_seed_repeats_itself() -> None:
    for seed in (3, 7, 11):
        assert simulate(seed).timeline.digest() == simulate(seed).timeline.digest()


def _told(summary: Summary) -> str:
    worst, *others = summary.failures
    return (
        f"seed {worst.seed}: {worst.message}\n{worst.timeline}\nreproduce: python -m tests.simulation --seed "
        f"{worst.seed}"
        + (f"\nalso failing: {', '.join(str(other.seed) for other in others)}" if others else "")
    )
