"""Ticks over both changes of the clock in three zones, and whatever an expression may be."""

from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.timetable.timetable import CronProblem, Timetable, checked
from orchestrator.timetable.zones import ZoneProblem

ZONES = ["Europe/Vienna", "America/New_York", "Australia/Lord_Howe"]
YEAR = (int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()), int(datetime(2027, 1, 1, tzinfo=UTC).timestamp()))
DAY_MS = 86_400_000


def ms(text):
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def utc(at):
    return datetime.fromtimestamp(at / 1000, tz=UTC).strftime("%d %H:%M")


def ticks(cron, zone, after, *, number):
    return [(firing.key, utc(firing.at)) for firing in islice(Timetable(cron, zone).after(ms(after)), number)]


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        pytest.param(
            "30 2 * * *",
            "Europe/Vienna",
            "2026-03-28T12:00Z",
            [("2026-03-29T02:30", "29 01:00"), ("2026-03-30T02:30", "30 00:30")],
            id="a time that spring skips comes when the gap has passed, and keeps its name",
        ),
        pytest.param(
            "30 2 * * *",
            "Europe/Vienna",
            "2026-10-24T12:00Z",
            [("2026-10-25T02:30", "25 00:30"), ("2026-10-26T02:30", "26 01:30")],
            id="a time that comes twice in autumn comes the first time",
        ),
        pytest.param(
            "30 2 * * *",
            "America/New_York",
            "2026-03-07T12:00Z",
            [("2026-03-08T02:30", "08 07:00"), ("2026-03-09T02:30", "09 06:30")],
            id="spring in New York",
        ),
        pytest.param(
            "30 1 * * *",
            "America/New_York",
            "2026-10-31T12:00Z",
            [("2026-11-01T01:30", "01 05:30"), ("2026-11-02T01:30", "02 06:30")],
            id="autumn in New York",
        ),
        pytest.param(
            "15 2 * * *",
            "Australia/Lord_Howe",
            "2026-10-03T00:00Z",
            [("2026-10-04T02:15", "03 15:30"), ("2026-10-05T02:15", "04 15:15")],
            id="where half an hour is skipped",
        ),
        pytest.param(
            "45 1 * * *",
            "Australia/Lord_Howe",
            "2026-04-04T00:00Z",
            [("2026-04-05T01:45", "04 14:45"), ("2026-04-06T01:45", "05 15:15")],
            id="where half an hour comes twice",
        ),
        pytest.param(
            "*/20 2 * * *",
            "Europe/Vienna",
            "2026-03-28T12:00Z",
            [("2026-03-29T02:00", "29 01:00"), ("2026-03-30T02:00", "30 00:00")],
            id="all that one gap skips is one tick",
        ),
        pytest.param(
            "30 * * * *",
            "Europe/Vienna",
            "2026-10-24T23:40Z",
            [("2026-10-25T00:30Z", "25 00:30"), ("2026-10-25T01:30Z", "25 01:30")],
            id="every hour is every hour that passes",
        ),
        pytest.param(
            "0 */6 * * *",
            "America/New_York",
            "2026-03-08T00:00Z",
            [("2026-03-08T05:00Z", "08 05:00"), ("2026-03-08T10:00Z", "08 10:00")],
            id="a step goes by the instant, on the hours of the wall",
        ),
        pytest.param(
            "0 0-23 * * *",
            "Europe/Vienna",
            "2026-03-29T00:10Z",
            [("2026-03-29T01:00Z", "29 01:00"), ("2026-03-29T02:00Z", "29 02:00")],
            id="all hours are every hour",
        ),
    ],
)
def test_timeline(cron, zone, after, expected):
    assert ticks(cron, zone, after, number=len(expected)) == expected


@pytest.mark.parametrize("zone", ZONES)
def test_a_nightly_schedule_has_one_tick_for_each_date_of_a_year(zone):
    found = Timetable("30 2 * * *", zone).after(YEAR[0] * 1000)
    dates = [firing.date for firing in islice(found, 365)]
    assert len(set(dates)) == 365
    assert dates == sorted(dates)


@pytest.mark.parametrize("zone", ZONES)
def test_an_hourly_schedule_has_one_tick_for_each_hour_and_words_of_its_own(zone):
    found = list(islice(Timetable("0 * * * *", zone).after(YEAR[0] * 1000), 365 * 24))
    assert {later.at - earlier.at for earlier, later in zip(found, found[1:], strict=False)} <= {
        3_600_000,
        1_800_000,
        5_400_000,
    }
    assert len({firing.word for firing in found}) == len(found)


