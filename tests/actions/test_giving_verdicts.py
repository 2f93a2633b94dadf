"""Verdicts: the last word counts, every word is kept, and only what has a picture can be judged."""

from dataclasses import replace

import pytest
from support.signed import SIGNED
from support.world import World

from orchestrator.actions.choosing.verdicts import count_judgeable, give
from orchestrator.core.errors import UsageError
from orchestrator.core.states import AttemptState
from orchestrator.core.verdicts import JobVerdict, VerdictSource
from orchestrator.store.choosing.verdicts import history
from orchestrator.store.db.schema import acts, verdicts
from orchestrator.store.views.jobs.walk import JobFilter, page_ids

BOB = replace(SIGNED, who="bob", host="studio-2")
ACCEPTED, REJECTED, NONE = JobVerdict


@pytest.fixture
def made(world) -> World:
    """Two jobs with pictures, and one that waits."""
    world.run(3)
    for _ in range(2):
        world.until(AttemptState.SUCCEEDED)
    return world


def says(world, job_id=1):
    row = world.job(job_id)
    return row.verdict, row.stars, row.note


def test_a_verdict_is_a_row_an_act_and_the_jobs_last_word(made):
    give(made.database, [1], REJECTED, signed=SIGNED, stars=2, note="logo is off")
    assert says(made) == ("rejected", 2, "logo is off")
    (row,) = made.rows(verdicts)
    assert (row.job_id, row.who, row.host, row.source) == (1, "ada", "here", "command")
    (act,) = made.rows(acts)
    assert (act.subject, act.old, act.new) == ("job 1", None, "rejected, 2 stars: logo is off")


def test_of_two_reviewers_the_last_counts_is_told_of_the_first_and_nothing_is_lost(made, open_database):
    give(made.database, [1, 2], ACCEPTED, signed=SIGNED, note="lovely")
    given = give(open_database(), [1], REJECTED, signed=BOB)
    (overruled,) = given.overruled(BOB)
    assert (overruled.before.who, overruled.before.opinion.verdict, overruled.after.who) == (
        "ada",
        ACCEPTED,
        "bob",
    )
    assert says(made) == ("rejected", None, None), "a note is about its verdict"
    with made.database.read() as tx:
        assert [(item.who, item.opinion.verdict) for item in history(tx, 1)] == [
            ("ada", ACCEPTED),
            ("bob", REJECTED),
        ]


def test_the_same_word_of_the_same_person_is_recorded_once_and_of_another_again(made):
    for _ in range(2):
        last = give(made.database, [1], ACCEPTED, signed=SIGNED)
    assert not last.changed
    assert len(made.rows(verdicts)) == 1
    assert give(made.database, [1], ACCEPTED, signed=BOB).changed
    assert [row.who for row in made.rows(verdicts)] == ["ada", "bob"]


def test_stars_change_no_verdict_and_a_new_verdict_no_stars(made):
    give(made.database, [1], REJECTED, signed=SIGNED, note="too dark")
    give(made.database, [1], None, signed=SIGNED, stars=4)
    assert says(made) == ("rejected", 4, "too dark")
    give(made.database, [1], ACCEPTED, signed=SIGNED)
    assert says(made) == ("accepted", 4, None)
    give(made.database, [1], None, signed=SIGNED, stars=0)
    assert says(made) == ("accepted", None, None)


def test_a_verdict_that_is_taken_back_leaves_its_rows(made):
    give(made.database, [1], ACCEPTED, signed=SIGNED, stars=5)
    give(made.database, [1], NONE, signed=BOB)
    assert says(made) == (None, None, None)
    assert [(row.verdict, row.who) for row in made.rows(verdicts)] == [("accepted", "ada"), (None, "bob")]
    assert not give(made.database, [1], NONE, signed=SIGNED).changed


def test_what_has_no_picture_is_refused_with_the_reason_and_the_others_are_done(world):
    world.run(5)
    world.until(AttemptState.SUCCEEDED)
    world.until(AttemptState.FAILED)
    world.until(AttemptState.IN_FLIGHT)
    given = give(world.database, [1, 2, 3, 4, 99], ACCEPTED, signed=SIGNED)
    assert [item.job_id for item in given.judged] == [1]
    why = {item.job_id: item.why for item in given.refused}
    assert set(why) == {2, 3, 4, 99}
    assert "redo 2 --prompt" in why[2]
    assert "being made" in why[3]
    assert "waits" in why[4]
    assert why[99] == "there is no such job"
    assert says(world) == ("accepted", None, None)


def test_a_filter_means_the_jobs_with_pictures_and_is_counted_before(made):
    with made.database.read() as tx:
        assert count_judgeable(tx, JobFilter(campaign="spring")) == (2, 2, 2 * 28_000)
        assert count_judgeable(tx, JobFilter(states=("failed",))) == (0, 0, 0)
    given = give(made.database, JobFilter(campaign="spring"), REJECTED, signed=SIGNED)
    assert ([item.job_id for item in given.judged], given.refused) == ([1, 2], [])
    assert not give(made.database, JobFilter(states=("failed",)), REJECTED, signed=SIGNED).judged


@pytest.mark.parametrize(("verdict", "expected"), [("accepted", [1]), ("rejected", [2]), ("none", [3])])
def test_jobs_are_found_by_their_verdict(made, verdict, expected):
    give(made.database, [1], ACCEPTED, signed=SIGNED)
    give(made.database, [2], REJECTED, signed=SIGNED)
    with made.database.read() as tx:
        for narrowed in (JobFilter(), JobFilter(run="main"), JobFilter(states=("succeeded", "pending"))):
            assert page_ids(tx, replace(narrowed, verdict=verdict)) == expected
        assert page_ids(tx, JobFilter(verdict=verdict, states=("failed",))) == []


def test_more_stars_than_there_are_are_refused(made):
    with pytest.raises(UsageError, match="6 is no number of stars"):
        give(made.database, [1], None, signed=SIGNED, stars=6)


def test_a_verdict_says_what_it_came_through(made):
    give(made.database, [1], REJECTED, signed=SIGNED, source=VerdictSource.CHECK)
    assert made.rows(verdicts)[0].source == "check"
