"""A moment is so long ago, or when."""

import pytest

from orchestrator.core.moments import MomentError, parse_since

NOW = 1_795_348_800_000  # 2026-11-22T12:00:00Z


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("90s", NOW - 90_000),
        ("30m", NOW - 1_800_000),
        (" 2 H ", NOW - 7_200_000),
        ("7d", NOW - 7 * 86_400_000),
        ("1w", NOW - 7 * 86_400_000),
        ("2026-11-22T11:00:00Z", NOW - 3_600_000),
        ("2026-11-22T12:00:00+01:00", NOW - 3_600_000),
        ("2026-11-22T12:00:00", NOW - 3_600_000),
        ("2026-11-22", NOW - 13 * 3_600_000),
    ],
)
def test_a_moment_without_an_offset_is_in_the_time_zone_of_the_budgets(text, ms):
    assert parse_since(text, NOW, "Europe/Berlin") == ms


@pytest.mark.parametrize(
    "text", ["", "2", "h", "-2h", "yesterday", "2026-13-01", "0000-01-01", "9" * 20 + "s"]
)
def test_what_names_no_moment_is_refused_with_examples(text):
    with pytest.raises(MomentError, match="such as 2h"):
        parse_since(text, NOW, "UTC")
