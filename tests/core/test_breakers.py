"""What pauses a run by itself: limits of its manifest, and the configuration's where that says nothing."""

import pytest

from orchestrator.core.breakers import Breakers, RunFigures, p95_ms, trips


def reasons(limits, **figures):
    return [trip.reason for trip in trips(limits, RunFigures(**figures))]


@pytest.mark.parametrize(
    ("limits", "figures", "reason"),
    [
        (Breakers(failed=0.2), {"succeeded": 16, "failed": 4}, None),
        (Breakers(failed=0.2), {"succeeded": 15, "failed": 5}, "failure_rate"),
        (Breakers(failed=0.2), {"succeeded": 0, "failed": 19}, None),
        (Breakers(flagged=0.1), {"succeeded": 20, "pictures": 20, "flagged": 3}, "nsfw_rate"),
        (Breakers(flagged=0.1), {"succeeded": 20, "pictures": 0, "flagged": 0}, None),
        (
            Breakers(cost_per_accepted=200_000),
            {"judged": 20, "judged_micros": 560_000, "accepted_pictures": 3},
            None,
        ),
        (
            Breakers(cost_per_accepted=200_000),
            {"judged": 20, "judged_micros": 560_000, "accepted_pictures": 2},
            "cost_per_accepted",
        ),
        (
            Breakers(cost_per_accepted=200_000),
            {"judged": 20, "judged_micros": 560_000, "accepted_pictures": 0},
            "cost_per_accepted",
        ),
        (Breakers(cost_per_accepted=200_000), {"judged": 19, "judged_micros": 10**9}, None),
        (Breakers(p95_seconds=120), {"task_ms": (120_000,) * 20}, None),
        (Breakers(p95_seconds=120), {"task_ms": (1,) * 18 + (121_000,) * 2}, "p95_seconds"),
        (Breakers(p95_seconds=120), {"task_ms": (1,) * 19 + (999_000,)}, None),
        (Breakers(p95_seconds=120), {"task_ms": (999_000,) * 19}, None),
    ],
)
def test_a_limit_that_is_passed_among_enough_pauses(limits, figures, reason):
    assert reasons(limits, **figures) == ([reason] if reason else [])


def test_what_is_not_watched_pauses_nothing():
    assert reasons(Breakers(), succeeded=0, failed=99, pictures=9, flagged=9, judged=50) == []


def test_a_manifest_counts_before_the_configuration_and_what_it_leaves_out_does_not():
    guards = Breakers(failed=0.5, min_jobs=20)
    said = {"breakers": {"failed": 0.2, "flagged": None, "p95_seconds": 60.0, "min_jobs": None}}
    assert guards.of_run(said) == Breakers(failed=0.2, p95_seconds=60.0, min_jobs=20)
    assert guards.of_run(None) == guards.of_run({"checks": {}}) == guards


@pytest.mark.parametrize(("times", "expected"), [((7,), 7), (tuple(range(1, 101)), 95), ((1, 2), 2)])
def test_the_95th_percentile_is_the_nearest_rank(times, expected):
    assert p95_ms(times) == expected
