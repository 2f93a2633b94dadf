"""What a run makes of the jobs that earlier runs have made, and the time of day a night ends at."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from orchestrator.core.nights import (
    Fate,
    GoodPicture,
    Leftovers,
    NightRule,
    Past,
    Regenerate,
    baseline,
    fate,
    finish_at,
)
from orchestrator.core.url_inputs import UrlInputs

DAY = 86_400_000
MADE = GoodPicture(7, at=10 * DAY)
ONE_WORD = [(Regenerate.ALL, "BBBB"), (Regenerate.CHANGED, "RBBB"), (Regenerate.FAILED, "RBLL")]
ONE_WORD += [(Regenerate.REJECTED, "RLBL")]
LETTER = {"B": Fate.BUY, "R": Fate.REUSE, "L": Fate.LEAVE}
PASTS = some.builds(
    Past,
    made=some.none() | some.just(MADE) | some.just(GoodPicture(7, at=10 * DAY, revision=2)),
    rejected=some.booleans(),
    failed=some.booleans(),
    under_way=some.booleans(),
    waiting=some.booleans(),
    by_address=some.booleans(),
    differs=some.booleans(),
    gone=some.booleans(),
)
RULES = some.builds(
    NightRule,
    regenerate=some.sampled_from(Regenerate),
    older_than_ms=some.none() | some.just(30 * DAY),
    leftovers=some.sampled_from(Leftovers),
    url_inputs=some.sampled_from(UrlInputs),
    asks=some.booleans(),
    model_revision=some.none() | some.just(2),
)


@pytest.mark.parametrize(("word", "row"), ONE_WORD)
def test_each_word_makes_anew_what_its_row_of_the_table_says(word, row):
    pasts = [Past(made=MADE), Past(failed=True), Past(rejected=True), Past()]
    found = [fate(NightRule(word), past, 11 * DAY) for past in pasts]
    assert found == [LETTER[letter] for letter in row]


def test_a_picture_counts_until_it_is_as_old_as_the_rule_says():
    rule = NightRule(Regenerate.CHANGED, older_than_ms=30 * DAY)
    assert fate(rule, Past(made=MADE), 40 * DAY - 1) is Fate.REUSE
    assert fate(rule, Past(made=MADE), 40 * DAY) is Fate.BUY


@given(RULES, PASTS)
def test_what_may_be_paid_for_is_bought_beside_it_only_where_all_is_asked_for(rule, past):
    found = fate(rule, past, 50 * DAY)
    if past.under_way and rule.regenerate is not Regenerate.ALL:
        assert found is not Fate.BUY
    if past.waiting and rule.leftovers is Leftovers.CARRY:
        assert found is not Fate.BUY


@given(RULES, PASTS)
def test_only_a_good_picture_is_reused(rule, past):
    if fate(rule, past, 11 * DAY) is Fate.REUSE:
        assert past.made is not None


@pytest.mark.parametrize(("word", "expected"), [("changed", "B"), ("failed", "R"), ("rejected", "R")])
def test_another_picture_at_an_address_is_a_change_for_the_word_changed_alone(word, expected):
    found = fate(NightRule(Regenerate(word)), Past(made=MADE, by_address=True, differs=True), 11 * DAY)
    assert found is LETTER[expected]


def test_addresses_that_always_count_as_others_have_their_jobs_made_anew_each_night():
    rule = NightRule(Regenerate.CHANGED, url_inputs=UrlInputs.ALWAYS)
    assert fate(rule, Past(made=MADE, by_address=True), 11 * DAY) is Fate.BUY
    assert fate(rule, Past(made=MADE), 11 * DAY) is Fate.REUSE
    assert fate(rule, Past(made=MADE, by_address=True, under_way=True), 11 * DAY) is Fate.UNDER_WAY


@given(RULES, PASTS)
def test_nothing_is_bought_whose_input_is_gone(rule, past):
    if past.gone:
        assert fate(rule, past, 11 * DAY) is not Fate.BUY


def test_a_picture_that_is_good_serves_also_when_its_input_is_gone():
    assert fate(NightRule(Regenerate.CHANGED), Past(made=MADE, gone=True), 11 * DAY) is Fate.REUSE


@pytest.mark.parametrize(("word", "expected"), [("changed", "B"), ("failed", "R"), ("rejected", "R")])
def test_another_model_is_a_change_for_the_word_changed_alone(word, expected):
    rule = NightRule(Regenerate(word), model_revision=2)
    assert fate(rule, Past(made=MADE), 11 * DAY) is LETTER[expected]
    assert fate(rule, Past(made=MADE, under_way=True), 11 * DAY) is not Fate.BUY


@pytest.mark.parametrize("wanted", [None, 1, 2, 3])
def test_a_picture_counts_that_is_of_the_wanted_revision_of_the_model_or_a_later_one(wanted):
    """A host with an older release does not buy again what a newer one has made."""
    rule = NightRule(Regenerate.CHANGED, model_revision=wanted)
    found = fate(rule, Past(made=GoodPicture(7, at=10 * DAY, revision=2)), 11 * DAY)
    assert found is (Fate.BUY if wanted == 3 else Fate.REUSE)


def test_of_a_picture_and_its_further_tries_the_accepted_one_counts_or_else_the_newest():
    old, new = GoodPicture(1, at=1), GoodPicture(2, at=2)
    accepted = GoodPicture(1, at=1, accepted=True)
    assert baseline(old, [new]) == new
    assert baseline(accepted, [new]) == accepted
    assert baseline(None, [accepted, new]) == accepted
    assert baseline(old, []) == baseline(None, [old]) == old
    assert baseline(None, []) is None


def test_an_accepted_try_from_before_a_run_bought_the_picture_anew_counts_no_longer():
    bought, since = GoodPicture(3, at=3), GoodPicture(4, at=4)
    tried = GoodPicture(2, at=2, accepted=True)
    assert baseline(bought, [tried]) == bought
    assert baseline(bought, [tried, since]) == since


@pytest.mark.parametrize(
    ("after", "by", "expected"),
    [
        ("2026-11-28T02:30", "06:00", "2026-11-28T06:00"),
        ("2026-11-28T06:00", "06:00", "2026-11-29T06:00"),
        ("2026-11-28T22:00", "06:00", "2026-11-29T06:00"),
        ("2026-03-28T23:00", "02:30", "2026-03-29T03:30"),  # 02:30 does not exist in that night
        ("2026-10-24T23:00", "02:30", "2026-10-25T02:30"),  # exists twice: the first time counts
    ],
)
def test_a_night_ends_at_the_next_time_that_the_clock_of_its_zone_shows(after, by, expected):
    zone = ZoneInfo("Europe/Vienna")
    at = int(datetime.fromisoformat(after).replace(tzinfo=zone).timestamp() * 1000)
    found = finish_at(by, at, "Europe/Vienna")
    assert datetime.fromtimestamp(found / 1000, tz=zone).replace(tzinfo=None).isoformat()[:16] == expected