FIELD = st.sampled_from
CRONS = st.builds(
    "{} {} {} * {}".format,
    FIELD(["0", "30", "15,45", "*/20", "59"]),
    FIELD(["2", "1,2,3", "0-3", "*", "*/2", "23", "2-2"]),
    FIELD(["*", "1-7", "L", "29"]),
    FIELD(["*", "MON-FRI", "0"]),
)


@given(CRONS, st.sampled_from(ZONES), st.integers(*YEAR))
def test_ticks_come_in_order_each_key_once_and_after_what_was_asked(cron, zone, start):
    found = list(islice(Timetable(cron, zone).after(start * 1000), 12))
    moments = [firing.at for firing in found]
    assert moments == sorted(set(moments))
    assert moments[0] > start * 1000
    assert len({firing.key for firing in found}) == len(found)
    assert len({firing.word for firing in found}) == len(found)


@given(CRONS, st.sampled_from(ZONES), st.integers(*YEAR), st.integers(0, 3 * DAY_MS))
def test_whoever_looks_when_finds_the_same_ticks(cron, zone, start, later):
    """Looking in two steps finds what looking in one finds: no tick is lost or told twice between them."""
    table, begin = Timetable(cron, zone), start * 1000
    middle, end = begin + later, begin + 5 * DAY_MS
    assert table.between(begin, middle) + table.between(middle, end) == table.between(begin, end)


@given(st.sampled_from(ZONES), st.integers(0, 23), st.integers(0, 59), st.integers(*YEAR))
def test_a_tick_shows_its_own_time_on_the_wall_unless_the_clock_skips_it(zone, hour, minute, start):
    firing = Timetable(f"{minute} {hour} * * *", zone).next_after(start * 1000)
    shown = datetime.fromtimestamp(firing.at / 1000, tz=ZoneInfo(zone))
    late = shown.replace(tzinfo=None) - datetime.fromisoformat(firing.local)
    assert shown.fold == 0
    assert late.total_seconds() == 0 or (
        0 < late.total_seconds() <= 3600 and shown.minute in {0, 30} and shown.hour in {2, 3}
    )


@pytest.mark.parametrize("cron", ["30 2 30 2 *", "* * */20 * 1L"])
def test_an_expression_that_never_fires_is_refused(cron):
    with pytest.raises(CronProblem, match="never fires"):
        checked(cron)


@pytest.mark.parametrize(
    ("cron", "said"),
    [
        ("61 * * * *", 'the minute "61"'),
        ("0 25 * * *", 'the hour "25"'),
        ("0 2 * * monday", 'the day of the week "monday"'),
        ("0 2 * *", "4 fields, and 5"),
        ("0 0 2 * * *", "6 fields, and 5"),
        ("", "0 fields"),
        ("1,,2 * * * *", 'the minute "1,,2"'),
        ("@daily", "no expression"),
    ],
)
def test_an_expression_that_cannot_be_read_is_named_by_its_field(cron, said):
    with pytest.raises(CronProblem) as caught:
        checked(cron)
    assert said in str(caught.value)
    assert "write" in caught.value.hint


def test_the_29th_of_february_is_rare_and_not_never():
    assert Timetable("0 2 29 2 *", "UTC").next_after(ms("2026-11-28T00:00Z")).key == "2028-02-29T02:00"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Europe/Viena", "Europe/Vienna"),
        ("europe/vienna", "Europe/Vienna"),
        ("Vienna", "Europe/Vienna"),
        ("Berln", "Europe/Berlin"),
        ("New York", "America/New_York"),
        ("Lord Howe", "Australia/Lord_Howe"),
    ],
)
def test_a_zone_that_does_not_exist_is_answered_with_the_nearest(name, meant):
    with pytest.raises(ZoneProblem) as caught:
        Timetable("30 2 * * *", name)
    assert meant in caught.value.hint


@pytest.mark.parametrize("name", ["", "../etc/passwd", "/etc/localtime", "Europe", "a\0b"])
def test_what_is_no_name_of_a_zone_is_refused(name):
    with pytest.raises(ZoneProblem):
        Timetable("30 2 * * *", name)


def test_a_month_is_as_far_as_missed_ticks_are_looked_for():
    until = ms("2026-11-28T00:00Z")
    assert len(Timetable("0 * * * *", "UTC").between(ms("2020-01-01T00:00Z"), until)) == 31 * 24
