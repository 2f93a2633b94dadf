"""What is given back, and how: one row for each outcome, and no outcome without one."""

from typing import get_args

import pytest

from orchestrator.core.states import ATTEMPT_TRANSITIONS, AttemptEvent, AttemptState, step
from orchestrator.ports import Accepted, Lost, NotSent, Rejected, SubmitOutcome, Uploaded, UploadOutcome
from orchestrator.worker.pipeline.outcomes import (
    GIVEN_BACK,
    HELD_BACK,
    PRICE_DRIFT,
    PRICE_REFUSALS,
    STOPPED,
    NothingCreated,
    NotPrepared,
    given_back,
)
from orchestrator.worker.pipeline.prepare import InputChanged, PictureNotHere


def test_every_outcome_of_preparing_has_a_row_and_every_row_is_of_one():
    own = {InputChanged, PictureNotHere}
    assert set(get_args(NotPrepared)) == {*get_args(UploadOutcome), *own} - {Uploaded}
    assert set(GIVEN_BACK) == set(get_args(NotPrepared))


def test_every_outcome_of_submitting_is_accepted_rejected_in_doubt_or_given_back():
    assert set(get_args(NothingCreated)) == set(get_args(SubmitOutcome)) - {Accepted, Rejected, Lost}


@pytest.mark.parametrize("row", [*(GIVEN_BACK[kind] for kind in get_args(NothingCreated)), HELD_BACK])
def test_what_a_post_has_not_created_may_be_given_back_from_submitting(row):
    assert step(ATTEMPT_TRANSITIONS, AttemptState.SUBMITTING, row.event) is AttemptState.ABANDONED


def test_what_was_never_sent_is_given_back_from_leased():
    assert {row.event for row in PRICE_REFUSALS.values()} == {AttemptEvent.RELEASED}
    assert {PRICE_DRIFT.event, STOPPED.event} == {AttemptEvent.RELEASED}
    assert step(ATTEMPT_TRANSITIONS, AttemptState.LEASED, AttemptEvent.RELEASED) is AttemptState.ABANDONED


def test_a_reply_that_is_lost_or_says_no_is_never_given_back_from_submitting():
    """Money may be owed for it: a row that led there by mistake would buy the picture again."""
    for kind in (Lost, Rejected):
        event = GIVEN_BACK[kind].event
        assert (AttemptState.SUBMITTING, event) not in ATTEMPT_TRANSITIONS


def test_a_post_that_we_held_back_pauses_nothing():
    assert given_back(NotSent("too late", expired=True)) is HELD_BACK
    assert given_back(NotSent("refused")).pause is not None
    assert HELD_BACK.pause is None
