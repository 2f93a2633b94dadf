"""Values as people read them."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from orchestrator.cli.rendering import words
from orchestrator.cli.rendering.documents import output_document
from orchestrator.cli.rendering.jobs.job_text import outputs_text
from orchestrator.cli.rendering.plans.left_out_text import left_out_lines
from orchestrator.manifest.bad_rows import LeftOut
from orchestrator.manifest.tables.tables import Skipped
from orchestrator.store.views.jobs.job_outputs import OutputRow


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.42, "0.4 s"),
        (21.4, "21 s"),
        (119, "119 s"),
        (180, "3 min"),
        (8700, "2 h 25 min"),
        (7200, "2 h"),
        (100_000, "1 d 4 h"),
    ],
)
def test_durations_have_one_or_two_units(seconds, text):
    assert words.duration(seconds) == text


def test_times_are_utc_and_carry_milliseconds_only_when_there_are_any():
    assert words.rfc3339(1_795_352_400_000) == "2026-11-22T13:00:00Z"
    assert words.rfc3339(1_795_352_400_007) == "2026-11-22T13:00:00.007Z"
    assert words.rfc3339(None) is None


def test_text_that_could_fool_a_terminal_is_escaped():
    assert words.safe("a\x1b[31mred\u202egnp.exe\n") == "a\\u{1b}[31mred\\u{202e}gnp.exe\\n"
    assert words.safe("grüße 漢字") == "grüße 漢字"


def test_a_hundred_per_cent_is_only_said_when_it_is_all():
    assert (words.percent(999, 1000), words.percent(1000, 1000)) == ("99 %", "100 %")


def test_wide_characters_keep_columns_aligned():
    first, second, third = words.table(["a", "b"], [["漢字", "x"], ["abcd", "y"]]).splitlines()
    assert (first, second, third) == ("a     b", "漢字  x", "abcd  y")


def test_money_has_two_decimals_or_as_many_as_it_needs():
    assert (words.usd(28_000), words.usd(6_720_000), words.unit_price(50_000)) == (
        "$0.028",
        "$6.72",
        "$0.050",
    )


def test_a_picture_kept_from_an_earlier_attempt_is_shown_with_that_attempt_and_its_own_index():
    values = dict.fromkeys(("sha256", "bytes", "media_type", "nsfw"))
    now = OutputRow(
        index=0,
        kept_from=None,
        state="planned",
        planned_path="b",
        path=None,
        width=None,
        height=None,
        **values,
    )
    kept = OutputRow(
        index=0, kept_from=2, state="stored", planned_path="a", path="a", width=4, height=3, **values
    )
    job: Any = SimpleNamespace(outputs=[now, kept])
    assert outputs_text(job, Path("out")) == ["0  planned: b", "0 of attempt 2  out/a  4x3"]
    assert [output_document(each)["kept_from_attempt"] for each in (now, kept)] == [None, 2]


def test_rows_that_are_left_out_for_the_like_share_a_line():
    missing = [Skipped(row, f'there is no file "{row}.jpg"') for row in (12, 59, 113, 201)]
    others = [Skipped(4, "left out by its number"), Skipped(7, "left out by its number")]
    assert left_out_lines([LeftOut("shop.csv", [*missing, *others], [303])]) == [
        'Left out    4 rows of shop.csv: there is no file "12.jpg" (row 12); likewise rows 59, 113, 201',
        "            2 rows of shop.csv: left out by its number (rows 4, 7)",
        "            1 row of shop.csv: without any value (row 303)",
    ]
