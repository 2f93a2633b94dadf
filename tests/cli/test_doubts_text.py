"""What was lost and is looked for says until when; a person is asked what only a person can tell."""

from dataclasses import replace

from orchestrator.cli.rendering.jobs.doubts_text import (
    doubt_words,
    doubts_words,
    looked_for_until,
    people_needed,
)
from orchestrator.settings import Outputs, Settings, Webhook
from orchestrator.settings.model import InDoubtSettings
from orchestrator.store.views.trouble import InDoubtRow, OpenDoubts

SETTINGS = Settings("unused", Outputs("unused"), in_doubt=InDoubtSettings(2.0))
LOST_AT = 1_795_348_800_000  # 12:00:00Z


def row(**more):
    fields = {"attempt_id": 1, "job_id": 1, "campaign": "c", "name": "n", "run": "r", "number": 1}
    money = {"submitted_at": LOST_AT, "price_micros": 28_000, "message": "reset", "doubted_at": LOST_AT}
    return InDoubtRow(**{**fields, **money, **more})


def test_a_doubt_that_is_looked_for_says_until_when_and_that_there_is_nothing_to_do():
    words = doubt_words(row(), SETTINGS, LOST_AT + 1_000)
    assert words == "being looked for until 12:00:04Z, nothing to do"
    assert people_needed([row()]) == []


def test_a_doubt_that_the_evidence_cannot_decide_is_for_a_person():
    left = row(needs_person=True)
    assert doubt_words(left, SETTINGS, LOST_AT) == "for you to decide"
    assert people_needed([row(), left]) == [left]


def test_a_doubt_that_is_looked_for_beyond_its_time_says_what_it_takes():
    assert "a worker must run" in doubt_words(row(), SETTINGS, LOST_AT + 60_000)


def test_both_kinds_are_counted_apart_and_none_says_nothing():
    words = doubts_words(OpenDoubts(3, LOST_AT, 2), SETTINGS, LOST_AT)
    assert words == (
        "3 in doubt (being looked for until 12:00:04Z, nothing to do), "
        "2 in doubt (for you to decide: orchestrator in-doubt list)"
    )
    assert doubts_words(OpenDoubts(), SETTINGS, LOST_AT) == ""


def test_a_webhook_that_may_still_report_is_waited_for():
    reported = replace(SETTINGS, webhook=Webhook("https://hooks.example.com", wait_seconds=600.0))
    assert looked_for_until(reported, LOST_AT) == LOST_AT + 600_000
