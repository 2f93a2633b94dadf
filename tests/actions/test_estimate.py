"""An estimate names the limit that decides it."""

import pytest

from orchestrator.actions.planning.figures.estimate import Pace, estimate


@pytest.mark.parametrize(
    ("jobs", "concurrency", "per_minute", "seconds", "words"),
    [
        (0, 2, 2, 0, ""),
        (1, 2, 2, 20, "one task takes about 20 s"),
        (61, 100, 60, 80, "60 submits a minute"),
        (102, 2, 600, 1020, "2 tasks at once"),
    ],
)
def test_the_slower_of_the_two_limits_decides(jobs, concurrency, per_minute, seconds, words):
    pace = Pace(concurrency, per_minute, "level bronze")
    found = estimate(jobs=jobs, pace=pace, latency_seconds=20.0, latency_source="measured")
    assert found.seconds == seconds
    assert words in found.bottleneck
