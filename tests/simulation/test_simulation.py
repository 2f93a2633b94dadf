"""Hundreds of seeds: whatever the provider, the power and the people do, the books hold."""

import pytest

from .bench import close_bench
from .command import Summary, many
from .simulation import simulate

CHUNKS = 12
SEEDS = 15  # in each chunk


@pytest.fixture(scope="module", autouse=True)
def _no_files_left():
    yield
    close_bench()


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_invariant_holds(chunk: int) -> None:
    summary = many(range(chunk * SEEDS, (chunk + 1) * SEEDS))
    assert summary.seeds == SEEDS
    assert not summary.failures, _told(summary)


def test_a_seed_repeats_itself() -> None:
    for seed in (3, 7, 11):
        assert simulate(seed).timeline.digest() == simulate(seed).timeline.digest()


def _told(summary: Summary) -> str:
    seed, message, timeline = summary.failures[0]
    others = ", ".join(str(other) for other, _, _ in summary.failures[1:])
    return f"seed {seed}: {message}\n{timeline}\nreproduce: python -m tests.simulation --seed {seed}" + (
        f"\nalso failing: {others}" if others else ""
    )
